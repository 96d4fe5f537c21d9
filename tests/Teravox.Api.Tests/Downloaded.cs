// SPDX-License-Identifier: Apache-2.0
using System.Net;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Volumes;

namespace Teravox.Api.Tests;

/// <summary>A view as a viewer gets it, file by file, in a folder where the store's own reader opens it.</summary>
internal sealed class Downloaded : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("teravox-view-").FullName;

    public OmeVolume Volume => OmeVolume.Open(folder);

    public static async Task<Downloaded> OfAsync(HttpClient http, ViewInfo view)
    {
        var copy = new Downloaded();
        foreach (var file in (string[])[".zgroup", ".zattrs"])
            Assert.True(await copy.TakeAsync(http, view.Url, file), file);
        foreach (var level in view.Levels)
        {
            Assert.True(await copy.TakeAsync(http, view.Url, level.Path + "/.zarray"), level.Path);
            var grid = Int3.Zip(level.Shape.RoundUpTo(level.Chunk), level.Chunk, static (n, c) => n / c);
            foreach (var channel in view.Kind == "probabilities" ? Enumerable.Range(0, view.Channels).Select(c => $"{c}/") : [""])
            {
                for (var i = 0; i < grid.Count; i++)
                    await copy.TakeAsync(http, view.Url, $"{level.Path}/{channel}{i / (grid.Y * grid.X)}/{i / grid.X % grid.Y}/{i % grid.X}");
            }
        }

        return copy;
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    // A chunk that is not there is all fill value.
    private async Task<bool> TakeAsync(HttpClient http, string url, string path)
    {
        using var answer = await http.ReadAsync($"{url}/{path}");
        if (answer.StatusCode == HttpStatusCode.NotFound)
            return false;
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(folder, path))!);
        await File.WriteAllBytesAsync(Path.Combine(folder, path), await answer.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
        return true;
    }
}
