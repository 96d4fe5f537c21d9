// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Teravox.Web.Tests;

/// <summary>Scores of one experiment and of two beside each other.</summary>
public sealed class ScoreTests(Site site)
{
    private string Place => string.Create(CultureInfo.InvariantCulture, $"#/experiments/{site.FirstId}/scores");

    [Fact]
    public Task Table_WhenItsHeadsAreClicked_SortsBothWays() => site.VisitAsync(Place, async page =>
    {
        var table = page.Locator("table.scores");
        var names = table.Locator("tbody th");
        var head = table.GetByRole(AriaRole.Columnheader, new() { Name = "Class", Exact = true });
        await Expect(names).ToHaveCountAsync(8);

        await head.GetByRole(AriaRole.Button).ClickAsync();
        await Expect(head).ToHaveAttributeAsync("aria-sort", "ascending");
        Assert.Equal((await names.AllInnerTextsAsync()).Order(StringComparer.OrdinalIgnoreCase), await names.AllInnerTextsAsync());

        var f1 = table.GetByRole(AriaRole.Columnheader, new() { Name = "F1", Exact = true }).First;
        await f1.GetByRole(AriaRole.Button).ClickAsync();
        await Expect(f1).ToHaveAttributeAsync("aria-sort", "descending");
        var scores = (await table.Locator("tbody tr td:nth-child(3)").AllInnerTextsAsync()).Select(Number).ToList();
        Assert.Equal(scores.OrderDescending(), scores);
    });

    [Fact]
    public async Task Table_WhenOpened_HasTheScoresOfTheApiAndThosePublished()
    {
        using var client = site.Silo.Client();
        var report = await client.Experiments.ScoresAsync(site.FirstId, TestContext.Current.CancellationToken);
        var published = report.Published!.Single(p => p.Prediction == report.Predictions[0].Name);
        await site.VisitAsync(Place, async page =>
        {
            foreach (var score in report.Predictions[0].Classes)
            {
                var row = page.Locator("table.scores tbody tr", new() { Has = page.GetByRole(AriaRole.Button, new() { Name = score.Name, Exact = true }) });
                await Expect(row.Locator("td").Nth(1)).ToHaveTextAsync(score.F1!.Value.ToString("F4", CultureInfo.InvariantCulture));
                await Expect(row.Locator("td").Nth(2)).ToHaveTextAsync(published.F1[score.Id]!.Value.ToString("F4", CultureInfo.InvariantCulture));
            }

            await Expect(page.Locator("table.scores caption")).ToContainTextAsync(published.Source);
        });
    }

    [Fact]
    public Task Table_WhenAnotherIsChosenBeside_ShowsTheDifference() => site.VisitAsync(Place, async page =>
    {
        await page.GetByRole(AriaRole.Combobox, new() { Name = "Compare with", Exact = true }).SelectOptionAsync(site.SecondId.ToString(CultureInfo.InvariantCulture));
        await Expect(page.Locator("table.scores caption")).ToContainTextAsync(Site.Second);
        var row = page.Locator("table.scores tbody tr").First.Locator("td");
        var (mine, other, difference) = (Number(await row.Nth(1).InnerTextAsync()), Number(await row.Nth(2).InnerTextAsync()), Number(await row.Nth(3).InnerTextAsync()));
        Assert.Equal(mine - other, difference, 0.00021);
    });

    [Fact]
    public Task Curves_WhenAClassIsChosen_AreDrawnForIt() => site.VisitAsync(Place, async page =>
    {
        var panel = page.GetByRole(AriaRole.Region, new() { Name = "F1 against the threshold" });
        await Pixels.ExpectDrawnAsync(panel.Locator("canvas"));
        var link = page.Locator("table.scores tbody").GetByRole(AriaRole.Button).Last;
        var name = await link.InnerTextAsync();
        await link.ClickAsync();
        await Expect(panel.GetByRole(AriaRole.Img)).ToHaveAttributeAsync("aria-label", new System.Text.RegularExpressions.Regex($"for {name}\\."));
        await Expect(panel.GetByRole(AriaRole.Combobox, new() { Name = "Class", Exact = true }).Locator("option:checked")).ToHaveTextAsync(name);
    });

    [Fact]
    public Task Shares_OfTheClasses_AddUpInBothRegions() => site.VisitAsync(Place, async page =>
    {
        var rows = page.GetByRole(AriaRole.Region, new() { Name = "Class shares" }).Locator("tbody tr");
        await Expect(rows).ToHaveCountAsync(8);
        foreach (var column in (int[])[1, 3])
        {
            var shares = (await rows.Locator($"td.number:nth-of-type({column})").AllInnerTextsAsync()).Select(t => Number(t.Replace("<", "", StringComparison.Ordinal).Replace("%", "", StringComparison.Ordinal).Trim()));
            Assert.Equal(100, shares.Sum(), 0.5);
        }
    });

    [Fact]
    public Task Confusion_WhenTheUnitIsSwitched_ShowsVoxelsInsteadOfShares() => site.VisitAsync(Place, async page =>
    {
        var panel = page.GetByRole(AriaRole.Region, new() { Name = "Confusion matrix" });
        var cells = panel.Locator("tbody td");
        await Expect(cells).ToHaveCountAsync(64);
        await Expect(cells.First).ToContainTextAsync("%");
        await panel.GetByRole(AriaRole.Button, new() { Name = "voxels" }).ClickAsync();
        await Expect(cells.First).Not.ToContainTextAsync("%");
        var voxels = (await cells.AllInnerTextsAsync()).Sum(t => long.Parse(string.Concat(t.Where(char.IsAsciiDigit)), CultureInfo.InvariantCulture));
        Assert.InRange(voxels, 1, Specs.Depth * Specs.Side * Specs.Side);
    });

    [Fact]
    public Task Compare_OfTwoExperiments_ShowsScoresCurvesAndSettings() => site.VisitAsync($"#/compare?a={site.FirstId}&b={site.SecondId}", async page =>
    {
        var scores = page.GetByRole(AriaRole.Region, new() { Name = "F1 of the test region" });
        await Expect(scores.Locator("tbody tr")).ToHaveCountAsync(8);
        await Pixels.ExpectDrawnAsync(page.GetByRole(AriaRole.Region, new() { Name = "F1 against the threshold" }).Locator("canvas"));
        var settings = page.GetByRole(AriaRole.Region, new() { Name = "Settings that differ" });
        await Expect(settings.GetByRole(AriaRole.Rowheader, new() { Name = "training.iterations" })).ToBeVisibleAsync();

        await page.GetByRole(AriaRole.Button, new() { Name = "Swap" }).ClickAsync();
        await Expect(page.Locator(".both").First).ToContainTextAsync(Site.Second);
    });

    private static double Number(string text) =>
        double.TryParse(text.Replace('−', '-').Replace("±", "", StringComparison.Ordinal), CultureInfo.InvariantCulture, out var value) ? value : double.NegativeInfinity;
}
