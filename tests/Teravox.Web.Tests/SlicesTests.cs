// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
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
            await Expect(score).ToHaveTextAsync(Words(chosen.F1));

            // Any other threshold has the F1 of the report's curve there.
            var other = Enumerable.Range(1, 255).First(t => Words(chosen.Curve[t]) != Words(chosen.F1));
            var slider = Slider(page, "Threshold");
            await slider.FillAsync(other.ToString(CultureInfo.InvariantCulture));
            await Expect(score).ToHaveTextAsync(Words(chosen.Curve[other]));

            await page.GetByRole(AriaRole.Button, new() { Name = $"The experiment's: {chosen.Threshold}" }).ClickAsync();
            await Expect(score).ToHaveTextAsync(Words(chosen.F1));
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

    private static string Words(double? value) => value?.ToString("F4", CultureInfo.InvariantCulture) ?? "–";

    private static ILocator Pane(IPage page, string plane) => page.Locator($".pane-{plane} canvas");

    private static ILocator Slider(IPage page, string name) => page.GetByRole(AriaRole.Slider, new() { Name = name });

    private static Task SettleAsync(IPage page) => Expect(page.Locator(".slices")).ToHaveAttributeAsync("data-settled", "true");

    [GeneratedRegex(@"/views/raw/s0/(\d+/\d+/\d+)$")]
    private static partial Regex RawChunk();
}
