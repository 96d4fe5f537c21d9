// SPDX-License-Identifier: Apache-2.0
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Teravox.Web.Tests;

/// <summary>What a clean browser is sent before anybody has clicked.</summary>
public sealed class FirstLoadTests(Site site)
{
    private const string Policy =
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; " +
        "worker-src 'self' blob:; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private const string Loaded = "[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]";

    [Theory]
    [InlineData("")]
    [InlineData("#/experiments")]
    [InlineData("#/experiments/1")]
    [InlineData("#/experiments/1/scores")]
    [InlineData("#/cluster")]
    public Task FirstLoad_OfAPage_IsBelow500KilobytesCompressed(string place) => site.VisitAsync(place, async page =>
    {
        await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToBeVisibleAsync();
        await page.WaitForLoadStateAsync(LoadState.NetworkIdle);

        var sent = await page.EvaluateAsync<int>($"{Loaded}.reduce((bytes, entry) => bytes + entry.transferSize, 0)");
        var scripts = await page.EvaluateAsync<string[]>($"{Loaded}.map((entry) => entry.name).filter((name) => name.endsWith('.js'))");
        Assert.NotEmpty(scripts);
        Assert.InRange(sent, 10_000, 499_999);
    });

    [Fact]
    public Task FirstLoad_OfScripts_IsCompressed() => site.VisitAsync("", async page =>
    {
        await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToBeVisibleAsync();
        var unpacked = await page.EvaluateAsync<string[]>(
            $"{Loaded}.filter((e) => /\\.(js|css)$/.test(e.name) && e.decodedBodySize > 2000 && e.encodedBodySize >= e.decodedBodySize).map((e) => e.name)");
        Assert.Empty(unpacked);
    });

    [Fact]
    public Task Page_WhenAskedFor_ComesWithTheStrictPolicy() => site.VisitAsync("", async page =>
    {
        var answer = await page.GotoAsync(site.Silo.Url.ToString());
        var headers = await answer!.AllHeadersAsync();
        Assert.Equal(Policy, headers["content-security-policy"]);
    });

    /// <summary>Guards all the others: a violation must reach the console, where the witness hears it.</summary>
    [Fact]
    public async Task Page_WhenItAsksAnotherHost_IsStoppedAndHeard()
    {
        Chromium.Require();
        var failure = await Assert.ThrowsAnyAsync<Xunit.Sdk.XunitException>(() => site.VisitAsync("", async page =>
        {
            var refused = page.WaitForConsoleMessageAsync(new() { Predicate = m => m.Type == "error" });
            await page.EvaluateAsync("fetch('http://teravox.invalid/').catch(() => 0)");
            await refused;
        }));
        Assert.Contains("Content Security Policy", failure.Message, StringComparison.Ordinal);
    }
}
