// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Text.Json;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Volumes;

namespace Teravox.Api.Tests;

/// <summary>What registered volumes show: images as an OME-Zarr, an OME-Zarr as it lies.</summary>
public sealed class VolumeViewTests : IAsyncLifetime
{
    private const string Volumes = "/api/v1/volumes";
    private Server server = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => server = await Server.StartAsync();

    public ValueTask DisposeAsync() => server.DisposeAsync();

    [Fact]
    public async Task Stack_WhenDownloaded_IsAnOmeZarrOfItsSections()
    {
        // Larger than a chunk to both sides, and no multiple of it.
        var (height, width) = (300, 520);
        var folder = Path.Combine(server.Root, "stack");
        foreach (var part in (string[])["raw", "labels"])
            Directory.CreateDirectory(Path.Combine(folder, part));
        for (var z = 0; z < 3; z++)
        {
            File.WriteAllBytes(Path.Combine(folder, "raw", $"{z}.png"), Stacks.Slice(z, height, width));
            File.WriteAllBytes(Path.Combine(folder, "labels", $"{z}.png"), Stacks.Labels(height, width));
        }

        File.WriteAllText(Path.Combine(folder, "classes.json"), Stacks.ClassMap);
        var views = await RegisterAsync("stack", "stack", new VoxelSize(40, 8, 8));

        Assert.Equal([new ViewClass(0, "cytosol", "#8d99ae"), new ViewClass(1, "membrane", "#ffd166")], views.Classes);
        Assert.Equal((null, null), (views.Train, views.Test));
        Assert.Equal([("raw", "image"), ("labels", "labels")], views.Views.Select(v => (v.Name, v.Kind)));
        Assert.All(views.Views, v => Assert.Equal(
            new ViewLevel("s0", new Int3(3, height, width), new VoxelSize(40, 8, 8), new Int3(1, 256, 256)), Assert.Single(v.Levels)));
        using var raw = await Downloaded.OfAsync(server.Http, views.Views[0]);
        using var labels = await Downloaded.OfAsync(server.Http, views.Views[1]);
        Assert.Equal((VoxelType.UInt8, new VoxelSize(40, 8, 8)), (raw.Volume.Type, raw.Volume.VoxelSize));
        Assert.Equal(Enumerable.Range(0, 3).SelectMany(z => ImageCodec.Decode(Stacks.Slice(z, height, width), "raw").Data), Voxels(raw.Volume));

        // Class ids, and not the values of the images.
        Assert.Equal(Enumerable.Range(0, 3 * height * width).Select(i => (byte)(i % width < width / 2 ? 1 : 0)), Voxels(labels.Volume));
    }

    [Fact]
    public async Task Stack_WhenItHas16Bits_KeepsThem()
    {
        Directory.CreateDirectory(Path.Combine(server.Root, "deep"));
        for (var z = 0; z < 2; z++)
            File.WriteAllBytes(Path.Combine(server.Root, "deep", $"{z}.png"), Stacks.DeepSlice(z));
        var views = await RegisterAsync("deep", "deep");

        var view = Assert.Single(views.Views);
        Assert.Equal(("raw", "uint16", 0), (view.Name, view.Type, views.Classes.Count));
        using var copy = await Downloaded.OfAsync(server.Http, view);
        Assert.Equal(Enumerable.Range(0, 2).SelectMany(z => ImageCodec.Decode(Stacks.DeepSlice(z), "raw").Data), Voxels(copy.Volume));
    }

    [Theory]
    [InlineData("s0/8/0/0")]
    [InlineData("s0/0/1/0")]
    [InlineData("s0/-1/0/0")]
    [InlineData("s0/0/0")]
    [InlineData("s0/0/0/0/0")]
    [InlineData("s1/0/0/0")]
    [InlineData("s0/0/0/99999999999")]
    [InlineData("s0/")]
    [InlineData("000.png")]
    [InlineData("../raw/.zattrs/")]
    public async Task Stack_WhenThereIsNoSuchFile_Is404(string path)
    {
        Stacks.Write(Path.Combine(server.Root, "stack"));
        await RegisterAsync("stack", "stack");

        var (status, answer) = await RawHttp.GetAsync(server.Url, $"{Volumes}/stack/views/raw/{path}");
        Assert.True(status is 404, answer);
    }

    [Fact]
    public async Task OmeZarr_WhenRegistered_IsServedAsItLiesWithAllLevels()
    {
        var path = Path.Combine(server.Root, "brain.zarr");
        var stored = OmeVolume.Create(path, new OmeOptions { Shape = new Int3(4, 20, 20), Chunk = new Int3(4, 8, 8), VoxelSize = new VoxelSize(8, 4, 4) });
        byte[] voxels = [.. Enumerable.Range(0, 4 * 20 * 20).Select(i => (byte)(i % 251))];
        stored.Write(Box3.Whole(stored.Shape), voxels);
        stored.AddLevels([new Int3(1, 2, 2)]);
        File.WriteAllText(Path.Combine(path, "notes.txt"), "not for viewers");
        var view = Assert.Single((await RegisterAsync("brain", "brain.zarr", new VoxelSize(80, 40, 40))).Views);

        Assert.Equal(
            [new ViewLevel("s0", new Int3(4, 20, 20), new VoxelSize(80, 40, 40), new Int3(4, 8, 8)), new ViewLevel("s1", new Int3(4, 10, 10), new VoxelSize(80, 80, 80), new Int3(4, 8, 8))],
            view.Levels);
        using var copy = await Downloaded.OfAsync(server.Http, view);
        Assert.Equal(voxels, Voxels(copy.Volume));
        await server.Http.ReadAsync(view.Url + "/notes.txt").MustFailAsync(404);
        await server.Http.ReadAsync(view.Url + "/s1/0/0/0").MustFailAsync(404);
        await server.Http.ReadAsync($"{Volumes}/brain/views/labels/.zattrs").MustFailAsync(404);
    }

    [Fact]
    public async Task OmeZarr_WhenALinkInItLeadsOut_DoesNotFollowIt()
    {
        var path = Path.Combine(server.Root, "brain.zarr");
        OmeVolume.Create(path, new OmeOptions { Shape = new Int3(4, 8, 8) });
        var view = Assert.Single((await RegisterAsync("brain", "brain.zarr")).Views);
        File.WriteAllText(Path.Combine(server.Secret, "0"), "the secret");
        File.CreateSymbolicLink(Path.Combine(path, "1"), server.Secret);
        File.CreateSymbolicLink(Path.Combine(path, "2"), Path.Combine(server.Secret, "0"));

        await server.Http.ReadAsync(view.Url + "/1/0").MustFailAsync(404);
        await server.Http.ReadAsync(view.Url + "/2").MustFailAsync(404);

        // The whole volume moved out of the root, a link in its place.
        Directory.Move(path, Path.Combine(server.Secret, "brain.zarr"));
        File.CreateSymbolicLink(path, Path.Combine(server.Secret, "brain.zarr"));
        await server.Http.ReadAsync(view.Url + "/.zattrs").MustFailAsync(404);
        Assert.Empty((await server.Http.ReadAsync($"{Volumes}/brain/views").MustAsync<ViewsInfo>()).Views);
    }

    [Fact]
    public async Task Labels_WhenTheirOmeZarrHoldsClassIds_AreServedAsTheyLie()
    {
        var folder = Path.Combine(server.Root, "set");
        OmeVolume.Create(Path.Combine(folder, "raw"), new OmeOptions { Shape = new Int3(4, 8, 8), Chunk = new Int3(4, 8, 8) });
        OmeVolume.Create(Path.Combine(folder, "labels"), new OmeOptions { Shape = new Int3(4, 8, 8), Chunk = new Int3(4, 8, 8) });
        File.WriteAllText(Path.Combine(folder, "classes.json"), """{"classes": [{"id": 0, "name": "a"}, {"id": 1, "name": "b", "values": [1]}]}""");
        var ids = await RegisterAsync("ids", "set");
        File.WriteAllText(Path.Combine(folder, "classes.json"), """{"classes": [{"id": 0, "name": "a", "values": [7]}, {"id": 1, "name": "b", "values": [0]}]}""");
        var values = await RegisterAsync("values", "set");

        Assert.Equal((new Int3(4, 8, 8), new Int3(1, 8, 8)), (ids.Views[1].Levels[0].Chunk, values.Views[1].Levels[0].Chunk));
        using var copy = await Downloaded.OfAsync(server.Http, values.Views[1]);
        Assert.All(Voxels(copy.Volume), v => Assert.Equal(1, v));
    }

    [Fact]
    public async Task Experiment_WhenItsRawIsReadInPlace_ShowsItFromThere()
    {
        var path = Path.Combine(server.Root, "raw.zarr");
        OmeVolume.Create(path, new OmeOptions { Shape = new Int3(8, 32, 32), Chunk = new Int3(8, 16, 16) }).AddLevels([new Int3(1, 2, 2)]);
        OmeVolume.Create(Path.Combine(server.Root, "labels.zarr"), new OmeOptions { Shape = new Int3(8, 32, 32) });
        File.WriteAllText(Path.Combine(server.Root, "classes.json"), """{"classes": [{"id": 0, "name": "a"}, {"id": 1, "name": "b"}]}""");
        var spec = Specs.Tiny(data: """{"raw": "raw.zarr", "labels": "labels.zarr"}""");
        var id = (await server.Http.PostJsonAsync("/api/v1/experiments", new { spec }).MustAsync<ExperimentInfo>(HttpStatusCode.Created)).Id;

        var view = Assert.Single((await server.Http.ReadAsync($"/api/v1/experiments/{id}/views").MustAsync<ViewsInfo>()).Views);
        Assert.Equal(("raw", 2), (view.Name, view.Levels.Count));
        Assert.Equal(2, (await server.Http.ReadAsync(view.Url + "/.zattrs").MustAsync<JsonElement>()).GetProperty("multiscales")[0].GetProperty("datasets").GetArrayLength());
        Directory.Move(path, Path.Combine(server.Secret, "raw.zarr"));
        File.CreateSymbolicLink(path, Path.Combine(server.Secret, "raw.zarr"));
        Assert.Empty((await server.Http.ReadAsync($"/api/v1/experiments/{id}/views").MustAsync<ViewsInfo>()).Views);
        await server.Http.ReadAsync(view.Url + "/.zattrs").MustFailAsync(404);
    }

    private async Task<ViewsInfo> RegisterAsync(string name, string path, VoxelSize? voxelSize = null)
    {
        await server.Http.PostJsonAsync(Volumes, new RegisterVolume { Name = name, Path = path, VoxelSize = voxelSize }).MustAsync<VolumeInfo>(HttpStatusCode.Created);
        return await server.Http.ReadAsync($"{Volumes}/{name}/views").MustAsync<ViewsInfo>();
    }

    private static byte[] Voxels(OmeVolume volume)
    {
        var voxels = new byte[volume.Shape.Count * volume.Type.Bytes()];
        volume.Read(Box3.Whole(volume.Shape), voxels);
        return voxels;
    }
}
