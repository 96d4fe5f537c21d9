// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text.Json;
using Microsoft.Playwright;
using Teravox.Volumes;
using static Microsoft.Playwright.Assertions;

namespace Teravox.Web.Tests;

/// <summary>Volumes in 3D, drawn by the processor.</summary>
public sealed class VolumeViewTests(Site site)
{
    private const int Some = 10;

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

    internal static ILocator Button(IPage page, string name) => page.GetByRole(AriaRole.Button, new() { Name = name, Exact = true });

    /// <summary>The classes that the volume has voxels of, with their colours, without the background.</summary>
    private async Task<IReadOnlyList<(string Name, string Colour)>> ClassesAsync() =>
    [
        .. (await ViewsAsync($"experiments/{site.FirstId}")).GetProperty("classes").EnumerateArray().Skip(1)
            .Select(c => (c.GetProperty("name").GetString()!, c.GetProperty("colour").GetString()!)),
    ];

    private async Task<JsonElement> ViewsAsync(string of)
    {
        using var http = new HttpClient { BaseAddress = site.Silo.Url };
        return JsonElement.Parse(await http.GetStringAsync($"/api/v1/{of}/views", TestContext.Current.CancellationToken));
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
