// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Microsoft.Playwright;
using Teravox.Client;
using Teravox.Contracts.Api;
using static Microsoft.Playwright.Assertions;

namespace Teravox.Web.Tests;

/// <summary>Experiments that run while they are looked at.</summary>
public sealed class LiveTests(Site site, OwnSilo own) : IClassFixture<OwnSilo>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public Task Steering_OfARunningExperiment_PausesResumesAndCancels() => WhileOneTrainsAsync(async (_, client, made, page) =>
    {
        await Button(page, "Pause").ClickAsync();
        await ExpectStateAsync(page, "paused");
        Assert.Equal("paused", (await client.Experiments.FindAsync(made.Id, Ct))!.State);

        await Button(page, "Resume").ClickAsync();
        await ExpectStateAsync(page, "running");

        await Button(page, "Cancel…").ClickAsync();
        var question = page.GetByRole(AriaRole.Dialog);
        await Expect(question.GetByRole(AriaRole.Button, new() { Name = "No" })).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("Escape");
        await Expect(question).ToHaveCountAsync(0);
        await ExpectStateAsync(page, "running");

        await Button(page, "Cancel…").ClickAsync();
        await question.GetByRole(AriaRole.Button, new() { Name = "Cancel the experiment" }).ClickAsync();
        await ExpectStateAsync(page, "cancelled");
        await Expect(Button(page, "Pause")).ToHaveCountAsync(0);
        Assert.Equal("cancelled", (await client.Experiments.FindAsync(made.Id, Ct))!.State);
    });

    [Fact]
    public Task Overview_WhileItTrains_ShowsWhatRunsAndItsLoss() => WhileOneTrainsAsync(async (_, _, made, page) =>
    {
        var running = page.GetByRole(AriaRole.Region, new() { Name = "Running now" });
        await Expect(running.GetByRole(AriaRole.Row, new() { Name = "train-multiclass" })).ToBeVisibleAsync();
        await Expect(page.Locator("svg.dag .node.running")).ToContainTextAsync("train-multiclass");
        await Pixels.ExpectDrawnAsync(page.GetByRole(AriaRole.Region, new() { Name = "Training loss" }).Locator("canvas"));

        // The cluster says the same of the silo.
        await page.GetByRole(AriaRole.Link, new() { Name = "Cluster" }).ClickAsync();
        var work = page.GetByRole(AriaRole.Region, new() { Name = "Silos" }).GetByRole(AriaRole.Row, new() { Name = "train-multiclass" });
        await Expect(work.GetByRole(AriaRole.Link)).ToHaveAttributeAsync("href", $"#/experiments/{made.Id}");
        await Expect(work).ToContainTextAsync("cpu");
    });

    [Fact]
    public Task Log_WhenTheSiloIsKilledAndStartedAgain_GoesOnBehindWhatItHas() => WhileOneTrainsAsync(async (silo, client, made, page) =>
    {
        var panel = page.GetByRole(AriaRole.Region, new() { Name = "Log" });
        await Expect(panel.Locator(".live")).ToHaveTextAsync("live");
        await Expect(panel.Locator(".log li").First).ToBeVisibleAsync();

        await silo.KillAsync();
        await Expect(panel.Locator(".live")).ToHaveTextAsync("connection broken, trying again");
        await Expect(page.GetByRole(AriaRole.Alert).First).ToContainTextAsync("This is not up to date");
        await silo.StartAgainAsync();
        await Expect(panel.Locator(".live")).ToHaveTextAsync("live");
        await Expect(page.GetByRole(AriaRole.Alert)).ToHaveCountAsync(0);

        await client.Experiments.PauseAsync(made.Id, Ct);
        await Expect(panel.Locator(".log li").Last).ToContainTextAsync("paused");
        // None is missing and none is there twice.
        var shown = await panel.Locator(".log li .text").AllInnerTextsAsync();
        var written = await EventsAsync(silo, made.Id);
        Assert.Equal(written.Take(shown.Count), shown.Select(text => text.Trim()));
    }, expected: IsBroken);

    [Fact]
    public async Task Page_WhenTheSiloIsDown_SaysSoAndTriesAgain()
    {
        var silo = await own.AliveAsync();
        await site.Chromium.VisitAsync(silo.Url, "#/volumes", async page =>
        {
            await Expect(page.GetByText("There is no volume yet.")).ToBeVisibleAsync();
            await silo.KillAsync();
            await page.GetByRole(AriaRole.Link, new() { Name = "Campaigns" }).ClickAsync();
            var again = Button(page, "Try again");
            await Expect(again.First).ToBeVisibleAsync();
            await silo.StartAgainAsync();
            await again.First.ClickAsync();
            await Expect(again).ToHaveCountAsync(0);
        }, expected: IsBroken);
    }

    [Fact]
    public async Task Retry_WhenTheCauseIsMended_RunsWhatFailedAgain()
    {
        var silo = await own.AliveAsync();
        using var client = silo.Client();
        // A section that breaks off behind its header is found when it is read, not before.
        var folder = Path.Combine(silo.Root, "nerve");
        Stacks.Write(folder);
        var section = Path.Combine(folder, "raw", "003.png");
        var whole = await File.ReadAllBytesAsync(section, Ct);
        await File.WriteAllBytesAsync(section, whole[..(whole.Length / 2)], Ct);
        var made = await client.Experiments.SubmitAsync(Specs.Of("nerve", "nerve"), ct: Ct);

        await site.Chromium.VisitAsync(silo.Url, $"#/experiments/{made.Id}", async page =>
        {
            await ExpectStateAsync(page, "failed");
            var failures = page.GetByRole(AriaRole.Region, new() { Name = "Failures" });
            await Expect(failures).ToContainTextAsync("003.png");
            await Expect(page.Locator("svg.dag .node.failed")).ToContainTextAsync("import");

            await page.GetByRole(AriaRole.Link, new() { Name = "Cluster" }).ClickAsync();
            var recent = page.GetByRole(AriaRole.Region, new() { Name = "Recent failures" });
            await Expect(recent).ToContainTextAsync("003.png");
            await recent.GetByRole(AriaRole.Link, new() { Name = "nerve" }).ClickAsync();

            // In vain while the section is broken.
            await Button(page, "Retry").ClickAsync();
            await Expect(page.Locator(".log li.parked", new() { HasText = "003.png" })).ToHaveCountAsync(2);
            await ExpectStateAsync(page, "failed");

            await File.WriteAllBytesAsync(section, whole, Ct);
            await Button(page, "Retry").ClickAsync();
            await ExpectStateAsync(page, "succeeded");
            await Expect(failures).ToHaveCountAsync(0);
            await Expect(Button(page, "Retry")).ToHaveCountAsync(0);
        });
    }

    /// <summary>Looks at the page of an experiment that trains until the test is over.</summary>
    private async Task WhileOneTrainsAsync(Func<LiveSilo, TeravoxClient, ExperimentInfo, IPage, Task> look, Func<string, bool>? expected = null)
    {
        var silo = await own.AliveAsync();
        using var client = silo.Client();
        var made = await client.Experiments.SubmitAsync(Specs.Endless("long"), ct: Ct);
        try
        {
            await site.Chromium.VisitAsync(silo.Url, $"#/experiments/{made.Id}", page => look(silo, client, made, page), expected: expected);
        }
        finally
        {
            await own.AliveAsync();
            await client.Experiments.CancelAsync(made.Id, Ct);
        }
    }

    /// <summary>All lines of the log as the page writes them.</summary>
    internal static async Task<IReadOnlyList<string>> EventsAsync(LiveSilo silo, long id)
    {
        using var http = new HttpClient { BaseAddress = silo.Url };
        var events = JsonElement.Parse(await http.GetStringAsync($"/api/v1/experiments/{id}/events?after=0&limit=1000", Ct));
        return [.. events.EnumerateArray().Select(e => $"{Text(e, "stage")} {Text(e, "text")}".Trim())];
    }

    private static string Text(JsonElement line, string name) => line.TryGetProperty(name, out var value) ? value.GetString() ?? "" : "";

    private static ILocator Button(IPage page, string name) => page.GetByRole(AriaRole.Button, new() { Name = name });

    private static Task ExpectStateAsync(IPage page, string state) => Expect(page.Locator(".title .chip")).ToHaveTextAsync(state);

    /// <summary>What a browser writes on its console of requests that find no silo.</summary>
    private static bool IsBroken(string line) => line.Contains("net::ERR_", StringComparison.Ordinal);
}
