// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Teravox.Web.Tests;

/// <summary>The list of experiments, and what the page of one says of how it went.</summary>
public sealed class ExperimentTests(Site site)
{
    private string Place => string.Create(CultureInfo.InvariantCulture, $"#/experiments/{site.FirstId}");

    [Fact]
    public Task List_WhenOpened_ShowsExperimentsWithTheirStates() => site.VisitAsync("#/experiments", async page =>
    {
        foreach (var (name, id) in ((string, long)[])[(Site.First, site.FirstId), (Site.Second, site.SecondId)])
        {
            var row = Row(page, name);
            await Expect(row.Locator(".chip")).ToHaveTextAsync("succeeded");
            await Expect(row.GetByRole(AriaRole.Link, new() { Name = name })).ToHaveAttributeAsync("href", $"#/experiments/{id}");
        }
    });

    [Fact]
    public Task List_WhenFilteredByState_ShowsOnlyThose() => site.VisitAsync("#/experiments", async page =>
    {
        await Expect(Row(page, Site.First)).ToBeVisibleAsync();
        await State(page).SelectOptionAsync("failed");
        await Expect(page.GetByText("No experiment is like this.")).ToBeVisibleAsync();
        Assert.Contains("state=failed", page.Url, StringComparison.Ordinal);

        await page.ReloadAsync();
        await Expect(State(page)).ToHaveValueAsync("failed");
        await page.GetByRole(AriaRole.Button, new() { Name = "Clear" }).ClickAsync();
        await Expect(Row(page, Site.First)).ToBeVisibleAsync();
    });

    [Fact]
    public Task List_WhenANameIsTyped_ShowsOnlyThose() => site.VisitAsync("#/experiments", async page =>
    {
        await Expect(Row(page, Site.First)).ToBeVisibleAsync();
        await page.GetByLabel("Name contains").FillAsync("SYNAP");
        await Expect(Row(page, Site.First)).ToBeHiddenAsync();
        await Expect(Row(page, Site.Second)).ToBeVisibleAsync();
    });

    [Fact]
    public Task List_WhenTwoAreTicked_LeadsToTheirComparison() => site.VisitAsync("#/experiments", async page =>
    {
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Compare two" })).ToBeDisabledAsync();
        await page.GetByLabel($"Compare experiment {site.FirstId}", new() { Exact = true }).CheckAsync();
        await page.GetByLabel($"Compare experiment {site.SecondId}", new() { Exact = true }).CheckAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = $"Compare {site.FirstId} and {site.SecondId}" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Compare", Level = 1 })).ToBeVisibleAsync();
        Assert.EndsWith($"#/compare?a={site.FirstId}&b={site.SecondId}", page.Url, StringComparison.Ordinal);
    });

    [Fact]
    public async Task Overview_OfAFinishedExperiment_ShowsEveryStageInTheGraphAndInTheList()
    {
        using var client = Client();
        var stages = (await client.Experiments.ProgressAsync(site.FirstId, TestContext.Current.CancellationToken)).Stages;
        await site.VisitAsync(Place, async page =>
        {
            await Expect(page.Locator("svg.dag .node")).ToHaveCountAsync(stages.Count);
            await Expect(page.Locator("svg.dag .edge")).ToHaveCountAsync(stages.Sum(s => s.After.Count));
            await page.GetByText("All stages as a list").ClickAsync();
            foreach (var stage in stages)
                await Expect(page.Locator("table.stages tbody tr", new() { Has = page.GetByRole(AriaRole.Rowheader, new() { Name = stage.Name, Exact = true }) }).Locator(".chip")).ToHaveTextAsync("done");
        });
    }

    [Fact]
    public Task Overview_OfAFinishedExperiment_HasItsWholeLog() => site.VisitAsync(Place, async page =>
    {
        var panel = page.GetByRole(AriaRole.Region, new() { Name = "Log" });
        await Expect(panel.Locator(".live")).ToHaveTextAsync("complete");
        await Expect(panel.Locator(".log li").First).ToBeVisibleAsync();
        await Expect(panel.Locator(".log li.experiment, .log li").Last).ToContainTextAsync("succeeded");
    });

    [Fact]
    public Task Overview_OfAFinishedExperiment_DrawsTheLossOfEveryNetwork() => site.VisitAsync(Place, async page =>
    {
        var panel = page.GetByRole(AriaRole.Region, new() { Name = "Training loss" });
        await Expect(panel.Locator("tbody tr")).ToHaveCountAsync(9);
        await Expect(panel.GetByRole(AriaRole.Row, new() { Name = "multiclass" })).ToContainTextAsync("40 / 40");
        await Pixels.ExpectDrawnAsync(panel.Locator("canvas"));
        await panel.GetByRole(AriaRole.Button, new() { Name = "log" }).ClickAsync();
        await Expect(panel.GetByRole(AriaRole.Button, new() { Name = "log" })).ToHaveAttributeAsync("aria-pressed", "true");
    });

    [Fact]
    public Task Files_OfAFinishedExperiment_AreDownloadedWhole() => site.VisitAsync(Place + "/files", async page =>
    {
        foreach (var (name, begin) in ((string, string)[])[("scores.csv", "prediction"), ("confusion.csv", "prediction"), ("Spec", "{")])
        {
            var download = await page.RunAndWaitForDownloadAsync(() => page.GetByRole(AriaRole.Link, new() { Name = name, Exact = true }).ClickAsync());
            Assert.Null(await download.FailureAsync());
            var text = await File.ReadAllTextAsync(await download.PathAsync(), TestContext.Current.CancellationToken);
            Assert.StartsWith(begin, text.TrimStart('\uFEFF'), StringComparison.OrdinalIgnoreCase);
        }

        var model = await page.RunAndWaitForDownloadAsync(() => page.GetByRole(AriaRole.Link, new() { Name = "multiclass.safetensors" }).ClickAsync());
        Assert.True(new FileInfo(await model.PathAsync()).Length > 1000, "the network is more than a header");
    });

    [Fact]
    public Task Files_OfAFinishedExperiment_GiveLinesForOtherPrograms() => site.VisitAsync(Place + "/files", async page =>
    {
        var panel = page.GetByRole(AriaRole.Region, new() { Name = "Volumes as OME-Zarr" });
        await Expect(panel.GetByText($"napari --plugin napari-ome-zarr {site.Silo.Url}api/v1/experiments/{site.FirstId}/views/raw")).ToBeVisibleAsync();

        // Other programs find a volume at every one of these addresses.
        using var http = new HttpClient();
        foreach (var line in await panel.GetByText("napari --plugin").AllInnerTextsAsync())
        {
            var attributes = await http.GetStringAsync(line.Split(' ')[^1] + "/.zattrs", TestContext.Current.CancellationToken);
            Assert.Contains("multiscales", attributes, StringComparison.Ordinal);
        }

        await panel.GetByRole(AriaRole.Button, new() { Name = "Python" }).ClickAsync();
        await Expect(panel.GetByText("import zarr").First).ToBeVisibleAsync();
    });

    [Fact]
    public Task Page_OfAnExperimentThatIsNotThere_SaysSo() => site.Chromium.VisitAsync(
        site.Silo.Url, "#/experiments/999999",
        async page => await Expect(page.GetByRole(AriaRole.Alert).First).ToContainTextAsync("999999"),
        expected: text => text.Contains("404", StringComparison.Ordinal));

    private static ILocator State(IPage page) => page.GetByRole(AriaRole.Combobox, new() { Name = "State", Exact = true });

    private static ILocator Row(IPage page, string name) => page.Locator("table.experiments tbody tr", new() { HasText = name });

    private Client.TeravoxClient Client() => site.Silo.Client();
}
