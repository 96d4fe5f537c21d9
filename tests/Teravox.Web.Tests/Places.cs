// SPDX-License-Identifier: Apache-2.0
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Teravox.Web.Tests;

/// <summary>Every page there is, and by what one sees that it is all there.</summary>
internal static class Places
{
    private static readonly (string Name, Func<Site, string> Place, string Ready)[] Known =
    [
        ("upload", _ => "", ".upload-form select"),
        ("experiments", _ => "#/experiments", "table.experiments tbody tr"),
        ("experiment", s => $"#/experiments/{s.FirstId}", ".log li"),
        ("scores", s => $"#/experiments/{s.FirstId}/scores", "table.confusion"),
        ("slices", s => $"#/experiments/{s.FirstId}/slices", ".slices[data-settled='true']"),
        ("3d", s => $"#/experiments/{s.FirstId}/3d", "[data-rendered='true']"),
        ("files", s => $"#/experiments/{s.FirstId}/files", ".zarr"),
        ("compare", s => $"#/compare?a={s.FirstId}&b={s.SecondId}", "tfoot"),
        ("campaigns", _ => "#/campaigns", "tbody tr"),
        ("campaign", _ => "#/campaigns/" + Site.Campaign, "canvas"),
        ("volumes", _ => "#/volumes", "ul.volumes > li"),
        ("volume", _ => $"#/volumes/{Site.Volume}", ".zarr"),
        ("volume slices", _ => $"#/volumes/{Site.Volume}/slices", ".slices[data-settled='true']"),
        ("cluster", _ => "#/cluster", "ul.silos > li"),
        ("nowhere", _ => "#/nothing/here", "main .empty"),
    ];

    public static TheoryData<string> All => [.. Known.Select(k => k.Name)];

    public static string Of(string name, Site site) => Known.Single(k => k.Name == name).Place(site);

    public static async Task ReadyAsync(IPage page, string name)
    {
        await Expect(page.Locator(Known.Single(k => k.Name == name).Ready).First).ToBeVisibleAsync();
        await page.WaitForLoadStateAsync(LoadState.NetworkIdle);
    }
}
