// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Teravox.Web.Tests;

/// <summary>Lists and logs that are longer than what is shown of them at first.</summary>
public sealed class ListTests(Site site, OwnSilo own) : IClassFixture<OwnSilo>
{
    private const string Name = "crowd";

    /// <summary>Experiments that there are, and what a page of their list and of a log holds.</summary>
    private const int Crowd = 130, Page = 100, Lines = 300;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Experiments_ThatAreMoreThanAPage_ComePageByPageEachOnce()
    {
        var silo = await CrowdedAsync();
        using var client = silo.Client();
        await site.Chromium.VisitAsync(silo.Url, "#/experiments", async page =>
        {
            // The page looks every ten seconds for what is new; its clock is put forward instead of waiting.
            await page.Clock.InstallAsync();
            await page.ReloadAsync();
            var rows = page.Locator("table.experiments tbody tr");
            var foot = page.Locator(".more").GetByRole(AriaRole.Status);
            await Expect(rows).ToHaveCountAsync(Page);
            await Expect(foot).ToHaveTextAsync($"{Page} experiments shown; there are more");
            Assert.Equal((await NumbersAsync(silo)).Take(Page), await ShownAsync(rows));

            // What comes meanwhile pushes the first page down by one.
            var made = await client.Experiments.SubmitAsync(Specs.Endless("newest"), ct: Ct);
            await client.Experiments.CancelAsync(made.Id, Ct);
            await page.Clock.FastForwardAsync(11_000);
            await Expect(rows.First).ToContainTextAsync("newest");

            await page.GetByRole(AriaRole.Button, new() { Name = "Show more" }).ClickAsync();
            await Expect(foot).ToHaveTextAsync(new Regex("^\\d+ experiments$"));
            Assert.Equal(await NumbersAsync(silo), await ShownAsync(rows));
            await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Show more" })).ToHaveCountAsync(0);
        });
    }

    [Fact]
    public async Task Experiments_WhenANameIsTypedThatIsNotOnTheFirstPage_AreSearchedThrough()
    {
        var silo = await CrowdedAsync();
        await site.Chromium.VisitAsync(silo.Url, "#/experiments", async page =>
        {
            var rows = page.Locator("table.experiments tbody tr");
            await Expect(rows).ToHaveCountAsync(Page);
            await page.GetByLabel("Name contains").FillAsync(Name + "-002");
            await Expect(rows).ToHaveCountAsync(1);
            await Expect(rows).ToContainTextAsync(Name + "-002");
            // It waits for what no silo has.
            await Expect(rows.GetByText("blocked")).ToHaveAttributeAsync("title", new Regex("rack=none"));
        });
    }

    [Fact]
    public async Task Log_OfManyLines_ShowsTheNewestFirstAndTheRestWhenAsked()
    {
        var silo = await CrowdedAsync();
        using var client = silo.Client();
        var id = (await NumbersAsync(silo))[^1];
        for (var i = 0; i < Lines / 2; i++)
        {
            await client.Experiments.PauseAsync(id, Ct);
            await client.Experiments.ResumeAsync(id, Ct);
        }

        // What is cancelled writes no more.
        await client.Experiments.CancelAsync(id, Ct);
        await site.Chromium.VisitAsync(silo.Url, string.Create(CultureInfo.InvariantCulture, $"#/experiments/{id}"), async page =>
        {
            var lines = page.Locator(".log li .text");
            await Expect(page.Locator(".live")).ToHaveTextAsync("complete");
            await Expect(lines).ToHaveCountAsync(Lines);
            var written = await LiveTests.EventsAsync(silo, id);
            Assert.Equal(written.TakeLast(Lines), Trimmed(await lines.AllInnerTextsAsync()));
            await page.Locator(".log").ScrollIntoViewIfNeededAsync();
            await Expect(lines.Last).ToBeInViewportAsync();
            await Expect(lines.First).Not.ToBeInViewportAsync();

            await page.GetByRole(AriaRole.Button, new() { Name = $"Show earlier lines ({written.Count - Lines})" }).ClickAsync();
            await Expect(lines).ToHaveCountAsync(written.Count);
            Assert.Equal(written, Trimmed(await lines.AllInnerTextsAsync()));
        });
    }

    private static IEnumerable<string> Trimmed(IEnumerable<string> lines) => lines.Select(line => line.Trim());

    /// <summary>The class's silo with the crowd on it, which is made once.</summary>
    private async Task<LiveSilo> CrowdedAsync()
    {
        var silo = await own.AliveAsync();
        using var client = silo.Client();
        await client.Campaigns.SubmitAsync(Specs.Crowd(Name, Crowd), Ct);
        return silo;
    }

    /// <summary>The numbers of all experiments, from the newest.</summary>
    private static async Task<IReadOnlyList<long>> NumbersAsync(LiveSilo silo)
    {
        using var client = silo.Client();
        return await client.Experiments.ListAsync(ct: Ct).Select(e => e.Id).OrderDescending().ToListAsync(Ct);
    }

    private static async Task<IReadOnlyList<long>> ShownAsync(ILocator rows) =>
        [.. (await rows.Locator("td:nth-child(2)").AllInnerTextsAsync()).Select(n => long.Parse(n, CultureInfo.InvariantCulture))];
}
