// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Volumes;
using static Microsoft.Playwright.Assertions;

namespace Teravox.Web.Tests;

/// <summary>Volumes in 3D, drawn by the processor.</summary>
public sealed partial class VolumeViewTests(Site site)
{
    private const int Some = 10;

    /// <summary>Pixels that are drawn over the volume.</summary>
    private const string Marks =
        "((c) => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.filter((v, i) => i % 4 === 3 && v > 0).length)(document.querySelector('.volume-stage canvas[aria-hidden]'))";

    private string Place => string.Create(CultureInfo.InvariantCulture, $"#/experiments/{site.FirstId}/3d");

    [Fact]
    public async Task Classes_WhenSingledOut_AreDrawnInTheirColours()
    {
        var classes = await ClassesAsync();
        await site.VisitAsync(Place, async page =>
        {
            await DrawnAsync(page);
            await Button(page, "Truth").ClickAsync();
            await Opacity(page, "Image").FillAsync("0");
            await ExpectSingledOutAsync(page, classes);
        });
    }

    [Fact]
    public async Task Errors_OfAClass_AreDrawnInThreeColours()
    {
        var membrane = (await ClassesAsync()).Select(c => c.Name).ElementAt(3);
        await site.VisitAsync(Place, async page =>
        {
            await DrawnAsync(page);
            await Opacity(page, "Image").FillAsync("0");
            await Button(page, "Errors").ClickAsync();
            await page.GetByRole(AriaRole.Combobox, new() { Name = "Class", Exact = true }).SelectOptionAsync(new SelectOptionValue { Label = membrane });
            var colours = await Colours.OfSwatchesAsync(page.Locator(".outcome .swatch"));
            string[] names = ["True positive", "False positive", "False negative"];
            foreach (var (shown, colour) in names.Zip(colours))
            {
                foreach (var name in names)
                    await page.GetByRole(AriaRole.Slider, new() { Name = name }).FillAsync(name == shown ? "100" : "0");
                await Colours.ExpectAsync(Stage(page), colour, Some, shown);
                await Colours.ExpectNoneAsync(Stage(page), [.. colours.Except([colour])], "what is turned off");
            }
        });
    }

    [Fact]
    public async Task Errors_OfAClass_AreThoseThatTheScoresCount()
    {
        using var client = site.Silo.Client();
        var report = await client.Experiments.ScoresAsync(site.FirstId, TestContext.Current.CancellationToken);
        await site.VisitAsync(Place, async page =>
        {
            await DrawnAsync(page);
            await Button(page, "Errors").ClickAsync();
            foreach (var prediction in report.Predictions)
            {
                await Select(page, "Prediction").SelectOptionAsync(prediction.Name);
                var counts = (await JsonAsync($"experiments/{site.FirstId}/counts/{prediction.Name}")).GetProperty("classes");
                foreach (var scored in prediction.Classes)
                {
                    await Select(page, "Class").SelectOptionAsync(new SelectOptionValue { Label = scored.Name });
                    await Expect(Button(page, $"By threshold {scored.Threshold}")).ToHaveAttributeAsync("aria-pressed", "true");
                    var levels = counts.EnumerateArray().Single(c => c.GetProperty("id").GetInt32() == scored.Id).GetProperty("test");
                    var (yes, no) = (Voxels(levels.GetProperty("yes")), Voxels(levels.GetProperty("no")));
                    await ExpectCountsAsync(page, "test", scored.F1, yes[scored.Threshold..].Sum(), no[scored.Threshold..].Sum(), yes[..scored.Threshold].Sum());
                }
            }
        });
    }

    [Fact]
    public async Task Errors_ByLabels_AreThoseOfTheLabelVolume()
    {
        using var client = site.Silo.Client();
        var report = await client.Experiments.ScoresAsync(site.FirstId, TestContext.Current.CancellationToken);
        var (id, name) = report.Predictions[0].Classes.Select(c => (c.Id, c.Name)).ElementAt(1);
        var region = report.Regions.Test[0];
        var (truth, labels) = (Read(site.Silo.Experiment(site.FirstId).Truth, region), Read(site.Silo.Experiment(site.FirstId).Labels(report.Predictions[0].Name), region));
        long Count(bool isIt, bool isCalled) => truth.Zip(labels).LongCount(v => v.First != 255 && v.First == id == isIt && v.Second == id == isCalled);
        var (tp, fp, fn) = (Count(true, true), Count(false, true), Count(true, false));
        await site.VisitAsync(Place, async page =>
        {
            await DrawnAsync(page);
            await Button(page, "Errors").ClickAsync();
            await Select(page, "Class").SelectOptionAsync(new SelectOptionValue { Label = name });
            await Button(page, "By labels").ClickAsync();
            await ExpectCountsAsync(page, "test", tp + fp + fn == 0 ? null : 2.0 * tp / ((2 * tp) + fp + fn), tp, fp, fn);
        });
    }

    [Fact]
    public async Task Image_WhenThereAreSeveral_IsTheChosenOne()
    {
        using var client = site.Silo.Client();
        var id = await Site.RunAsync(client, new SubmitExperiment
        {
            Spec = JsonElement.Parse(
                """
                {
                  "name": "enlarged", "preset": "super-resolve", "seed": 3, "data": { "phantom": { "shape": [8, 24, 32], "seed": 3 } },
                  "superResolve": { "maxIterations": 10, "crop": 16, "ensemble": false }
                }
                """),
        });
        await site.VisitAsync($"#/experiments/{id}/3d", async page =>
        {
            await DrawnAsync(page);
            await Expect(Select(page, "Shown").Locator("option")).ToHaveTextAsync(["original", "enlarged, bicubic (lr)", "super-resolved (boosted)"]);
            await Expect(page.Locator("#volume-level")).ToContainTextAsync("32 × 24 × 8 voxels");
            foreach (var image in (string[])["boosted", "lr", "raw"])
            {
                var before = await Stage(page).ScreenshotAsync();
                await Select(page, "Shown").SelectOptionAsync(image);
                await Expect(page.Locator("#volume-level")).ToContainTextAsync(image == "raw" ? "32 × 24 × 8 voxels" : "64 × 48 × 8 voxels");
                await Expect(page.Locator("#volume-words")).ToContainTextAsync($"the image {image} ");
                await ExpectOtherAsync(page, before);
            }
        });
    }

    [Fact]
    public Task Box_WhenItIsTakenAway_LeavesTheVolumeAlone() => site.VisitAsync(Place, async page =>
    {
        await DrawnAsync(page);
        await page.WaitForFunctionAsync($"() => {Marks} > 200");
        await page.GetByRole(AriaRole.Checkbox, new() { Name = "Box with axes and lengths" }).UncheckAsync();
        await page.WaitForFunctionAsync($"() => {Marks} === 0");
        Assert.True((await Stage(page).ScreenshotAsync()).Length > 5000, "the volume is still there");
    });

    [Fact]
    public Task Cut_WhenMade_ChangesWhatIsSeen() => site.VisitAsync(Place, async page =>
    {
        await DrawnAsync(page);
        var whole = await Stage(page).ScreenshotAsync();
        await Button(page, "z").ClickAsync();
        await page.GetByRole(AriaRole.Slider, new() { Name = "Position" }).FillAsync("80");
        await page.WaitForFunctionAsync("() => document.querySelector('.volume-stage').dataset.rendered === 'true'");
        await ExpectOtherAsync(page, whole);
    });

    [Fact]
    public Task Keys_InTheView_TurnIt() => site.VisitAsync(Place, async page =>
    {
        await DrawnAsync(page);
        var before = await Stage(page).ScreenshotAsync();
        await Stage(page).FocusAsync();
        await page.Keyboard.PressAsync("ArrowLeft");
        await ExpectOtherAsync(page, before);
    });

    [Fact]
    public Task Level_ThatIsDrawn_IsSaid() => site.VisitAsync(Place, async page =>
    {
        await DrawnAsync(page);
        await Expect(Stage(page)).ToHaveAttributeAsync("data-level", "s0");
        await Expect(page.Locator("#volume-level")).ToContainTextAsync($"{Specs.Depth}");
        await Expect(page.Locator("#volume-level")).ToContainTextAsync("the finest there is");
    });

    [Fact]
    public Task Picture_WhenSaved_IsAPngOfTheView() => site.VisitAsync(Place, async page =>
    {
        await DrawnAsync(page);
        var download = await page.RunAndWaitForDownloadAsync(() => Button(page, "Save picture").ClickAsync());
        var picture = ImageCodec.Decode(await File.ReadAllBytesAsync(await download.PathAsync(), TestContext.Current.CancellationToken), "the picture");
        Assert.True(picture.Data.Distinct().Count() > 20, "the picture shows something");
    });

    [Fact]
    public Task Volume_ThatIsRegistered_IsDrawnInTheColourOfItsLabels() => site.VisitAsync($"#/volumes/{Site.Volume}/3d", async page =>
    {
        await DrawnAsync(page);
        var colour = (await ViewsAsync($"volumes/{Site.Volume}")).GetProperty("classes")[1].GetProperty("colour").GetString()!;
        await Opacity(page, "Image").FillAsync("0");
        await Colours.ExpectAsync(Stage(page), colour, Some, "membrane");
    });

    /// <summary>Waits until the view has drawn a frame of all that it shows.</summary>
    internal static Task DrawnAsync(IPage page) => Expect(Stage(page)).ToHaveAttributeAsync("data-rendered", "true");

    /// <summary>Shows one class after the other, alone: each in its colour, and nothing any more of the one before.</summary>
    internal static async Task ExpectSingledOutAsync(IPage page, IReadOnlyList<(string Name, string Colour)> classes)
    {
        await Button(page, "None").ClickAsync();
        await Colours.ExpectNoneAsync(Stage(page), [.. classes.Select(c => c.Colour)], "the classes");
        for (var i = 0; i < classes.Count; i++)
        {
            var (name, colour) = classes[i];
            await Button(page, "None").ClickAsync();
            await page.GetByRole(AriaRole.Checkbox, new() { Name = name, Exact = true }).CheckAsync();
            if (i == 0)
                await Colours.ExpectAsync(Stage(page), colour, Some, name);
            else
                await Colours.ExpectInsteadAsync(Stage(page), colour, Some, classes[i - 1].Colour, name);
        }
    }

    internal static ILocator Stage(IPage page) => page.Locator(".volume-stage");

    internal static ILocator Opacity(IPage page, string group) =>
        page.Locator("fieldset", new() { Has = page.Locator("legend", new() { HasTextString = group }) }).GetByRole(AriaRole.Slider, new() { Name = "Opacity" });

    private static long[] Voxels(JsonElement levels) => [.. levels.EnumerateArray().Select(n => n.GetInt64())];

    private static ILocator Select(IPage page, string name) => page.GetByRole(AriaRole.Combobox, new() { Name = name, Exact = true });

    private static async Task ExpectCountsAsync(IPage page, string region, double? f1, long tp, long fp, long fn)
    {
        var cells = page.Locator($".outcome-counts td[data-region='{region}']");
        var words = (long n) => Thousands().Replace(n.ToString(CultureInfo.InvariantCulture), "\u202f");
        await Expect(cells).ToHaveTextAsync([f1?.ToString("F4", CultureInfo.InvariantCulture) ?? "–", words(tp), words(fp), words(fn)]);
    }

    /// <summary>The thin spaces between thousands.</summary>
    [GeneratedRegex(@"\B(?=(\d{3})+$)")]
    private static partial Regex Thousands();

    private static byte[] Read(string volume, Box3 region)
    {
        var voxels = new byte[region.Count];
        OmeVolume.Open(volume).Read(region, voxels);
        return voxels;
    }

    internal static ILocator Button(IPage page, string name) => page.GetByRole(AriaRole.Button, new() { Name = name, Exact = true });

    /// <summary>The classes that the volume has voxels of, with their colours, without the background.</summary>
    private async Task<IReadOnlyList<(string Name, string Colour)>> ClassesAsync() =>
    [
        .. (await ViewsAsync($"experiments/{site.FirstId}")).GetProperty("classes").EnumerateArray().Skip(1)
            .Select(c => (c.GetProperty("name").GetString()!, c.GetProperty("colour").GetString()!)),
    ];

    private Task<JsonElement> ViewsAsync(string of) => JsonAsync($"{of}/views");

    private async Task<JsonElement> JsonAsync(string path)
    {
        using var http = new HttpClient { BaseAddress = site.Silo.Url };
        return JsonElement.Parse(await http.GetStringAsync($"/api/v1/{path}", TestContext.Current.CancellationToken));
    }

    private static async Task ExpectOtherAsync(IPage page, byte[] picture)
    {
        var since = System.Diagnostics.Stopwatch.StartNew();
        while ((await Stage(page).ScreenshotAsync()).AsSpan().SequenceEqual(picture))
        {
            Assert.True(since.ElapsedMilliseconds < Chromium.Patience, "the view still shows the same");
            await page.EvaluateAsync("() => new Promise((done) => requestAnimationFrame(() => done()))");
        }
    }
}
