// SPDX-License-Identifier: Apache-2.0
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Teravox.Web.Tests;

/// <summary>The cluster, the volumes, and the ways between places.</summary>
public sealed partial class PlaceTests(Site site)
{
    [Fact]
    public async Task Cluster_WhenOneSiloIsThere_ShowsItWithItsDevice()
    {
        using var client = site.Silo.Client();
        var silo = Assert.Single(await client.SilosAsync(TestContext.Current.CancellationToken));
        await site.VisitAsync("#/cluster", async page =>
        {
            var item = page.GetByRole(AriaRole.Region, new() { Name = "Silos" }).GetByRole(AriaRole.Listitem);
            await Expect(item.GetByRole(AriaRole.Heading)).ToHaveTextAsync(silo.Name);
            await Expect(item).ToContainTextAsync($"{silo.Devices[0].Name} (");
            await Expect(item).ToContainTextAsync("items since its start");
            await Expect(page.Locator(".tiles .panel", new() { HasText = "Silos alive" }).Locator("dd").First).ToHaveTextAsync("1");
            await Expect(page.GetByRole(AriaRole.Region, new() { Name = "Recent failures" })).ToContainTextAsync("Nothing failed");
        });
    }

    [Fact]
    public Task Volumes_WhenOneIsRegistered_ShowItWithASection() => site.VisitAsync("#/volumes", async page =>
    {
        var item = page.Locator("ul.volumes > li", new() { HasText = Site.Volume });
        await Expect(item).ToContainTextAsync($"{Stacks.Sections} × {Stacks.Height} × {Stacks.Width} voxels");
        await ExpectLoadedAsync(item.Locator("img"));
        await item.GetByRole(AriaRole.Link, new() { Name = Site.Volume }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync(Site.Volume);
    });

    [Fact]
    public Task Volume_WhenItsSliderMoves_ShowsThatSection() => site.VisitAsync($"#/volumes/{Site.Volume}", async page =>
    {
        var picture = page.GetByRole(AriaRole.Img, new() { Name = $"Section {(Stacks.Sections - 1) / 2} of {Site.Volume}" });
        await ExpectLoadedAsync(picture);
        await page.GetByRole(AriaRole.Slider, new() { Name = "z" }).FillAsync("7");
        await ExpectLoadedAsync(page.GetByRole(AriaRole.Img, new() { Name = $"Section 7 of {Site.Volume}" }));
        await page.GetByRole(AriaRole.Checkbox, new() { Name = "labels" }).CheckAsync();
        await ExpectLoadedAsync(page.GetByRole(AriaRole.Img, new() { Name = $"Section 7 of {Site.Volume}, labels" }));
    });

    [Fact]
    public Task Navigation_FromPageToPage_MovesTheFocusToTheHeading() => site.VisitAsync("#/experiments", async page =>
    {
        foreach (var name in (string[])["Campaigns", "Volumes", "Cluster", "Experiments"])
        {
            await page.GetByRole(AriaRole.Navigation, new() { Name = "Pages" }).GetByRole(AriaRole.Link, new() { Name = name }).ClickAsync();
            var heading = page.GetByRole(AriaRole.Heading, new() { Name = name, Level = 1 });
            await Expect(heading).ToBeFocusedAsync();
            await Expect(page).ToHaveTitleAsync($"{name} – Teravox");
        }

        await page.GoBackAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Cluster", Level = 1 })).ToBeVisibleAsync();
    });

    [Fact]
    public Task Keyboard_FromTheTop_SkipsToTheContent() => site.VisitAsync("#/experiments", async page =>
    {
        await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToBeFocusedAsync();
        var skip = page.GetByRole(AriaRole.Link, new() { Name = "Skip to the content" });
        await skip.FocusAsync();
        await Expect(skip).ToBeInViewportAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("main")).ToBeFocusedAsync();
        await Expect(page).ToHaveURLAsync(EndsWithExperiments());
    });

    [Fact]
    public Task Page_AtAnAddressThatLeadsNowhere_SaysSo() => site.VisitAsync(
        "#/nothing/here", async page => await Expect(page.GetByText("There is no page at this address.")).ToBeVisibleAsync());

    private static async Task ExpectLoadedAsync(ILocator picture)
    {
        await picture.ScrollIntoViewIfNeededAsync();
        await Expect(picture).ToHaveJSPropertyAsync("complete", true);
        Assert.True(await picture.EvaluateAsync<int>("(image) => image.naturalWidth") > 0, "the picture is empty");
    }

    [GeneratedRegex("#/experiments$")]
    private static partial Regex EndsWithExperiments();
}
