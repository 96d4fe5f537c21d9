// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Net.Http.Headers;
using Teravox.Contracts;

namespace Teravox.Client.Http;

/// <summary>Files from the cluster to the disk, and things that may not be there.</summary>
internal static class Downloads
{
    /// <summary>What a GET gives; null when there is no such thing.</summary>
    public static async Task<T?> FindAsync<T>(this Transport transport, string path, CancellationToken ct)
        where T : class
    {
        try
        {
            return await transport.JsonAsync<T>(Call.Get(path), ct);
        }
        catch (TeravoxApiException e) when (e.Status == HttpStatusCode.NotFound)
        {
            return null;
        }
    }

    /// <summary>
    /// Fetches a file to NAME.part and gives it its name when it is whole. What a call before this one left as NAME.part is kept.
    /// </summary>
    /// <param name="transport">Sends.</param>
    /// <param name="path">Below /api/v1/.</param>
    /// <param name="file">Where to.</param>
    /// <param name="bytes">Its size where that is known.</param>
    /// <param name="progress">Told the bytes as they come.</param>
    /// <param name="ct">Stops it; what came is kept.</param>
    public static async Task DownloadAsync(this Transport transport, string path, string file, long? bytes, IProgress<long>? progress, CancellationToken ct)
    {
        var part = file + ".part";
        await using (var to = new FileStream(part, FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read))
        {
            if (bytes is { } size && to.Length > size)
                to.SetLength(0);
            to.Seek(0, SeekOrigin.End);
            var whole = bytes is { } all && to.Length == all;
            if (to.Length > 0)
                progress?.Report(to.Length);
            if (!whole)
            {
                var call = Call.Get(path) with { Prepare = r => r.Headers.Range = to.Position > 0 ? new RangeHeaderValue(to.Position, null) : null };
                await transport.SendAsync(call, (response, attempt) => CopyAsync(response, to, attempt, progress), ct);
            }

            if (bytes is { } expected && to.Length != expected)
            {
                to.SetLength(0);
                throw new InputException($"{file}: {to.Length} bytes came instead of {expected}; it changed meanwhile, so fetch it again.");
            }
        }

        File.Move(part, file, overwrite: true);
    }

    private static async Task<bool> CopyAsync(HttpResponseMessage response, FileStream to, Attempt attempt, IProgress<long>? progress)
    {
        // A server that knows no ranges sends all of it again.
        if (response.StatusCode != HttpStatusCode.PartialContent && to.Position > 0)
        {
            progress?.Report(-to.Length);
            to.SetLength(0);
        }

        var from = await response.Content.ReadAsStreamAsync(attempt.Token);
        var block = new byte[1 << 18];
        for (int read; (read = await from.ReadAsync(block, attempt.Token)) > 0;)
        {
            try
            {
                await to.WriteAsync(block.AsMemory(0, read), attempt.Token);
            }
            catch (IOException e)
            {
                // A full disk is no broken connection: asking again does not help.
                throw new InputException($"{to.Name}: cannot be written ({e.Message}).", e);
            }

            attempt.GetsOn();
            progress?.Report(read);
        }

        return true;
    }
}
