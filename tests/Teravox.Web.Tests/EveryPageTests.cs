// SPDX-License-Identifier: Apache-2.0
using Microsoft.Playwright;

namespace Teravox.Web.Tests;

/// <summary>What holds for every page there is: it fits narrow screens, and axe-core has nothing serious against it in either colours.</summary>
public sealed class EveryPageTests(Site site)
{
    private const string Beyond =
        """
        () => {
          const width = document.documentElement.clientWidth;
          if (document.documentElement.scrollWidth <= width) return [];
          const wide = [...document.querySelectorAll("main *, header *")].filter((e) => e.getBoundingClientRect().right > width + 0.5);
          return [`${document.documentElement.scrollWidth} > ${width}`, ...wide.slice(0, 8).map((e) => `${e.tagName} ${e.className}`)];
        }
        """;

    [Theory]
    [MemberData(nameof(Places.All), MemberType = typeof(Places))]
    public Task Page_NarrowThenWideInLightAndInDark_FitsAndHasNoSeriousFinding(string name) => site.VisitAsync(Places.Of(name, site), async page =>
    {
        await Places.ReadyAsync(page, name);
        // It does not scroll sideways.
        Assert.Empty(await page.EvaluateAsync<string[]>(Beyond));

        await page.SetViewportSizeAsync(1280, 900);
        await Places.ReadyAsync(page, name);
        await Axe.ExpectNoneAsync(page, "in light");
        await page.EmulateMediaAsync(new() { ColorScheme = ColorScheme.Dark });
        await Axe.ExpectNoneAsync(page, "in dark");
    }, Narrow());

    private static BrowserNewContextOptions Narrow()
    {
        Axe.Require();
        var options = Chromium.Sized(360, 740);
        options.ColorScheme = ColorScheme.Light;
        return options;
    }
}
