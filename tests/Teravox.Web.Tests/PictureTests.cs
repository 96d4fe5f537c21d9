// SPDX-License-Identifier: Apache-2.0
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Teravox.Web.Tests;

/// <summary>The README's pictures, taken where TERAVOX_SCREENSHOTS names the folder that they go to (docs).</summary>
public sealed class PictureTests(Site site)
{
    private static readonly string? Folder = Environment.GetEnvironmentVariable("TERAVOX_SCREENSHOTS") is { Length: > 0 } folder ? folder : null;

    [Fact]
    public async Task Pictures_WhenAFolderIsNamed_AreTakenOfSlicesAndVolume()
    {
        Assert.SkipWhen(Folder is null, "TERAVOX_SCREENSHOTS names no folder for pictures");
        await using var silo = await LiveSilo.StartAsync();
        using var client = silo.Client();
        var id = await Site.RunAsync(client, Specs.Seen("phantom"));
        await site.Chromium.VisitAsync(silo.Url, $"#/experiments/{id}/slices", async page =>
        {
            await Expect(page.Locator(".slices")).ToHaveAttributeAsync("data-settled", "true");
            await KeepAsync(page, "page-slices");
        });
        await site.Chromium.VisitAsync(silo.Url, $"#/experiments/{id}/3d", async page =>
        {
            await VolumeViewTests.DrawnAsync(page);
            await KeepAsync(page, "page-3d");
        });
    }

    private static Task KeepAsync(IPage page, string name) => page.ScreenshotAsync(new() { Path = Path.Combine(Folder!, name + ".png") });
}
