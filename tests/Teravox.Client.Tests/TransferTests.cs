// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using static Teravox.Client.Tests.ScriptedServer;

namespace Teravox.Client.Tests;

/// <summary>Files up and down over connections that are cut in the middle.</summary>
public sealed class TransferTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("teravox-client-").FullName;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Download_WhenCutTwice_FetchesEachByteOnce()
    {
        var bytes = RandomNumberGenerator.GetBytes(1_000_000);
        await using var server = await StartAsync(Ranges(bytes, 300_000), Ranges(bytes, 300_000), Ranges(bytes, int.MaxValue));
        using var client = server.Client();
        var file = Path.Combine(_folder, "model.safetensors");
        await client.Experiments.DownloadAsync(3, new ResultFile("models/multi class.safetensors", bytes.Length), file, ct: Ct);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(file, Ct));
        Assert.False(File.Exists(file + ".part"));
        Assert.Equal("/api/v1/experiments/3/results/models/multi%20class.safetensors", server.Requests.First().Path);
        Assert.Equal(["bytes=300000-", "bytes=600000-"], server.Requests.Skip(1).Select(r => r.Headers["Range"]));
    }

    [Fact]
    public async Task Download_WhenACallBeforeLeftAPart_GoesOnFromIt()
    {
        var bytes = RandomNumberGenerator.GetBytes(5000);
        var file = Path.Combine(_folder, "scores.json");
        await File.WriteAllBytesAsync(file + ".part", bytes[..2000], Ct);
        await using var server = await StartAsync(Ranges(bytes, int.MaxValue));
        using var client = server.Client();
        await client.Experiments.DownloadAsync(3, new ResultFile("scores.json", bytes.Length), file, ct: Ct);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(file, Ct));
        Assert.Equal("bytes=2000-", server.Requests.Single().Headers["Range"]);
    }

    [Fact]
    public async Task Download_WhenTheServerKnowsNoRanges_TakesTheWholeAgain()
    {
        var bytes = RandomNumberGenerator.GetBytes(5000);
        var file = Path.Combine(_folder, "scores.json");
        await File.WriteAllBytesAsync(file + ".part", new byte[2000], Ct);
        await using var server = await StartAsync(context => context.Response.Body.WriteAsync(bytes, Ct).AsTask());
        using var client = server.Client();
        await client.Experiments.DownloadAsync(3, new ResultFile("scores.json", bytes.Length), file, ct: Ct);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(file, Ct));
    }

    [Fact]
    public async Task Upload_WhenTheClusterKnowsAnotherEnd_GoesOnThere()
    {
        // The first slab's answer is lost, the second is cut in the middle: the cluster has kept half of it.
        Directory.CreateDirectory(Path.Combine(_folder, "raw"));
        var bytes = RandomNumberGenerator.GetBytes(1000);
        await File.WriteAllBytesAsync(Path.Combine(_folder, "raw", "1.tif"), bytes, Ct);
        await File.WriteAllBytesAsync(Path.Combine(_folder, "raw", "._1.tif"), bytes, Ct);
        var stored = new byte[1000];
        var volume = new VolumeInfo { Name = "v", Raw = "/v", Shape = new(1, 1, 1), Type = VoxelType.UInt8, VoxelSize = new(1, 1, 1) };
        await using var server = await StartAsync(
            Json(new UploadInfo { Id = 9, Name = "v", SlabBytes = 400, Files = [new("raw/1.tif", 1000, 0)] }, 201),
            Put(stored, 400, lost: true),
            Put(stored, 400, lost: false),
            Put(stored, 200, lost: true),
            Problem(409, "the file ends at 600", received: 600),
            Put(stored, 400, lost: false),
            Json(volume, 201));
        using var client = server.Client();
        var seen = new List<UploadProgress>();
        Assert.Equal("v", (await client.Uploads.UploadAsync("v", UploadSource.At(_folder), progress: seen.Add, ct: Ct)).Name);
        Assert.Equal(bytes, stored);
        Assert.Equal([0, 0, 400, 400, 600], server.Requests.Where(r => r.Method == "PUT").Select(r => int.Parse(r.Path.Split('=')[1])));
        Assert.Equal([400, 600, 1000, 1000], seen.Where(p => p is { Phase: UploadPhase.Sending, BytesDone: > 0 }).Select(p => p.BytesDone));
    }

    [Fact]
    public async Task Upload_WhenWhatCameIsNoVolume_IsDroppedAndSaidSo()
    {
        await File.WriteAllBytesAsync(Path.Combine(_folder, "1.png"), [1], Ct);
        await using var server = await StartAsync(
            Json(new UploadInfo { Id = 9, Name = "v", SlabBytes = 400, Files = [new("raw/1.png", 1, 1)] }),
            Problem(422, "raw/1.png is no PNG"),
            Json(new { }));
        using var client = server.Client();
        var error = await Assert.ThrowsAsync<TeravoxApiException>(() => client.Uploads.UploadAsync("v", UploadSource.At(_folder), ct: Ct));
        Assert.Equal("raw/1.png is no PNG", error.Message);
        Assert.Equal("DELETE /api/v1/uploads/9", $"{server.Requests.Last().Method} {server.Requests.Last().Path}");
    }

    [Fact]
    public async Task Upload_WhenThereIsNoStack_NamesThePath()
    {
        await using var server = await StartAsync(Json(new { }));
        using var client = server.Client();
        var error = await Assert.ThrowsAsync<InputException>(() => client.Uploads.UploadAsync("v", UploadSource.At(_folder), ct: Ct));
        Assert.Contains(_folder, error.Message, StringComparison.Ordinal);
        Assert.Empty(server.Requests);
    }

    [Fact]
    public async Task Manifest_OfEqualStacksInDifferentPlaces_HasOneFingerprint()
    {
        foreach (var place in (string[])["a", "b", "c"])
        {
            Directory.CreateDirectory(Path.Combine(_folder, place, "raw"));
            await File.WriteAllTextAsync(Path.Combine(_folder, place, "raw", "1.tif"), place == "c" ? "x" : "y", Ct);
            await File.WriteAllTextAsync(Path.Combine(_folder, place, "classes.json"), "{}", Ct);
        }

        var prints = new List<string>();
        foreach (var place in (string[])["a", "b", "c"])
            prints.Add((await UploadManifest.ReadAsync(UploadSource.At(Path.Combine(_folder, place)), ct: Ct)).Fingerprint);
        Assert.Equal(prints[0], prints[1]);
        Assert.NotEqual(prints[0], prints[2]);
    }

    /// <summary>A file with ranges, cut after some bytes: an answer shorter than announced closes the connection.</summary>
    private static RequestDelegate Ranges(byte[] bytes, int most) => async context =>
    {
        var from = (int)(context.Request.GetTypedHeaders().Range?.Ranges.Single().From ?? 0);
        context.Response.StatusCode = from > 0 ? 206 : 200;
        context.Response.ContentLength = bytes.Length - from;
        var count = Math.Min(most, bytes.Length - from);
        await context.Response.Body.WriteAsync(bytes.AsMemory(from, count), Ct);
        await context.Response.Body.FlushAsync(Ct);
    };

    private static RequestDelegate Put(byte[] stored, int most, bool lost) => async context =>
    {
        var offset = int.Parse(context.Request.Query["offset"]!);
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, Ct);
        body.ToArray().AsSpan(0, (int)Math.Min(most, body.Length)).CopyTo(stored.AsSpan(offset));
        if (lost)
            context.Abort();
        else
            await Json(new UploadedFile("raw/1.tif", stored.Length, offset + body.Length))(context);
    };
}
