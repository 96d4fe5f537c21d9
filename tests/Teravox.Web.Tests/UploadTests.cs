// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using Teravox.Contracts;
using Teravox.Volumes;
using static Microsoft.Playwright.Assertions;

namespace Teravox.Web.Tests;

/// <summary>From a zip of sections to the segmented volume in 3D.</summary>
public sealed partial class UploadTests(Site site)
{
    private const string ZipType = "application/zip";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public Task Upload_FromACleanBrowser_LeadsToTheClassesIn3DInThreeClicks() => site.VisitAsync("", async page =>
    {
        // Choose the zip, take the model that is offered, start.
        await ChooseAsync(page, "nerve.zip", Zip(Phantom()));
        await Expect(page.GetByText($"{Specs.Depth} PNG sections of {Specs.Side} × {Specs.Side} pixels")).ToBeVisibleAsync();
        await Expect(Model(page).Locator("option:checked")).ToHaveTextAsync(Site.Model);
        await Start(page).ClickAsync();

        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "nerve is segmented" })).ToBeVisibleAsync();
        await VolumeViewTests.DrawnAsync(page);
        var id = long.Parse(ExperimentNumber().Match(await page.GetByRole(AriaRole.Link, new() { NameRegex = ExperimentLink() }).InnerTextAsync()).Value, System.Globalization.CultureInfo.InvariantCulture);

        await VolumeViewTests.Opacity(page, "Image").FillAsync("0");
        var found = await FoundAsync(id);
        Assert.NotEmpty(found);
        await VolumeViewTests.ExpectSingledOutAsync(page, found);
    });

    [Fact]
    public async Task Upload_WhenTheSiloIsKilledAmidst_GoesOnOnTheNextOne()
    {
        await using var silo = await WithModelAsync();
        using var own = silo.Client();
        await site.Chromium.VisitAsync(silo.Url, "", async page =>
        {
            // The third slab waits until the silo is gone, which so dies in the middle of the upload on machines of any speed.
            var slabs = 0;
            var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var killed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await page.RouteAsync(Slab(), async route =>
            {
                if (route.Request.Method == "PUT" && Interlocked.Increment(ref slabs) == 3)
                {
                    reached.TrySetResult();
                    await killed.Task;
                }

                await route.ContinueAsync();
            });
            await ChooseAsync(page, "large.zip", Zip(Noise(8, 1024)));
            await Start(page).ClickAsync();
            await reached.Task.WaitAsync(TimeSpan.FromMilliseconds(Chromium.Patience), Ct);
            await Expect(page.GetByRole(AriaRole.Region, new() { Name = "Uploading large.zip" })).ToContainTextAsync(Progress());
            await silo.KillAsync();
            killed.TrySetResult();
            await Expect(page.GetByText("Nothing is lost: it is tried again in")).ToBeVisibleAsync();

            await silo.StartAgainAsync();
            await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Segmenting large" })).ToBeVisibleAsync();
            await Expect(page.Locator(".run-facts")).ToContainTextAsync("stages done");
            var volume = await own.Volumes.FindAsync("large", Ct);
            Assert.Equal(new Int3(8, 1024, 1024), volume?.Shape);
            Assert.True(slabs >= 4, $"{slabs} slabs were sent, so none after the kill");

            await CancelAsync(page);
        }, expected: line => line.Contains("net::ERR_", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Upload_WhenItIsStoppedAndTheVoxelSizeChanged_GoesOnWithThatSize()
    {
        await using var silo = await WithModelAsync();
        using var own = silo.Client();
        await site.Chromium.VisitAsync(silo.Url, "", async page =>
        {
            // The third slab never goes out; the page gives it up when it is told to stop.
            var offsets = new ConcurrentQueue<string>();
            var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await page.RouteAsync(Slab(), async route =>
            {
                offsets.Enqueue(route.Request.Url[route.Request.Url.LastIndexOf("offset=", StringComparison.Ordinal)..]);
                if (offsets.Count == 3)
                    reached.TrySetResult();
                else
                    await route.ContinueAsync();
            });
            await ChooseAsync(page, "large.zip", Zip(Noise(8, 1024)));
            await Start(page).ClickAsync();
            await reached.Task.WaitAsync(TimeSpan.FromMilliseconds(Chromium.Patience), Ct);
            await page.GetByRole(AriaRole.Button, new() { Name = "Cancel", Exact = true }).ClickAsync();
            await Expect(page.GetByText("have arrived and are kept for a week")).ToBeVisibleAsync();

            foreach (var (axis, nm) in ((string, string)[])[("z", "30"), ("y", "4"), ("x", "4")])
                await page.GetByRole(AriaRole.Textbox, new() { Name = axis, Exact = true }).FillAsync(nm);
            await page.GetByRole(AriaRole.Button, new() { Name = "Go on uploading" }).ClickAsync();
            await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Segmenting large" })).ToBeVisibleAsync();

            Assert.Equal(new VoxelSize(30, 4, 4), (await own.Volumes.FindAsync("large", Ct))?.VoxelSize);
            Assert.Single(offsets, "offset=0");
            await CancelAsync(page);
        }, expected: line => line.Contains("net::ERR_", StringComparison.Ordinal));
    }

    [Fact]
    public Task Upload_OfAFileThatIsDropped_IsReadAsOneThatIsChosen() => site.VisitAsync("", async page =>
    {
        var dropped = await page.EvaluateHandleAsync(
            """
            (zip) => {
              const dropped = new DataTransfer();
              dropped.items.add(new File([Uint8Array.from(atob(zip), (c) => c.charCodeAt(0))], "dropped.zip", { type: "application/zip" }));
              return dropped;
            }
            """,
            Convert.ToBase64String(Zip(Phantom())));
        await page.Locator("label.drop").DispatchEventAsync("drop", new { dataTransfer = dropped });
        await Expect(page.Locator("label.drop")).ToContainTextAsync("dropped.zip");
        await Expect(page.GetByText($"{Specs.Depth} PNG sections of {Specs.Side} × {Specs.Side} pixels")).ToBeVisibleAsync();
        await Expect(Start(page)).ToBeEnabledAsync();
    });

    [Theory]
    [InlineData("no zip", "This is not a whole zip file")]
    [InlineData("empty", "is empty")]
    [InlineData("one image", "is one image. Put all sections into one zip.")]
    [InlineData("no images", "holds no .tif, .tiff or .png image")]
    [InlineData("sizes", "The images differ in size")]
    [InlineData("encrypted", "is encrypted")]
    public Task Upload_OfWhatIsNoStack_IsExplainedInPlace(string what, string said) => site.VisitAsync("", async page =>
    {
        await ChooseAsync(page, what == "one image" ? "000.png" : "stack.zip", what switch
        {
            "no zip" => Encoding.UTF8.GetBytes(new string('x', 1000)),
            "empty" => [],
            "one image" => Stacks.Section(0),
            "no images" => Zip([("notes.txt", "nothing"u8.ToArray())]),
            "sizes" => Zip([("000.png", Stacks.Section(0)), ("001.png", Stacks.Section(1, height: 40))]),
            _ => Encrypted(Zip(Phantom())),
        });
        await Expect(page.Locator("#file-refused")).ToContainTextAsync(said);
        await Expect(Start(page)).ToBeDisabledAsync();
    });

    [Fact]
    public async Task Upload_OfAFileAboveTheLimit_IsToldBeforeItStarts()
    {
        await using var silo = await LiveSilo.StartAsync(["--page-upload-mb", "1"]);
        await site.Chromium.VisitAsync(silo.Url, "", async page =>
        {
            await Expect(page.GetByText("at most 1.0 MiB.")).ToBeVisibleAsync();
            await ChooseAsync(page, "large.zip", Zip(Noise(2, 1024)));
            await Expect(page.Locator("#file-refused")).ToContainTextAsync("large.zip is too large");
        });
    }

    /// <summary>A silo of its own with the model that the site's has.</summary>
    private async Task<LiveSilo> WithModelAsync()
    {
        var silo = await LiveSilo.StartAsync();
        using (var client = site.Silo.Client())
            await client.Models.DownloadAsync(Site.Model, Path.Combine(silo.Root, "net.safetensors"), ct: Ct);
        using var own = silo.Client();
        await own.Models.RegisterAsync(new Contracts.Api.RegisterModel { Name = "net", Path = "net.safetensors" }, Ct);
        return silo;
    }

    private static async Task CancelAsync(IPage page)
    {
        await page.GetByRole(AriaRole.Button, new() { Name = "Cancel…" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Cancel the segmentation" }).ClickAsync();
        await Expect(page.Locator(".panel .chip").First).ToHaveTextAsync("cancelled");
    }

    private static Task ChooseAsync(IPage page, string name, byte[] zip) =>
        page.Locator("input[type=file]").SetInputFilesAsync(new FilePayload { Name = name, MimeType = ZipType, Buffer = zip });

    private static ILocator Start(IPage page) => page.GetByRole(AriaRole.Button, new() { Name = "Upload and segment" });

    private static ILocator Model(IPage page) => page.GetByRole(AriaRole.Combobox, new() { Name = "Network that segments" });

    /// <summary>The sections that the model has learnt from, so that it finds something in them.</summary>
    private IEnumerable<(string Name, byte[] Bytes)> Phantom()
    {
        var raw = OmeVolume.Open(Path.Combine(site.Silo.Experiment(site.FirstId).Work, "raw.zarr"));
        for (var z = 0; z < raw.Shape.Z; z++)
        {
            var section = new byte[raw.Shape.Y * raw.Shape.X];
            raw.Read(new Box3(new Int3(z, 0, 0), new Int3(1, raw.Shape.Y, raw.Shape.X)), section);
            yield return ($"{z:d3}.png", ImageCodec.EncodePng(new SliceImage(raw.Shape.X, raw.Shape.Y, PixelKind.Grey8, section, null)));
        }
    }

    /// <summary>Sections that do not shrink.</summary>
    private static IEnumerable<(string Name, byte[] Bytes)> Noise(int sections, int side)
    {
        var random = new Random(5);
        for (var z = 0; z < sections; z++)
        {
            var pixels = new byte[side * side];
            random.NextBytes(pixels);
            yield return ($"{z:d3}.png", ImageCodec.EncodePng(new SliceImage(side, side, PixelKind.Grey8, pixels, null)));
        }
    }

    private static byte[] Zip(IEnumerable<(string Name, byte[] Bytes)> files)
    {
        using var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (name, bytes) in files)
            {
                using var entry = zip.CreateEntry(name, CompressionLevel.NoCompression).Open();
                entry.Write(bytes);
            }
        }

        return stream.ToArray();
    }

    /// <summary>Sets bit 0 of every entry's flags, which says that it is encrypted (APPNOTE.TXT, 4.4.4).</summary>
    private static byte[] Encrypted(byte[] zip)
    {
        for (var i = 0; i < zip.Length - 10; i++)
        {
            if (zip.AsSpan(i, 4).SequenceEqual("PK\x03\x04"u8))
                zip[i + 6] |= 1;
            else if (zip.AsSpan(i, 4).SequenceEqual("PK\x01\x02"u8))
                zip[i + 8] |= 1;
        }

        return zip;
    }

    /// <summary>The classes of which there is something in an experiment's labels, without the background.</summary>
    private async Task<IReadOnlyList<(string Name, string Colour)>> FoundAsync(long id)
    {
        using var http = new HttpClient { BaseAddress = site.Silo.Url };
        var views = JsonElement.Parse(await http.GetStringAsync($"/api/v1/experiments/{id}/views", Ct));
        var labels = OmeVolume.Open(site.Silo.Experiment(id).Labels("multiclass"));
        var voxels = new byte[labels.Shape.Z * labels.Shape.Y * labels.Shape.X];
        labels.Read(Box3.Whole(labels.Shape), voxels);
        return
        [
            .. views.GetProperty("classes").EnumerateArray()
                .Where(c => c.GetProperty("id").GetInt32() is > 0 and var label && voxels.Count(v => v == label) > 50)
                .Select(c => (c.GetProperty("name").GetString()!, c.GetProperty("colour").GetString()!)),
        ];
    }

    [GeneratedRegex(@"/api/v1/uploads/\d+/files/")]
    private static partial Regex Slab();

    /// <summary>Share, bytes, rate and time left.</summary>
    [GeneratedRegex(@"\d %.* of 8\.\d MiB.*/s.* left", RegexOptions.Singleline)]
    private static partial Regex Progress();

    [GeneratedRegex(@"^Experiment \d+$")]
    private static partial Regex ExperimentLink();

    [GeneratedRegex(@"\d+")]
    private static partial Regex ExperimentNumber();
}
