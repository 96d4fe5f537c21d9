// SPDX-License-Identifier: Apache-2.0
using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Teravox.Contracts;
using Teravox.Contracts.Api;

namespace Teravox.Api.Tests;

/// <summary>Volumes that come in slabs, whole and broken, honest and not.</summary>
public sealed class UploadTests(UploadServer shared) : IClassFixture<UploadServer>
{
    private const string Api = "/api/v1/uploads";
    private readonly Server server = shared.Server;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Upload_WhenItBreaksAndGoesOn_BecomesTheVolume()
    {
        var files = Files();
        var begun = await BeginAsync("whole", files);
        foreach (var (path, bytes) in files.Take(3))
            await SendAsync(begun, path, bytes);
        await server.Http.PutSlabAsync($"{Api}/{begun.Id}/files/{files[3].Path}?offset=0", files[3].Bytes[..10]).MustAsync<UploadedFile>();

        // The client dies. Another one announces the same again and goes on where it was.
        var again = await server.Http.PostJsonAsync(Api, Manifest("whole", files)).MustAsync<UploadInfo>();
        Assert.Equal(begun.Id, again.Id);
        Assert.Equal([files[0].Bytes.Length, files[1].Bytes.Length, files[2].Bytes.Length, 10, 0], again.Files.Take(5).Select(f => (int)f.Received));
        await server.Http.PostJsonAsync($"{Api}/{begun.Id}/complete", null).MustFailAsync(409);
        foreach (var (path, bytes) in files.Skip(3))
            await SendAsync(again, path, bytes, (int)again.Files.Single(f => f.Path == path).Received);
        Assert.True((await server.Http.ReadAsync($"{Api}/{begun.Id}").MustAsync<UploadInfo>()).Complete);

        var volume = await server.Http.PostJsonAsync($"{Api}/{begun.Id}/complete", null).MustAsync<VolumeInfo>(HttpStatusCode.Created);
        Assert.Equal((new Int3(8, 32, 48), VoxelType.UInt8, new VoxelSize(40, 8, 8)), (volume.Shape, volume.Type, volume.VoxelSize));
        foreach (var (path, bytes) in files)
            Assert.Equal(bytes, await File.ReadAllBytesAsync(Path.Combine(server.StoreFolder, "volumes", "whole", path), Ct));
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(server.StoreFolder, "uploads"), $"{begun.Id}"));

        // The answer was lost: the same is asked again.
        Assert.Equal(volume, await server.Http.PostJsonAsync($"{Api}/{begun.Id}/complete", null).MustAsync<VolumeInfo>());
        await server.Http.PostJsonAsync(Api, Manifest("whole", files)).MustFailAsync(409);

        // It can be trained on, and deleted when nothing does.
        var experiment = await server.Http.PostJsonAsync("/api/v1/experiments", new { spec = Specs.Tiny(data: """{"volume": "whole"}""") }).MustAsync<ExperimentInfo>(HttpStatusCode.Created);
        var spec = await server.Http.ReadAsync($"/api/v1/experiments/{experiment.Id}/spec").MustAsync<ExperimentSpec>();
        Assert.Equal(["cytosol", "membrane"], spec.Classes!.Select(c => c.Name));
        await server.Http.RemoveAsync("/api/v1/volumes/whole").MustFailAsync(409);
        await server.Http.PostJsonAsync($"/api/v1/experiments/{experiment.Id}/cancel", null).MustAsync<ExperimentInfo>();
        await server.Http.RemoveAsync("/api/v1/volumes/whole").MustSucceedAsync();
        Assert.False(Directory.Exists(Path.Combine(server.StoreFolder, "volumes", "whole")));
        await server.Http.PostJsonAsync(Api, Manifest("whole", files)).MustAsync<UploadInfo>(HttpStatusCode.Created);
    }

    [Fact]
    public async Task Upload_WhenItIsAnnouncedAgainWithAnotherVoxelSize_GoesOnAndTakesThatOver()
    {
        var files = Files();
        var begun = await BeginAsync("resized", files);
        await SendAsync(begun, files[0].Path, files[0].Bytes);

        var again = await server.Http.PostJsonAsync(Api, Manifest("resized", files) with { VoxelSize = new VoxelSize(30, 4, 4) }).MustAsync<UploadInfo>();
        Assert.Equal((begun.Id, (long)files[0].Bytes.Length), (again.Id, again.Files[0].Received));
        foreach (var (path, bytes) in files.Skip(1))
            await SendAsync(again, path, bytes);
        var volume = await server.Http.PostJsonAsync($"{Api}/{begun.Id}/complete", null).MustAsync<VolumeInfo>(HttpStatusCode.Created);
        Assert.Equal(new VoxelSize(30, 4, 4), volume.VoxelSize);
    }

    [Fact]
    public async Task Slab_WhenItDoesNotGoOnWhereTheFileEnds_IsRefusedWithTheLength()
    {
        var bytes = RandomNumberGenerator.GetBytes(1000);
        var upload = await BeginAsync("offsets", [("raw/0.png", bytes)]);
        var path = $"{Api}/{upload.Id}/files/raw/0.png?offset=";
        await server.Http.PutSlabAsync(path + 0, bytes[..400]).MustAsync<UploadedFile>();

        var gap = await server.Http.PutSlabAsync(path + 500, bytes[500..600]).MustFailAsync(409);
        Assert.Equal(400, gap.GetProperty("received").GetInt64());
        await server.Http.PutSlabAsync(path + 300, bytes[300..600]).MustFailAsync(409);
        await server.Http.PutSlabAsync(path + 0, new byte[400]).MustFailAsync(409);

        // Received already, with the same bytes: the answer to it was lost.
        Assert.Equal(new UploadedFile("raw/0.png", 1000, 400), await server.Http.PutSlabAsync(path + 0, bytes[..400]).MustAsync<UploadedFile>());
        Assert.Equal(400, (await server.Http.PutSlabAsync(path + 100, bytes[100..200]).MustAsync<UploadedFile>()).Received);

        await server.Http.PutSlabAsync(path + 400, RandomNumberGenerator.GetBytes(601)).MustFailAsync(422);
        await server.Http.PutSlabAsync(path + 400, []).MustFailAsync(422);
        await server.Http.PutSlabAsync(path + -1, [1]).MustFailAsync(422);
        await server.Http.PutSlabAsync(path + long.MaxValue, [1]).MustFailAsync(422);
        await server.Http.PutSlabAsync($"{Api}/{upload.Id}/files/raw/1.png?offset=0", [1]).MustFailAsync(404);
        await server.Http.PutSlabAsync($"{Api}/{upload.Id}/files/..%2f..%2f..%2fteravox.db?offset=0", [1]).MustFailAsync(404);
        await server.Http.PutSlabAsync($"{Api}/99/files/raw/0.png?offset=0", [1]).MustFailAsync(404);
        using var json = new StringContent("{}", Encoding.UTF8, "application/json");
        await server.Http.PutAsync(path + 400, json, Ct).MustFailAsync(415);
        await server.Http.PutSlabAsync(path + 400, bytes[400..]).MustAsync<UploadedFile>();
        Assert.Equal(bytes, await File.ReadAllBytesAsync(Path.Combine(server.StoreFolder, "uploads", $"{upload.Id}", "files", "raw", "0.png"), Ct));

        // What arrived is no image.
        await server.Http.PostJsonAsync($"{Api}/{upload.Id}/complete", null).MustFailAsync(422);
        await server.Http.RemoveAsync($"{Api}/{upload.Id}").MustSucceedAsync();
        await server.Http.ReadAsync($"{Api}/{upload.Id}").MustFailAsync(404);
        Assert.False(Directory.Exists(Path.Combine(server.StoreFolder, "uploads", $"{upload.Id}")));
    }

    [Fact]
    public async Task Slab_WhenTheSameComesManyTimesAtOnce_IsTakenOnce()
    {
        var bytes = RandomNumberGenerator.GetBytes(200_000);
        var upload = await BeginAsync("race", [("raw/0.png", bytes)]);
        var path = $"{Api}/{upload.Id}/files/raw/0.png?offset=";
        for (var at = 0; at < bytes.Length; at += 50_000)
        {
            var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => server.Http.PutSlabAsync(path + at, bytes[at..(at + 50_000)]).MustAsync<UploadedFile>()));
            Assert.All(answers, a => Assert.Equal(at + 50_000, a.Received));
        }

        Assert.Equal(bytes, await File.ReadAllBytesAsync(Path.Combine(server.StoreFolder, "uploads", $"{upload.Id}", "files", "raw", "0.png"), Ct));
    }

    [Fact]
    public async Task Slab_WhenTheClientGoesAwayInTheMiddle_LeavesNothing()
    {
        var upload = await BeginAsync("broken", [("raw/0.png", new byte[1000])]);
        using (var client = new TcpClient())
        {
            await client.ConnectAsync(server.Url.Host, server.Url.Port, Ct);
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(SlabHead(upload.Id, 1000) + "only this"), Ct);
        }

        var slabs = Path.Combine(server.StoreFolder, "uploads", $"{upload.Id}", "slabs");
        await server.Http.PutSlabAsync($"{Api}/{upload.Id}/files/raw/0.png?offset=0", new byte[1000]).MustAsync<UploadedFile>();
        for (var until = Environment.TickCount64 + 10_000; Directory.EnumerateFiles(slabs).Any();)
        {
            Assert.True(Environment.TickCount64 < until, "the half slab is still there after 10 s");
            await Task.Delay(50, Ct);
        }
    }

    [Fact]
    public async Task Body_WhenItIsTooLarge_Is413()
    {
        var upload = await BeginAsync("large", [("raw/0.png", new byte[100])]);
        var (slab, _) = await RawHttp.SendAsync(server.Url, SlabHead(upload.Id, UploadServer.SlabBytes + 1) + "x");
        Assert.Equal(413, slab);
        var (json, _) = await RawHttp.SendAsync(server.Url, $"POST /api/v1/experiments HTTP/1.1\nHost: {server.Url.Authority}\nContent-Type: application/json\nContent-Length: 99999999999\n\n{{");
        Assert.Equal(413, json);

        // One that does not say how long it is, is cut off at the bound.
        var chunk = new string('x', 100_000);
        var chunked = SlabHead(upload.Id, 0).Replace("Content-Length: 0", "Transfer-Encoding: chunked", StringComparison.Ordinal) + string.Concat(Enumerable.Repeat($"186A0\r\n{chunk}\r\n", 4)) + "0\r\n\r\n";
        var (endless, _) = await RawHttp.SendAsync(server.Url, chunked);
        Assert.Equal(413, endless);
        var (long_, _) = await RawHttp.GetAsync(server.Url, "/api/v1/" + new string('a', 20_000));
        Assert.Equal(414, long_);
        var (heads, _) = await RawHttp.GetAsync(server.Url, "/api/v1", headers: $"X: {new string('a', 50_000)}\n");
        Assert.Equal(431, heads);
    }

    [Fact]
    public async Task Complete_WhenAFileArrivedChanged_NamesIt()
    {
        var files = Files();
        var upload = await BeginAsync("changed", files);
        foreach (var (path, bytes) in files)
            await SendAsync(upload, path, path == "raw/002.png" ? Stacks.Slice(9)[..bytes.Length] : bytes);
        var problem = await server.Http.PostJsonAsync($"{Api}/{upload.Id}/complete", null).MustFailAsync(422);
        Assert.Contains("raw/002.png", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        await server.Http.ReadAsync("/api/v1/volumes/changed").MustFailAsync(404);
    }

    [Theory]
    [InlineData("upload.before-rename")]
    [InlineData("upload.after-rename")]
    public async Task Complete_WhenItCrashesInTheMiddle_IsDoneByTheNextOne(string point)
    {
        var name = "crash-" + point.Replace('.', '-');
        var files = Files();
        var upload = await BeginAsync(name, files);
        foreach (var (path, bytes) in files)
            await SendAsync(upload, path, bytes);
        using (new Crash($"{point}:{name}"))
            await server.Http.PostJsonAsync($"{Api}/{upload.Id}/complete", null).MustFailAsync(500);

        var volume = await server.Http.PostJsonAsync($"{Api}/{upload.Id}/complete", null).MustAsync<VolumeInfo>(HttpStatusCode.Created);
        Assert.Equal(new Int3(8, 32, 48), volume.Shape);
        Assert.True(File.Exists(Path.Combine(volume.Raw, "000.png")));
    }

    [Fact]
    public async Task Complete_WhenTheFilesAreAZipOrAZarr_OpensIt()
    {
        var zip = Zip(Enumerable.Range(0, 8).Select(z => ($"{z}.png", Stacks.Slice(z))));
        var volume = await UploadAsync("zipped", [("raw/stack.zip", zip)]).MustAsync<VolumeInfo>(HttpStatusCode.Created);
        Assert.Equal((new Int3(8, 32, 48), "stack.zip"), (volume.Shape, Path.GetFileName(volume.Raw)));
        using var png = await server.Http.ReadAsync("/api/v1/volumes/zipped/slices/3.png");
        Assert.Equal("image/png", png.Content.Headers.ContentType?.MediaType);

        var folder = Path.Combine(server.Secret, "zarr");
        Teravox.Volumes.OmeVolume.Create(folder, new Teravox.Volumes.OmeOptions { Shape = new Int3(4, 8, 8), Chunk = new Int3(4, 8, 8), VoxelSize = new VoxelSize(30, 4, 4) })
            .Write(Box3.Whole(new Int3(4, 8, 8)), new byte[256]);
        (string, byte[])[] files = [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Select(f => ("raw/" + Path.GetRelativePath(folder, f), File.ReadAllBytes(f)))];
        volume = await UploadAsync("zarr", files).MustAsync<VolumeInfo>(HttpStatusCode.Created);
        Assert.Equal((new Int3(4, 8, 8), new VoxelSize(30, 4, 4)), (volume.Shape, volume.VoxelSize));
    }

    [Fact]
    public async Task Complete_WhenAZipIsABomb_IsRefused()
    {
        // Many entries, which cost nothing to claim.
        var many = await UploadAsync("many", [("raw/bomb.zip", Zip(Enumerable.Range(0, UploadServer.Entries + 1).Select(z => ($"{z}.png", Array.Empty<byte>()))))]).MustFailAsync(422);
        Assert.Contains("entries", many.GetProperty("detail").GetString(), StringComparison.Ordinal);

        // A little that becomes much.
        var huge = await UploadAsync("huge", [("raw/bomb.zip", Zip([("0.png", new byte[UploadServer.Bytes * 2])]))]).MustFailAsync(422);
        Assert.Contains("bytes", huge.GetProperty("detail").GetString(), StringComparison.Ordinal);
        var ratio = await UploadAsync("ratio", [("labels/bomb.zip", Zip([("0.png", new byte[UploadServer.Bytes / 2])])), ("raw/0.png", Stacks.Slice(0))]).MustFailAsync(422);
        Assert.Contains("times its size", ratio.GetProperty("detail").GetString(), StringComparison.Ordinal);

        // Entries that lead out, and a directory that lies about itself.
        await UploadAsync("slip", [("raw/bomb.zip", Zip([("../../../teravox.db", Stacks.Slice(0))]))]).MustFailAsync(422);
        var lying = Zip([("0.png", Stacks.Slice(0)), ("1.png", Stacks.Slice(1))]);
        lying[^12] = lying[^14] = 1;
        await UploadAsync("lying", [("raw/bomb.zip", lying)]).MustFailAsync(422);
        await UploadAsync("noise", [("raw/bomb.zip", RandomNumberGenerator.GetBytes(5000))]).MustFailAsync(422);
        await server.Http.PostJsonAsync("/api/v1/experiments", Specs.Submit()).MustAsync<ExperimentInfo>(HttpStatusCode.Created);
    }

    [Theory]
    [InlineData("../0.png", 1)]
    [InlineData("/raw/0.png", 1)]
    [InlineData("raw/../../0.png", 1)]
    [InlineData("raw/%2e%2e/0.png", 1)]
    [InlineData("raw\\0.png", 1)]
    [InlineData("raw/0\0.png", 1)]
    [InlineData("raw//0.png", 1)]
    [InlineData("raw/.teravox/0.png", 1)]
    [InlineData("raw/.htaccess", 1)]
    [InlineData("other/0.png", 1)]
    [InlineData("raw", 1)]
    [InlineData("", 1)]
    [InlineData("raw/0.png", -1)]
    [InlineData("raw/0.png", long.MaxValue)]
    [InlineData("classes.json", 100_000_000)]
    [InlineData("raw/ok.png", 1)]
    [InlineData("raw/ok.png/x.png", 1)]
    public async Task Manifest_WhenItIsBad_IsRefusedBeforeAnythingIsTaken(string path, long bytes)
    {
        await server.Http.PostJsonAsync(Api, new { name = "bad", files = new[] { new { path = "raw/ok.png", bytes = 5L }, new { path, bytes } } }).MustFailAsync(422);
        await server.Http.PostJsonAsync(Api, new { name = "bad", files = Array.Empty<object>() }).MustFailAsync(422);
        var tooMany = Enumerable.Range(0, UploadServer.Entries + 1).Select(i => new { path = $"raw/{i}.png", bytes = 1 });
        await server.Http.PostJsonAsync(Api, new { name = "bad", files = tooMany }).MustFailAsync(422);
        await server.Http.PostJsonAsync(Api, new { name = "bad", files = new[] { new { path = "raw/0.png", bytes = 1, sha256 = "xyz" } } }).MustFailAsync(422);
    }

    private static List<(string Path, byte[] Bytes)> Files() =>
    [
        .. Enumerable.Range(0, 8).Select(z => ($"raw/{z:d3}.png", Stacks.Slice(z))),
        .. Enumerable.Range(0, 8).Select(z => ($"labels/{z:d3}.png", Stacks.Labels())),
        ("classes.json", Encoding.UTF8.GetBytes(Stacks.ClassMap)),
    ];

    private static NewUpload Manifest(string name, IEnumerable<(string Path, byte[] Bytes)> files) => new()
    {
        Name = name,
        VoxelSize = name == "zarr" ? null : new VoxelSize(40, 8, 8),
        Files = [.. files.Select(f => new UploadFile(f.Path, f.Bytes.Length, Convert.ToHexString(SHA256.HashData(f.Bytes))))],
    };

    private static byte[] Zip(IEnumerable<(string Name, byte[] Bytes)> entries)
    {
        using var memory = new MemoryStream();
        using (var zip = new ZipArchive(memory, ZipArchiveMode.Create))
        {
            foreach (var (name, bytes) in entries)
            {
                using var entry = zip.CreateEntry(name, CompressionLevel.Fastest).Open();
                entry.Write(bytes);
            }
        }

        return memory.ToArray();
    }

    private string SlabHead(long id, int length) =>
        $"PUT {Api}/{id}/files/raw/0.png?offset=0 HTTP/1.1\r\nHost: {server.Url.Authority}\r\nContent-Type: application/octet-stream\r\nContent-Length: {length}\r\n\r\n";

    private Task<UploadInfo> BeginAsync(string name, IEnumerable<(string Path, byte[] Bytes)> files) =>
        server.Http.PostJsonAsync(Api, Manifest(name, files)).MustAsync<UploadInfo>(HttpStatusCode.Created);

    private async Task SendAsync(UploadInfo upload, string path, byte[] bytes, int from = 0)
    {
        for (var at = from; at < bytes.Length; at += upload.SlabBytes)
            await server.Http.PutSlabAsync($"{Api}/{upload.Id}/files/{path}?offset={at}", bytes[at..Math.Min(bytes.Length, at + upload.SlabBytes)]).MustAsync<UploadedFile>();
    }

    private async Task<HttpResponseMessage> UploadAsync(string name, IReadOnlyList<(string Path, byte[] Bytes)> files)
    {
        var upload = await BeginAsync(name, files);
        foreach (var (path, bytes) in files)
            await SendAsync(upload, path, bytes);
        return await server.Http.PostJsonAsync($"{Api}/{upload.Id}/complete", null);
    }
}

/// <summary>A server that takes little, so that too much is soon reached.</summary>
public sealed class UploadServer : IAsyncLifetime
{
    public const int SlabBytes = 300_000;
    public const int Entries = 1000;
    public const int Bytes = 4 << 20;

    internal Server Server { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Server = await Server.StartAsync(o => o with
    {
        Uploads = new Teravox.Silo.Http.UploadLimits { SlabBytes = SlabBytes, Entries = Entries, Bytes = Bytes, ExpansionFloor = 1 << 20 },
    });

    public ValueTask DisposeAsync() => Server.DisposeAsync();
}
