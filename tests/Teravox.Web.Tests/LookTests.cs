// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Teravox.Web.Tests;

/// <summary>Dark and light.</summary>
public sealed class LookTests(Site site)
{
    private const string Ground = "getComputedStyle(document.documentElement).backgroundColor";

    [Fact]
    public async Task Colours_WhenLeftToTheSystem_FollowIt()
    {
        Assert.True(await LightnessAsync(ColorScheme.Light) > 200, "light systems get a light page");
        Assert.True(await LightnessAsync(ColorScheme.Dark) < 60, "dark systems get a dark page");
    }

    [Fact]
    public Task Colours_WhenChosen_StayAfterAReload() => site.VisitAsync("#/experiments", async page =>
    {
        var colours = page.GetByRole(AriaRole.Combobox, new() { Name = "Colours" });
        await colours.SelectOptionAsync("dark");
        await Expect(page.Locator("html")).ToHaveAttributeAsync("data-theme", "dark");
        await page.ReloadAsync();
        await Expect(page.Locator("html")).ToHaveAttributeAsync("data-theme", "dark");
        await Expect(colours).ToHaveValueAsync("dark");
        await colours.SelectOptionAsync("light");
        await Expect(page.Locator("html")).ToHaveAttributeAsync("data-theme", "light");
    });

    private async Task<double> LightnessAsync(ColorScheme scheme)
    {
        var lightness = 0.0;
        var options = Chromium.Sized(1280, 900);
        options.ColorScheme = scheme;
        await site.VisitAsync("#/experiments", async page =>
        {
            await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToBeVisibleAsync();
            var ground = await page.EvaluateAsync<string>(Ground);
            var parts = System.Text.RegularExpressions.Regex.Matches(ground, "[0-9.]+").Take(3).Select(m => double.Parse(m.Value, CultureInfo.InvariantCulture));
            lightness = parts.Average();
        }, options);
        return lightness;
    }
}
