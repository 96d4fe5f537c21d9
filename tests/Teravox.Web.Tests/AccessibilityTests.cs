// SPDX-License-Identifier: Apache-2.0
using Microsoft.Playwright;

namespace Teravox.Web.Tests;

/// <summary>axe-core's rules on every page.</summary>
public sealed class AccessibilityTests(Site site)
{
    [Theory]
    [MemberData(nameof(Places.All), MemberType = typeof(Places))]
    public Task Page_InLightAndInDark_HasNoSeriousFinding(string name) => site.VisitAsync(Places.Of(name, site), async page =>
    {
        await Places.ReadyAsync(page, name);
        await Axe.ExpectNoneAsync(page, "in light");
        await page.EmulateMediaAsync(new() { ColorScheme = ColorScheme.Dark });
        await Axe.ExpectNoneAsync(page, "in dark");
    }, Axe.Options());
}
