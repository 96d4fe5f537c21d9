// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using Teravox.Contracts.Api;
using static Microsoft.Playwright.Assertions;

namespace Teravox.Web.Tests;

/// <summary>A campaign of two values of two fields.</summary>
public sealed class CampaignTests(Site site)
{
    private const string Place = "#/campaigns/" + Site.Campaign;

    [Fact]
    public async Task Table_WhenTheRunsHaveEnded_HasTheScoresOfEveryCell()
    {
        var campaign = await site.Campaigned;
        var cells = campaign.Table.Where(r => r.Class == "mean").ToList();
        Assert.Equal(4, cells.Count);
        await site.VisitAsync(Place, async page =>
        {
            var table = page.GetByRole(AriaRole.Region, new() { Name = "Summary" });
            await ExpectTableAsync(campaign, table, cells);

            var chosen = campaign.Table.First(r => r.Class != "mean").Class;
            await Choose(page, "Class").SelectOptionAsync(chosen);
            await ExpectTableAsync(campaign, table, [.. campaign.Table.Where(r => r.Class == chosen)]);

            await table.GetByRole(AriaRole.Button, new() { Name = "Mean F1" }).ClickAsync();
            var scores = (await table.Locator("tbody tr td:nth-child(4)").AllInnerTextsAsync()).Select(s => double.Parse(s, CultureInfo.InvariantCulture)).ToList();
            Assert.Equal(scores.OrderDescending(), scores);
        });
    }

    [Fact]
    public async Task Table_AsCsv_IsDownloadedWhole()
    {
        await site.Campaigned;
        using var client = site.Silo.Client();
        var table = await client.Campaigns.TableAsync(Site.Campaign, TestContext.Current.CancellationToken);
        await site.VisitAsync(Place, async page =>
        {
            var download = await page.RunAndWaitForDownloadAsync(() => page.GetByRole(AriaRole.Link, new() { Name = "Table as CSV" }).ClickAsync());
            Assert.Equal(Site.Campaign + ".csv", download.SuggestedFilename);
            Assert.Equal(table, await File.ReadAllTextAsync(await download.PathAsync(), TestContext.Current.CancellationToken));
        });
    }

    [Fact]
    public async Task Plot_OverTheGrid_IsDrawnForTheFieldThatIsChosen()
    {
        var (across, lines) = ("training.iterations", "network.fMaps");
        await site.Campaigned;
        await site.VisitAsync(Place, async page =>
        {
            foreach (var field in (string[])[across, lines])
            {
                await Choose(page, "x axis").SelectOptionAsync(field);
                var plot = page.GetByRole(AriaRole.Region, new() { Name = $"F1 over {field}" });
                await Pixels.ExpectDrawnAsync(plot.Locator("canvas"), colours: 10);
                // A line for each value of the other field.
                var other = field == across ? lines : across;
                await Expect(plot.GetByRole(AriaRole.Img)).ToHaveAttributeAsync("aria-label", new Regex($"F1 of mean over {Regex.Escape(field)}: {Regex.Escape(other)} \\d+: .*; {Regex.Escape(other)} \\d+: "));
            }
        });
    }

    [Fact]
    public async Task List_OfCampaigns_LeadsOverItsExperimentsToOneRun()
    {
        var runs = (await site.Campaigned).Experiments;
        await site.VisitAsync("#/campaigns", async page =>
        {
            await page.GetByRole(AriaRole.Row, new() { Name = Site.Campaign }).GetByRole(AriaRole.Link, new() { Name = "experiments" }).ClickAsync();
            var rows = page.Locator("table.experiments tbody tr");
            await Expect(rows).ToHaveCountAsync(4);
            Assert.Equal(runs.OrderByDescending(r => r.Id).Select(r => r.Name), await rows.GetByRole(AriaRole.Rowheader).AllInnerTextsAsync());

            await Choose(page, "State").SelectOptionAsync("failed");
            await Expect(page.GetByText("No experiment is like this.")).ToBeVisibleAsync();
            await Choose(page, "State").SelectOptionAsync("succeeded");
            await Expect(rows).ToHaveCountAsync(4);
            await page.GetByLabel("Name contains").FillAsync("-003");
            await Expect(rows).ToHaveCountAsync(1);

            var run = runs.Single(r => r.Name.EndsWith("-003", StringComparison.Ordinal));
            await rows.GetByRole(AriaRole.Link, new() { Name = run.Name }).ClickAsync();
            await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync($"{run.Name} · {run.Id}");
            foreach (var (field, value) in run.Parameters!)
                await Expect(page.Locator(".facts").First).ToContainTextAsync($"{field} {value}");

            // And back by the experiment's own link.
            await page.Locator(".facts").GetByRole(AriaRole.Link, new() { Name = Site.Campaign }).ClickAsync();
            await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync(Site.Campaign);
        });
    }

    /// <summary>A row for each cell of the grid: the fields' values, the runs, the mean.</summary>
    private static async Task ExpectTableAsync(CampaignInfo campaign, ILocator table, IReadOnlyList<CampaignRow> cells)
    {
        var rows = table.Locator("tbody tr");
        await Expect(rows).ToHaveTextAsync([.. cells.Select(cell => new Regex(
            string.Join("\\s*", [.. campaign.Fields.Select(f => cell.Parameters[f].ToString()), "1", cell.Mean!.Value.ToString("F4", CultureInfo.InvariantCulture)]).Replace(".", "\\.", StringComparison.Ordinal)))]);
    }

    private static ILocator Choose(IPage page, string label) => page.GetByRole(AriaRole.Combobox, new() { Name = label, Exact = true });
}
