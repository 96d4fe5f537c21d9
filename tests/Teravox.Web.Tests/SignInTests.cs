// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Teravox.Web.Tests;

/// <summary>A silo with keys: who may come in, and what they may do.</summary>
public sealed class SignInTests(Site site, OwnSiloWithKeys own) : IClassFixture<OwnSiloWithKeys>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Page_WithoutAKey_AsksForOneAndKeepsItOutOfAddresses()
    {
        var silo = await own.AliveAsync();
        var asked = new ConcurrentBag<string>();
        await site.Chromium.VisitAsync(silo.Url, "#/cluster", async page =>
        {
            page.Request += (_, request) => asked.Add(request.Url);
            await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Sign in" })).ToBeVisibleAsync();
            await Expect(page.GetByRole(AriaRole.Navigation)).ToHaveCountAsync(0);

            await page.GetByLabel("API key").FillAsync(KeyThatIsNone);
            await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
            await Expect(page.GetByRole(AriaRole.Alert)).ToHaveTextAsync("This key is not valid.");

            await page.GetByLabel("API key").FillAsync(silo.Secret("ann"));
            await page.Keyboard.PressAsync("Enter");
            // The address led to the cluster, and does so now.
            await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Cluster" })).ToBeVisibleAsync();
            await Expect(page.Locator(".who")).ToHaveTextAsync("ann · operator");
            var cookie = Assert.Single(await page.Context.CookiesAsync());
            Assert.Equal(("teravox", true, SameSiteAttribute.Strict), (cookie.Name, cookie.HttpOnly, cookie.SameSite));
            Assert.Equal("", await page.EvaluateAsync<string>("document.cookie"));

            await page.ReloadAsync();
            await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Cluster" })).ToBeVisibleAsync();
            Assert.DoesNotContain(asked.Append(page.Url), url => url.Contains("tvx_", StringComparison.Ordinal));
            Assert.DoesNotContain("tvx_", await page.EvaluateAsync<string>("JSON.stringify([{ ...localStorage }, { ...sessionStorage }])"), StringComparison.Ordinal);

            await page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
            await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Sign in" })).ToBeVisibleAsync();
            Assert.Empty(await page.Context.CookiesAsync());
        }, expected: Refused);
    }

    [Fact]
    public async Task Reader_WhenSignedIn_SeesWithoutSteering()
    {
        var silo = await own.AliveAsync();
        using var client = silo.Client("ann");
        var made = await client.Experiments.SubmitAsync(Specs.Endless("long"), ct: Ct);
        await site.Chromium.VisitAsync(silo.Url, $"#/experiments/{made.Id}", async page =>
        {
            await SignInAsync(page, silo.Secret("bob"));
            await Expect(page.Locator(".title .chip")).ToHaveTextAsync("running");
            await Expect(page.GetByRole(AriaRole.Link, new() { Name = "Compare…" })).ToBeVisibleAsync();
            foreach (var steering in (string[])["Pause", "Cancel…"])
                await Expect(page.GetByRole(AriaRole.Button, new() { Name = steering })).ToHaveCountAsync(0);

            await page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
            await SignInAsync(page, silo.Secret("ann"));
            await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Pause" })).ToBeVisibleAsync();
        }, expected: Refused);
        await client.Experiments.CancelAsync(made.Id, Ct);
    }

    [Fact]
    public async Task Reader_AtTheUpload_IsNotOfferedIt()
    {
        var silo = await own.AliveAsync();
        await site.Chromium.VisitAsync(silo.Url, "", async page =>
        {
            await SignInAsync(page, silo.Secret("bob"));
            await Expect(page.GetByRole(AriaRole.Note)).ToContainTextAsync("not upload");
            await Expect(page.Locator("input[type=file]")).ToHaveCountAsync(0);
        }, expected: Refused);
    }

    [Fact]
    public async Task SignIn_WhenAKeyIsWrong_HasNoSeriousFinding()
    {
        Axe.Require();
        var silo = await own.AliveAsync();
        await site.Chromium.VisitAsync(silo.Url, "", async page =>
        {
            await SignInAsync(page, KeyThatIsNone);
            await Expect(page.GetByRole(AriaRole.Alert)).ToBeVisibleAsync();
            await Axe.ExpectNoneAsync(page);
        }, expected: Refused);
    }

    [Fact]
    public async Task Page_WhenItsKeyIsRevoked_AsksForAnotherInPlace()
    {
        var silo = await own.AliveAsync();
        using var client = silo.Client("ann");
        await site.Chromium.VisitAsync(silo.Url, "#/cluster", async page =>
        {
            await SignInAsync(page, silo.Secret("eve"));
            await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Cluster" })).ToBeVisibleAsync();
            await client.Keys.RevokeAsync("eve", Ct);
            await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Sign in" })).ToBeVisibleAsync();
            await SignInAsync(page, silo.Secret("ann"));
            await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Cluster" })).ToBeVisibleAsync();
        }, expected: Refused);
    }

    /// <summary>A key as keys look, which nobody made.</summary>
    private static string KeyThatIsNone => Grains.Catalog.KeySecret.Make();

    private static async Task SignInAsync(IPage page, string secret)
    {
        await page.GetByLabel("API key").FillAsync(secret);
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
    }

    /// <summary>What a browser writes on its console of an answer 401, which these tests bring about.</summary>
    private static bool Refused(string line) => line.Contains("401", StringComparison.Ordinal);
}
