// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Net.Http.Headers;
using Teravox.Client.Http;
using Teravox.Contracts;
using Teravox.Contracts.Api;

namespace Teravox.Client;

/// <summary>How an upload is sent.</summary>
public sealed record UploadOptions
{
    /// <summary>Files under way at a time, 1..16.</summary>
    public int Parallel { get; init; } = 4;

    /// <summary>Most bytes of a slab; the cluster's bound holds too. What a break can cost.</summary>
    public int SlabBytes { get; init; } = 4 << 20;
}

/// <summary>Volumes on their way from the client's own disk.</summary>
public sealed class UploadsClient
{
    // Opening a volume reads every header and every hash; that of a terabyte takes hours.
    private static readonly TimeSpan CheckTimeout = TimeSpan.FromHours(12);

    private readonly Transport _transport;

    internal UploadsClient(Transport transport) => _transport = transport;

    /// <summary>Announces files; the same files under the same name again give the upload that is there.</summary>
    public Task<UploadInfo> BeginAsync(NewUpload upload, CancellationToken ct = default) =>
        _transport.JsonAsync<UploadInfo>(Call.Once("uploads", upload) with { Repeatable = true }, ct);

    /// <summary>How far an upload is; null when there is none of this number.</summary>
    public Task<UploadInfo?> FindAsync(long id, CancellationToken ct = default) => _transport.FindAsync<UploadInfo>(Call.Join("uploads", id), ct);

    /// <summary>Drops an upload with all that came.</summary>
    public Task DeleteAsync(long id, CancellationToken ct = default) => _transport.DeleteAsync(Call.Join("uploads", id), ct);

    /// <summary>Makes the volume of what came.</summary>
    public Task<VolumeInfo> CompleteAsync(long id, CancellationToken ct = default) =>
        _transport.JsonAsync<VolumeInfo>(Call.Transition(Call.Join("uploads", id, "complete")) with { Timeout = CheckTimeout }, ct);

    /// <summary>Sends a slab; one that arrived already is answered as received.</summary>
    /// <returns>What has arrived of the file.</returns>
    /// <exception cref="TeravoxApiException">409 with <see cref="TeravoxApiException.Received"/> when the file does not end at the offset.</exception>
    public Task<UploadedFile> PutAsync(long id, string path, long offset, ReadOnlyMemory<byte> slab, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(path);
        var call = new Call(HttpMethod.Put, Call.With(Call.Join(["uploads", id, "files", .. path.Split('/')]), ("offset", offset)))
        {
            Body = () => new ReadOnlyMemoryContent(slab) { Headers = { ContentType = new MediaTypeHeaderValue("application/octet-stream") } },
            Timeout = _transport.Options.AttemptTimeout * Math.Max(1, slab.Length >> 20),
        };
        return _transport.JsonAsync<UploadedFile>(call, ct);
    }

    /// <summary>
    /// Uploads a stack and makes a volume of it: read for its hashes, announced, sent in slabs, checked. Broken off and
    /// called again, it sends only what has not arrived.
    /// </summary>
    /// <param name="name">Name of the volume to be.</param>
    /// <param name="source">Where the stack lies.</param>
    /// <param name="voxelSize">nm; the stack's own, else 1 x 1 x 1, when null.</param>
    /// <param name="options">How it is sent.</param>
    /// <param name="progress">Told how far it is, often; from one thread at a time.</param>
    /// <param name="ct">Stops it; what has arrived is kept for a week.</param>
    /// <exception cref="InputException">The stack cannot be read, or changes while it is sent.</exception>
    public async Task<VolumeInfo> UploadAsync(
        string name, UploadSource source, VoxelSize? voxelSize = null, UploadOptions? options = null, Action<UploadProgress>? progress = null, CancellationToken ct = default)
    {
        var manifest = await UploadManifest.ReadAsync(source, progress, ct);
        return await UploadAsync(name, manifest, voxelSize, options, progress, ct);
    }

    /// <summary>As with a source, whose files were read already.</summary>
    public async Task<VolumeInfo> UploadAsync(
        string name, UploadManifest manifest, VoxelSize? voxelSize = null, UploadOptions? options = null, Action<UploadProgress>? progress = null, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        options ??= new UploadOptions();
        var upload = await BeginAsync(new NewUpload { Name = name, Files = [.. manifest.Files.Select(f => f.Remote)], VoxelSize = voxelSize }, ct);

        var received = upload.Files.ToDictionary(f => f.Path, f => f.Received);
        var meter = new UploadMeter(UploadPhase.Sending, manifest.Files.Count, manifest.Bytes, progress);
        meter.AddEarlier(received.Values.Sum());
        meter.Tell();
        var slab = Math.Clamp(options.SlabBytes, 1, upload.SlabBytes);
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = Math.Clamp(options.Parallel, 1, 16), CancellationToken = ct };
        await Parallel.ForEachAsync(manifest.Files, parallel, async (file, token) =>
        {
            await SendAsync(upload.Id, file, received.GetValueOrDefault(file.Remote.Path), slab, meter, token);
            meter.FileDone();
        });

        progress?.Invoke(new UploadProgress(UploadPhase.Checking, 0, manifest.Files.Count, 0, manifest.Bytes, 0, null));
        for (var busy = 0; ; busy++)
        {
            try
            {
                return await CompleteAsync(upload.Id, ct);
            }
            catch (TeravoxApiException e) when (e.Status == HttpStatusCode.Conflict && busy < 5)
            {
                // An attempt whose connection broke holds the upload for a moment longer.
                await Task.Delay(_transport.Options.FirstDelay * (1 << (busy + 1)), ct);
            }
            catch (TeravoxApiException e) when (e.Status == HttpStatusCode.UnprocessableEntity)
            {
                // What came is no volume and never will be: kept, it would stand in the way of the mended stack.
                await DeleteAsync(upload.Id, ct);
                throw;
            }
        }
    }

    private async Task SendAsync(long id, UploadManifest.LocalFile file, long at, int slab, UploadMeter meter, CancellationToken ct)
    {
        var bytes = file.Remote.Bytes;
        if (at >= bytes)
            return;
        await using var stream = new FileStream(file.Local, FileMode.Open, FileAccess.Read, FileShare.Read, 0, FileOptions.Asynchronous);
        var buffer = new byte[Math.Min(slab, bytes)];
        for (var astray = 0; at < bytes;)
        {
            var count = (int)Math.Min(buffer.Length, bytes - at);
            stream.Position = at;
            if (stream.Length != bytes || await stream.ReadAtLeastAsync(buffer.AsMemory(0, count), count, throwOnEndOfStream: false, ct) < count)
                throw new InputException($"{file.Local}: has changed since its upload began; begin it again.");
            long next;
            try
            {
                next = (await PutAsync(id, file.Remote.Path, at, buffer.AsMemory(0, count), ct)).Received;
            }
            catch (TeravoxApiException e) when (e is { Status: HttpStatusCode.Conflict, Received: not null } && astray++ < 20)
            {
                // A slab was cut, or another client sends the same stack: the cluster knows where the file ends.
                next = e.Received.Value;
                if (next > bytes)
                    throw;
            }

            meter.Add(next - at);
            at = next;
        }
    }
}
