// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Microsoft.Playwright;
using Teravox.Testing;

namespace Teravox.Web.Tests;

/// <summary>axe-core's rules (WCAG 2 A and AA, and its best practices) on every page, dark and light.</summary>
public sealed class AccessibilityTests(Site site)
{
    private static readonly string Axe = Path.Combine(TeravoxProgram.Root, "web", "node_modules", "axe-core", "axe.min.js");

    [Theory]
    [MemberData(nameof(Places.All), MemberType = typeof(Places))]
    public Task Page_InLight_HasNoSeriousFinding(string name) => CheckAsync(name, ColorScheme.Light);

    [Theory]
    [MemberData(nameof(Places.All), MemberType = typeof(Places))]
    public Task Page_InDark_HasNoSeriousFinding(string name) => CheckAsync(name, ColorScheme.Dark);

    [Fact]
    public async Task SignIn_WhenAKeyIsWrong_HasNoSeriousFinding()
    {
        await using var silo = await LiveSilo.StartAsync(("ann", Contracts.Api.ApiRole.Operator));
        await site.Chromium.VisitAsync(silo.Url, "", async page =>
        {
            await page.GetByLabel("API key").FillAsync("tvx_none");
            await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
            await Assertions.Expect(page.GetByRole(AriaRole.Alert)).ToBeVisibleAsync();
            await ExpectNoneAsync(page);
        }, Options(ColorScheme.Light), expected: text => text.Contains("401", StringComparison.Ordinal));
    }

    private Task CheckAsync(string name, ColorScheme scheme) => site.VisitAsync(Places.Of(name, site), async page =>
    {
        await Places.ReadyAsync(page, name);
        await ExpectNoneAsync(page);
    }, Options(scheme));

    private static BrowserNewContextOptions Options(ColorScheme scheme)
    {
        Prerequisite.Require(File.Exists(Axe), $"{Axe}; run npm ci in web/");
        var options = Chromium.Sized(1280, 900);
        options.ColorScheme = scheme;
        // The page's policy lets no script in that is not its own, and axe is not.
        options.BypassCSP = true;
        return options;
    }

    private static async Task ExpectNoneAsync(IPage page)
    {
        await page.AddScriptTagAsync(new() { Content = await File.ReadAllTextAsync(Axe, TestContext.Current.CancellationToken) });
        var found = await page.EvaluateAsync<JsonElement>("axe.run(document, { resultTypes: ['violations'] })");
        var serious = found.GetProperty("violations").EnumerateArray()
            .Where(v => v.GetProperty("impact").GetString() is "serious" or "critical")
            .Select(v => $"{v.GetProperty("id").GetString()}: {v.GetProperty("help").GetString()}\n"
                + string.Join('\n', v.GetProperty("nodes").EnumerateArray().Take(4).Select(n => $"  {n.GetProperty("html").GetString()}\n  {n.GetProperty("failureSummary").GetString()}")));
        Assert.True(found.GetProperty("passes").GetArrayLength() > 5, "axe has looked at the page");
        Assert.True(!serious.Any(), string.Join('\n', serious));
    }
}
