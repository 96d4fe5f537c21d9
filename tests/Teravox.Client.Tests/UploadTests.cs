// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Text.Json;
using Teravox.Contracts;
using Teravox.EndToEnd.Tests;

namespace Teravox.Client.Tests;

/// <summary>Stacks from a client's own disk, over connections that break, into a real silo.</summary>
public sealed class UploadTests(LiveSilo live)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Upload_WhenItsProcessDiesInTheMiddle_SendsOnlyTheRestTheNextTime()
    {
        using var folder = new TemporaryFolder();
        await GrowAsync(folder["stack"]);
        var source = UploadSource.At(folder["stack"]);
        var size = new VoxelSize(40, 8, 8);
        var options = new UploadOptions { Parallel = 1, SlabBytes = 500 };
        var all = (await UploadManifest.ReadAsync(source, ct: Ct)).Bytes;
        using (var breaking = new CountingHandler { CutAfter = 12 })
        {
            using var first = Client(breaking);
            await Assert.ThrowsAsync<TeravoxUnreachableException>(() => first.Uploads.UploadAsync("interrupted", source, size, options, ct: Ct));
            Assert.InRange(breaking.Sent, 1000, all - 1000);

            using var counting = new CountingHandler();
            using var second = Client(counting);
            var volume = await second.Uploads.UploadAsync("interrupted", source, size, options, ct: Ct);
            Assert.Equal(new Int3(8, 32, 32), volume.Shape);
            Assert.Equal(size, volume.VoxelSize);
            Assert.NotNull(volume.Labels);

            // The slab that was cut may have arrived or not; everything before it is not sent again.
            Assert.InRange(breaking.Sent + counting.Sent, all, all + 500);
        }

        using var client = live.Client();
        Assert.Contains(await client.Volumes.ListAsync(Ct).ToListAsync(Ct), v => v.Name == "interrupted");
        Assert.Equal(8 * 32 * 32, (await client.Volumes.StatisticsAsync("interrupted", Ct)).Histogram.Sum());
        Assert.Equal([0x89, 0x50, 0x4e, 0x47], (await client.Volumes.SliceAsync("interrupted", 3, labels: true, ct: Ct))[..4]);
        await client.Volumes.DeleteAsync("interrupted", Ct);
        Assert.Null(await client.Volumes.FindAsync("interrupted", Ct));
    }

    [Fact]
    public async Task Submit_WhenTheClusterCannotReadThePath_UploadsOnceAndRuns()
    {
        using var folder = new TemporaryFolder();
        await GrowAsync(folder["stack"]);
        await File.WriteAllTextAsync(folder["spec.json"], LiveSilo.Spec("own-stack", 10, "\"stack\""), Ct);
        var first = (await Teravox("submit", folder["spec.json"], "--watch")).MustSucceed();
        Assert.Contains($"cannot read {folder["stack"]}", first.Error, StringComparison.Ordinal);
        Assert.Contains("Uploaded as volume own-stack-", first.Error, StringComparison.Ordinal);
        var second = (await Teravox("submit", folder["spec.json"], "--upload")).MustSucceed();
        Assert.Contains("has this stack already, as volume own-stack-", second.Error, StringComparison.Ordinal);
        Assert.Contains("own-stack-", (await Teravox("volumes")).MustSucceed().Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Submit_WhenTheClusterReadsThePath_UploadsNothing()
    {
        var stack = Path.Combine(live.Root, "shared");
        await GrowAsync(stack);
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder["spec.json"], LiveSilo.Spec("shared", 5, JsonSerializer.Serialize(stack)), Ct);

        // Watched to its end: a volume in use is not removed.
        var result = (await Teravox("submit", folder["spec.json"], "--watch")).MustSucceed();
        Assert.DoesNotContain("upload", result.Error, StringComparison.OrdinalIgnoreCase);

        // What is wrong with a path's content is not mended by an upload.
        (await Teravox("submit", folder["spec.json"], "--set", "classes=[{\"id\":0,\"name\":\"a\"},{\"id\":1,\"name\":\"b\"}]")).MustRefuse("label");
        (await Teravox("volumes", "add", "by-path", "shared", "--voxel-size", "40,8,8")).MustSucceed();
        Assert.Contains("by-path", (await Teravox("volumes", "--json")).MustSucceed().Output, StringComparison.Ordinal);
        (await Teravox("volumes", "remove", "by-path")).MustSucceed();
        Assert.True(Directory.Exists(stack));
    }

    [Fact]
    public async Task Campaign_WhenSubmittedFromAFile_FillsItsTable()
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(
            folder["rates.json"],
            $$"""{ "name": "rates", "spec": {{LiveSilo.Spec("rates", 5)}}, "grid": { "training.learningRate": [0.001, 0.01] } }""",
            Ct);
        var submitted = (await Teravox("campaign", folder["rates.json"])).MustSucceed();
        Assert.Contains("2 experiments", submitted.Output, StringComparison.Ordinal);
        using var client = live.Client();
        foreach (var run in (await client.Campaigns.FindAsync("rates", Ct))!.Experiments)
            Assert.Equal("succeeded", (await client.Experiments.WatchAsync(run.Id, null, TimeSpan.FromMilliseconds(100), Ct)).State);
        var shown = (await Teravox("campaign", "rates")).MustSucceed().Output;
        Assert.Contains("2 succeeded", shown, StringComparison.Ordinal);
        Assert.Contains("training.learningRate", shown, StringComparison.Ordinal);
        Assert.Contains("0.01", (await Teravox("campaign", "rates", "--csv")).MustSucceed().Output, StringComparison.Ordinal);
        Assert.Contains("rates", (await Teravox("campaign")).MustSucceed().Output, StringComparison.Ordinal);
        (await Teravox("campaign", "nothing")).MustRefuse("nothing is neither a file nor a campaign");
    }

    [Fact]
    public async Task Models_WhenAddedFromAnExperiment_AreListedAndSegment()
    {
        using var folder = new TemporaryFolder();
        using var client = live.Client();
        var trained = await client.Experiments.SubmitAsync(LiveSilo.Submission("for-model", 5), ct: Ct);
        Assert.Equal("succeeded", (await client.Experiments.WatchAsync(trained.Id, null, TimeSpan.FromMilliseconds(100), Ct)).State);
        (await Teravox("models", "add", "tiny", "--experiment", $"{trained.Id}")).MustSucceed();
        Assert.Contains("tiny", (await Teravox("models")).MustSucceed().Output, StringComparison.Ordinal);
        await client.Models.DownloadAsync("tiny", folder["tiny.safetensors"], ct: Ct);
        Assert.True(new FileInfo(folder["tiny.safetensors"]).Length > 1000);
        await File.WriteAllTextAsync(
            folder["segment.json"],
            """{ "name": "again", "preset": "segment", "model": "model:tiny", "data": { "phantom": { "shape": [8, 32, 32], "seed": 2 } } }""",
            Ct);
        (await Teravox("submit", folder["segment.json"], "--watch")).MustSucceed();
    }

    /// <summary>A labelled stack as the program itself writes it.</summary>
    private static async Task GrowAsync(string folder) =>
        (await TeravoxProcess.RunAsync("phantom", "--shape", "8,32,32", "--seed", "1", "--out", folder)).MustSucceed();

    private Task<TeravoxProcess.Result> Teravox(params string[] arguments) => TeravoxProcess.RunAsync(arguments, [("TERAVOX_SERVER", live.Url)]);

    private TeravoxClient Client(HttpMessageHandler handler) =>
        new(new TeravoxClientOptions { Servers = [new Uri(live.Url)], Handler = handler, FirstDelay = TimeSpan.FromMilliseconds(10), Patience = TimeSpan.FromMilliseconds(200) });

    /// <summary>Counts the bytes of slabs; after some slabs the network is gone, the last one cut in its middle.</summary>
    private sealed class CountingHandler() : DelegatingHandler(new SocketsHttpHandler())
    {
        private int _slabs;
        private long _sent;

        public int CutAfter { get; init; } = int.MaxValue;

        public long Sent => Interlocked.Read(ref _sent);

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken ct)
        {
            if (Volatile.Read(ref _slabs) >= CutAfter)
                throw new HttpRequestException("the network is gone");
            if (request.Method != HttpMethod.Put)
                return await base.SendAsync(request, ct);
            var bytes = await request.Content!.ReadAsByteArrayAsync(ct);
            if (Interlocked.Increment(ref _slabs) < CutAfter)
            {
                Interlocked.Add(ref _sent, bytes.Length);
                return await base.SendAsync(request, ct);
            }

            request.Content = new HalfContent(bytes);
            return await base.SendAsync(request, ct);
        }
    }

    /// <summary>Promises all and sends half: the connection is cut in the middle of the body.</summary>
    private sealed class HalfContent : HttpContent
    {
        private readonly byte[] _bytes;

        public HalfContent(byte[] bytes)
        {
            _bytes = bytes;
            Headers.ContentType = new("application/octet-stream");
        }

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(_bytes.AsMemory(0, _bytes.Length / 2), Ct);
            await stream.FlushAsync(Ct);
            throw new IOException("the network is gone");
        }

        protected override bool TryComputeLength(out long length)
        {
            length = _bytes.Length;
            return true;
        }
    }
}
