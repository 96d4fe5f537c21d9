// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using Teravox.Contracts;
using Teravox.Volumes;
using static Microsoft.Playwright.Assertions;

namespace Teravox.Web.Tests;

/// <summary>The three sections through a voxel.</summary>
public sealed partial class SlicesTests(Site site)
{
    private string Overview => string.Create(CultureInfo.InvariantCulture, $"#/experiments/{site.FirstId}");

    private string Place => Overview + "/slices";

    [Fact]
    public Task Panes_WhenOpened_AreAllDrawn() => site.VisitAsync(Place, async page =>
    {
        await SettleAsync(page);
        foreach (var plane in (string[])["xy", "xz", "yz"])
            await Pixels.ExpectDrawnAsync(Pane(page, plane), colours: 50);
    });

    [Fact]
    public Task Keys_InAPane_MoveTheSection() => site.VisitAsync(Place, async page =>
    {
        await SettleAsync(page);
        var pane = Pane(page, "xy");
        await Expect(pane).ToHaveAccessibleNameAsync($"xy section at z {Specs.Depth / 2} of 0 to {Specs.Depth - 1}");
        await pane.FocusAsync();
        await page.Keyboard.PressAsync("PageDown");
        await Expect(pane).ToHaveAccessibleNameAsync($"xy section at z {(Specs.Depth / 2) + 1} of 0 to {Specs.Depth - 1}");
        await page.Keyboard.PressAsync("Shift+PageUp");
        await Expect(pane).ToHaveAccessibleNameAsync($"xy section at z 0 of 0 to {Specs.Depth - 1}");
        await page.Keyboard.PressAsync("ArrowRight");
        await Expect(Pane(page, "yz")).ToHaveAccessibleNameAsync($"yz section at x {(Specs.Side / 2) + 1} of 0 to {Specs.Side - 1}");
    });

    [Fact]
    public Task Wheel_OverAPane_MovesTheSection() => site.VisitAsync(Place, async page =>
    {
        await SettleAsync(page);
        await Pane(page, "xz").HoverAsync();
        await page.Mouse.WheelAsync(0, 100);
        await Expect(Pane(page, "xz")).ToHaveAccessibleNameAsync($"xz section at y {(Specs.Side / 2) + 1} of 0 to {Specs.Side - 1}");
    });

    [Fact]
    public Task Contrast_WhenChanged_ChangesThePicture() => site.VisitAsync(Place, async page =>
    {
        await SettleAsync(page);
        var before = await Pane(page, "xy").EvaluateAsync<string>("(canvas) => canvas.toDataURL()");
        await Slider(page, "Brightness").FillAsync("60");
        await SettleAsync(page);
        await page.WaitForFunctionAsync("(before) => document.querySelector('.pane-xy canvas').toDataURL() !== before", before);
    });

    [Fact]
    public async Task Threshold_WhenMoved_RecomputesF1FromTheCounts()
    {
        using var client = site.Silo.Client();
        var report = await client.Experiments.ScoresAsync(site.FirstId, TestContext.Current.CancellationToken);
        var chosen = report.Predictions.Single(p => p.Name == "multiclass").Classes[1];
        await site.VisitAsync(Place, async page =>
        {
            await SettleAsync(page);
            await page.GetByRole(AriaRole.Combobox, new() { Name = "Prediction", Exact = true }).SelectOptionAsync("multiclass");
            await page.GetByRole(AriaRole.Button, new() { Name = "Grey values" }).ClickAsync();
            await page.GetByRole(AriaRole.Combobox, new() { Name = "Class", Exact = true }).SelectOptionAsync(chosen.Id.ToString(CultureInfo.InvariantCulture));
            var score = page.Locator("tr[data-region='test'] td").First;
            await Expect(score).ToHaveTextAsync(Shown(chosen.F1));

            // Any other threshold has the F1 of the report's curve there.
            var other = Enumerable.Range(1, 255).First(t => Shown(chosen.Curve[t]) != Shown(chosen.F1));
            var slider = Slider(page, "Threshold");
            await slider.FillAsync(other.ToString(CultureInfo.InvariantCulture));
            await Expect(score).ToHaveTextAsync(Shown(chosen.Curve[other]));

            await page.GetByRole(AriaRole.Button, new() { Name = $"The experiment's: {chosen.Threshold}" }).ClickAsync();
            await Expect(score).ToHaveTextAsync(Shown(chosen.F1));
        });
    }

    [Fact]
    public async Task Outcomes_OfAClass_AreDrawnWhereTheyAre()
    {
        // The class that the section in the middle has most of, and how much.
        var truth = OmeVolume.Open(site.Silo.Experiment(site.FirstId).Truth);
        var section = new byte[Specs.Side * Specs.Side];
        truth.Read(new Box3(new Int3(Specs.Depth / 2, 0, 0), new Int3(1, Specs.Side, Specs.Side)), section);
        var (id, voxels) = section.CountBy(label => label).Where(c => c.Key > 0).MaxBy(c => c.Value);
        var share = (double)voxels / section.Length;
        await site.VisitAsync(Place, async page =>
        {
            await SettleAsync(page);
            await page.GetByRole(AriaRole.Button, new() { Name = "TP, FP, FN" }).ClickAsync();
            await page.GetByRole(AriaRole.Combobox, new() { Name = "Class", Exact = true }).SelectOptionAsync(id.ToString(CultureInfo.InvariantCulture));
            await Slider(page, "Opacity").FillAsync("100");
            var colours = await Colours.OfSwatchesAsync(page.Locator(".slice-controls .legend .swatch"));
            Assert.Equal(3, colours.Length);

            // Where every voxel is called, it is right as often as there are voxels of the class; where none is, it is missed.
            await Slider(page, "Threshold").FillAsync("0");
            var found = await OutcomesAsync(page, colours, found => found[2] == 0 && found[0] > 0 && found[1] > 0);
            Assert.Equal(share, (double)found[0] / (found[0] + found[1]), 0.02);
            await Slider(page, "Threshold").FillAsync("255");
            await OutcomesAsync(page, colours, found => found[2] > 0 && found[0] < found[2]);
        });
    }

    [Fact]
    public Task Chunks_WhenOpened_AreOnlyThoseThatAreSeen() => site.VisitAsync(Overview, async page =>
    {
        var asked = new ConcurrentBag<string>();
        page.Request += (_, request) =>
        {
            if (RawChunk().Match(request.Url) is { Success: true } match)
                asked.Add(match.Groups[1].Value);
        };
        await page.GetByRole(AriaRole.Link, new() { Name = "Slices" }).ClickAsync();
        await SettleAsync(page);
        var (z, y, x) = (Specs.Depth / 2 / Specs.ChunkDepth, Specs.Side / 2 / Specs.ChunkSide, Specs.Side / 2 / Specs.ChunkSide);
        var seen =
            from cz in Enumerable.Range(0, Specs.Depth / Specs.ChunkDepth)
            from cy in Enumerable.Range(0, Specs.Side / Specs.ChunkSide)
            from cx in Enumerable.Range(0, Specs.Side / Specs.ChunkSide)
            where cz == z || cy == y || cx == x
            select $"{cz}/{cy}/{cx}";
        Assert.Equal(seen.Order(), asked.Order());

        // The next section lies in chunks that are here already; the one after the chunk's end does not.
        asked.Clear();
        await Pane(page, "xy").FocusAsync();
        await page.Keyboard.PressAsync("PageDown");
        await SettleAsync(page);
        Assert.Empty(asked);
        await page.Keyboard.PressAsync("Shift+PageUp");
        await Expect(Pane(page, "xy")).ToHaveAccessibleNameAsync($"xy section at z 0 of 0 to {Specs.Depth - 1}");
        await SettleAsync(page);
        Assert.Equal(9, asked.Count);
        Assert.All(asked, chunk => Assert.StartsWith("0/", chunk, StringComparison.Ordinal));
    });

    [Fact]
    public Task Panes_OfARegisteredVolume_AreDrawnWithItsLabels() => site.VisitAsync($"#/volumes/{Site.Volume}/slices", async page =>
    {
        await SettleAsync(page);
        await Pixels.ExpectDrawnAsync(Pane(page, "xy"), colours: 20);
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Truth" })).ToHaveAttributeAsync("aria-pressed", "true");
        await Expect(page.GetByRole(AriaRole.Region, new() { Name = "Voxel under the crosshair" })).ToContainTextAsync("Truth");
    });

    /// <summary>Waits until pixels of TP, FP and FN are as they should be.</summary>
    private static async Task<int[]> OutcomesAsync(IPage page, string[] colours, Func<int[], bool> wanted)
    {
        var since = Stopwatch.StartNew();
        int[] found;
        while (!wanted(found = await Pixels.CountAsync(Pane(page, "xy"), colours)))
        {
            Assert.True(since.ElapsedMilliseconds < Chromium.Patience, $"TP, FP and FN have {string.Join(", ", found)} pixels");
            await page.EvaluateAsync("() => new Promise((done) => requestAnimationFrame(() => done()))");
        }

        return found;
    }

    private static string Shown(double? value) => value?.ToString("F4", CultureInfo.InvariantCulture) ?? "–";

    private static ILocator Pane(IPage page, string plane) => page.Locator($".pane-{plane} canvas");

    private static ILocator Slider(IPage page, string name) => page.GetByRole(AriaRole.Slider, new() { Name = name });

    private static Task SettleAsync(IPage page) => Expect(page.Locator(".slices")).ToHaveAttributeAsync("data-settled", "true");

    [GeneratedRegex(@"/views/raw/s0/(\d+/\d+/\d+)$")]
    private static partial Regex RawChunk();
}
