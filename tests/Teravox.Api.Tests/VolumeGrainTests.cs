// SPDX-License-Identifier: Apache-2.0
using System.Net;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Contracts.Grains;
using Teravox.Volumes;
using VolumeStatistics = Teravox.Contracts.Api.VolumeStatistics;

namespace Teravox.Api.Tests;

/// <summary>The grain of a volume, asked by itself and by way of HTTP.</summary>
public sealed class VolumeGrainTests : IAsyncLifetime
{
    private const string Volumes = "/api/v1/volumes";
    private Server server = null!;

    public async ValueTask InitializeAsync() => server = await Server.StartAsync();

    public ValueTask DisposeAsync() => server.DisposeAsync();

    [Fact]
    public async Task Statistics_WhenManyAskAtOnce_AreReadOnce()
    {
        var volume = await RegisterAsync("v", Stacks.Write(Path.Combine(server.Root, "stack")));
        using var reading = new FaultPoint("statistics.before-read:" + volume.Raw, isHeld: true);
        Assert.Equal(new LongAnswer<VolumeStatistics>(null), await Grain("v").StatisticsAsync());
        var asked = Enumerable.Range(0, 4).Select(_ => server.Http.ReadAsync(Volumes + "/v/statistics").MustAsync<VolumeStatistics>()).ToList();

        // The grain is not kept from other calls.
        Assert.Equal(volume, await server.Http.ReadAsync(Volumes + "/v").MustAsync<VolumeInfo>());
        reading.Release();
        Assert.All(await Task.WhenAll(asked), s => Assert.Equal(8L * 32 * 48, s.Histogram.Sum()));

        // The grain keeps them, even without the file that silos share.
        Directory.Delete(Path.Combine(server.StoreFolder, "cache"), recursive: true);
        Assert.Equal(8, (await AskAsync(_ => Grain("v").StatisticsAsync())).Result!.Slices);
        Assert.Equal(1, reading.Reached);
    }

    [Fact]
    public async Task Statistics_WhenTheVolumeIsRegisteredAgain_AreThoseOfTheNewOne()
    {
        await RegisterAsync("v", Stacks.Write(Path.Combine(server.Root, "old"), sections: 8));
        Assert.Equal(8, (await server.Http.ReadAsync(Volumes + "/v/statistics").MustAsync<VolumeStatistics>()).Slices);
        await server.Http.RemoveAsync(Volumes + "/v").MustSucceedAsync();
        Assert.Equal(404, (await Grain("v").StatisticsAsync()).Refusal?.Status);

        await RegisterAsync("v", Stacks.Write(Path.Combine(server.Root, "new"), sections: 3));
        Assert.Equal(3, (await server.Http.ReadAsync(Volumes + "/v/statistics").MustAsync<VolumeStatistics>()).Slices);
    }

    [Fact]
    public async Task Register_WhenManyComeAtOnce_TakesOne()
    {
        Stacks.Write(Path.Combine(server.Root, "stack"));
        var answers = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => server.Http.PostJsonAsync(Volumes, new RegisterVolume { Name = "v", Path = "stack" })));
        Assert.Equal(
            [HttpStatusCode.Created, .. Enumerable.Repeat(HttpStatusCode.Conflict, 4)],
            answers.Select(a => a.StatusCode).Order());
    }

    [Fact]
    public async Task Register_WhenItIsRefused_TellsStatusAndField()
    {
        await RegisterAsync("v", Stacks.Write(Path.Combine(server.Root, "stack")));
        await MustRefuseAsync("v", new RegisterVolume { Name = "v", Path = "stack" }, 409, "name");
        await MustRefuseAsync("v", new RegisterVolume { Name = "w", Path = "stack" }, 422, "name");
        await MustRefuseAsync("..", new RegisterVolume { Name = "..", Path = "stack" }, 422, "name");
        await MustRefuseAsync("w", new RegisterVolume { Name = "w", Path = server.Secret }, 422, "path");
        await MustRefuseAsync("w", new RegisterVolume { Name = "w", Path = "stack", VoxelSize = new VoxelSize(0, 1, 1) }, 422, "voxelSize");
        Assert.Equal(404, (await Grain("w").DescribeAsync()).Refusal?.Status);
    }

    [Fact]
    public async Task Calls_WhenTheirAnswersAreLost_AreAnsweredTheSameAgain()
    {
        Stacks.Write(Path.Combine(server.Root, "stack"));
        var body = new RegisterVolume { Name = "v", Path = "stack" };
        var first = (await AskAsync(r => Grain("v").RegisterAsync(body, r))).Result;
        Assert.Equal(first, (await AskAsync(r => Grain("v").RegisterAsync(body, r with { IsRepeated = true }))).Result);
        Assert.NotNull(first);

        // What it would make is another one.
        var other = await AskAsync(r => Grain("v").RegisterAsync(body with { VoxelSize = new VoxelSize(40, 8, 8) }, r with { IsRepeated = true }));
        Assert.Equal(409, other.Refusal?.Status);

        Assert.Equal(first.Id, (await AskAsync(r => Grain("v").RemoveAsync(r))).Result?.Id);
        Assert.Equal(new RemovedVolume(null), (await AskAsync(r => Grain("v").RemoveAsync(r with { IsRepeated = true }))).Result);
        Assert.Equal(404, (await AskAsync(r => Grain("v").RemoveAsync(r))).Refusal?.Status);
    }

    [Fact]
    public async Task Register_WhenARepeatIsOfAnotherOwner_IsRefused()
    {
        Stacks.Write(Path.Combine(server.Root, "stack"));
        var body = new RegisterVolume { Name = "v", Path = "stack" };
        var first = (await AskAsync(r => Grain("v").RegisterAsync(body, r with { Owner = "alice" }))).Result;
        Assert.Equal("alice", first?.Owner);

        Assert.Equal(409, (await AskAsync(r => Grain("v").RegisterAsync(body, r with { Owner = "bob", IsRepeated = true }))).Refusal?.Status);
    }

    /// <summary>An entry never names files that are gone; files without an entry are in nobody's way.</summary>
    [Fact]
    public async Task Remove_WhenItCrashesInTheMiddle_LeavesFilesWithoutAnEntry()
    {
        const string Name = "removed-in-the-middle";
        var volume = await UploadAsync(Name, Stacks.Slice(0));
        using (new Crash("volume.after-entry-removed:" + Name))
            await server.Http.RemoveAsync($"{Volumes}/{Name}").MustFailAsync(500);

        await server.Http.ReadAsync($"{Volumes}/{Name}").MustFailAsync(404);
        Assert.True(File.Exists(Path.Combine(volume.Raw, "0.png")));

        var other = Stacks.Slice(1);
        Assert.NotEqual(volume.Id, (await UploadAsync(Name, other)).Id);
        Assert.Equal(other, await File.ReadAllBytesAsync(Path.Combine(volume.Raw, "0.png"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task TakeUpload_WhenItIsTakenAlready_GivesTheSameVolume()
    {
        var upload = await BeginAsync("v", Stacks.Slice(0));
        var volume = await CompleteAsync(upload);

        Assert.Equal(volume, (await AskAsync(r => Grain("v").TakeUploadAsync(upload.Id, r))).Result);
        Assert.Equal(404, (await AskAsync(r => Grain("w").TakeUploadAsync(upload.Id, r))).Refusal?.Status);
        Assert.Equal(403, (await AskAsync(r => Grain("v").TakeUploadAsync(upload.Id, r with { Owner = "somebody", Role = ApiRole.Submitter }))).Refusal?.Status);
        Assert.True(File.Exists(Path.Combine(volume.Raw, "0.png")));
    }

    [Fact]
    public async Task Describe_WhenRawIsStoredInLevels_TellsThem()
    {
        var path = Path.Combine(server.Root, "brain.zarr");
        OmeVolume.Create(path, new OmeOptions { Shape = new Int3(4, 20, 20), Chunk = new Int3(4, 8, 8), VoxelSize = new VoxelSize(8, 4, 4) }).AddLevels([new Int3(1, 2, 2)]);
        var stored = await RegisterAsync("stored", path);
        var images = await RegisterAsync("images", Stacks.Write(Path.Combine(server.Root, "stack")));

        var told = (await AskAsync(_ => Grain("stored").DescribeAsync())).Result!;
        Assert.Equal(stored, told.Volume);
        Assert.Equal(
            [new ViewLevel("s0", new Int3(4, 20, 20), new VoxelSize(8, 4, 4), new Int3(4, 8, 8)), new ViewLevel("s1", new Int3(4, 10, 10), new VoxelSize(8, 8, 8), new Int3(4, 8, 8))],
            told.Levels);
        told = (await AskAsync(_ => Grain("images").DescribeAsync())).Result!;
        Assert.Equal((images, 0), (told.Volume, told.Levels.Length));
    }

    private static async Task<LongAnswer<T>> AskAsync<T>(Func<GrainRequest, Task<LongAnswer<T>>> call)
        where T : class
    {
        var request = new GrainRequest(Guid.NewGuid().ToString("N"));
        LongAnswer<T> answer;
        do
        {
            answer = await call(request);
        }
        while (answer is { Result: null, Refusal: null });
        return answer;
    }

    private async Task MustRefuseAsync(string key, RegisterVolume body, int status, string field)
    {
        var refusal = (await AskAsync(r => Grain(key).RegisterAsync(body, r))).Refusal;
        Assert.Equal((status, field), (refusal?.Status, refusal?.Field));
        Assert.False(string.IsNullOrWhiteSpace(refusal!.Text));
    }

    private Task<VolumeInfo> RegisterAsync(string name, string path) =>
        server.Http.PostJsonAsync(Volumes, new RegisterVolume { Name = name, Path = path }).MustAsync<VolumeInfo>(HttpStatusCode.Created);

    /// <summary>A volume of one section.</summary>
    private async Task<VolumeInfo> UploadAsync(string name, byte[] slice) => await CompleteAsync(await BeginAsync(name, slice));

    private async Task<UploadInfo> BeginAsync(string name, byte[] slice)
    {
        var upload = await server.Http.PostJsonAsync("/api/v1/uploads", new NewUpload { Name = name, Files = [new UploadFile("raw/0.png", slice.Length)] }).MustAsync<UploadInfo>(HttpStatusCode.Created);
        await server.Http.PutSlabAsync($"/api/v1/uploads/{upload.Id}/files/raw/0.png?offset=0", slice).MustAsync<UploadedFile>();
        return upload;
    }

    private Task<VolumeInfo> CompleteAsync(UploadInfo upload) =>
        server.Http.PostJsonAsync($"/api/v1/uploads/{upload.Id}/complete", null).MustAsync<VolumeInfo>(HttpStatusCode.Created);

    private IVolumeGrain Grain(string name) => server.Grains.GetGrain<IVolumeGrain>(name);
}
