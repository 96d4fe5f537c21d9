// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Teravox.Web.Tests;

/// <summary>An experiment that runs while it is looked at.</summary>
public sealed class LiveTests(Site site)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Steering_OfARunningExperiment_PausesResumesAndCancels()
    {
        await using var silo = await LiveSilo.StartAsync();
        using var client = silo.Client();
        var made = await client.Experiments.SubmitAsync(Specs.Endless("long"), ct: Ct);
        await site.Chromium.VisitAsync(silo.Url, $"#/experiments/{made.Id}", async page =>
        {
            await page.GetByRole(AriaRole.Button, new() { Name = "Pause" }).ClickAsync();
            await ExpectStateAsync(page, "paused");
            Assert.Equal("paused", (await client.Experiments.FindAsync(made.Id, Ct))!.State);

            await page.GetByRole(AriaRole.Button, new() { Name = "Resume" }).ClickAsync();
            await ExpectStateAsync(page, "running");

            await page.GetByRole(AriaRole.Button, new() { Name = "Cancel…" }).ClickAsync();
            var question = page.GetByRole(AriaRole.Dialog);
            await Expect(question.GetByRole(AriaRole.Button, new() { Name = "No" })).ToBeFocusedAsync();
            await page.Keyboard.PressAsync("Escape");
            await Expect(question).ToHaveCountAsync(0);
            await ExpectStateAsync(page, "running");

            await page.GetByRole(AriaRole.Button, new() { Name = "Cancel…" }).ClickAsync();
            await question.GetByRole(AriaRole.Button, new() { Name = "Cancel the experiment" }).ClickAsync();
            await ExpectStateAsync(page, "cancelled");
            await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Pause" })).ToHaveCountAsync(0);
            Assert.Equal("cancelled", (await client.Experiments.FindAsync(made.Id, Ct))!.State);
        });
    }

    [Fact]
    public async Task Overview_WhileItTrains_ShowsWhatRunsAndItsLoss()
    {
        await using var silo = await LiveSilo.StartAsync();
        using var client = silo.Client();
        var made = await client.Experiments.SubmitAsync(Specs.Endless("long"), ct: Ct);
        await site.Chromium.VisitAsync(silo.Url, $"#/experiments/{made.Id}", async page =>
        {
            var running = page.GetByRole(AriaRole.Region, new() { Name = "Running now" });
            await Expect(running.GetByRole(AriaRole.Row, new() { Name = "train-multiclass" })).ToBeVisibleAsync();
            await Expect(page.Locator("svg.dag .node.running")).ToContainTextAsync("train-multiclass");
            await Pixels.ExpectDrawnAsync(page.GetByRole(AriaRole.Region, new() { Name = "Training loss" }).Locator("canvas"));
        });
    }

    [Fact]
    public async Task Log_WhenTheSiloIsKilledAndStartedAgain_GoesOnBehindWhatItHas()
    {
        await using var silo = await LiveSilo.StartAsync();
        using var client = silo.Client();
        var made = await client.Experiments.SubmitAsync(Specs.Endless("long"), ct: Ct);
        await site.Chromium.VisitAsync(silo.Url, $"#/experiments/{made.Id}", async page =>
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
    }

    [Fact]
    public async Task Page_WhenTheSiloIsDown_SaysSoAndTriesAgain()
    {
        await using var silo = await LiveSilo.StartAsync();
        await site.Chromium.VisitAsync(silo.Url, "#/volumes", async page =>
        {
            await Expect(page.GetByText("There is no volume yet.")).ToBeVisibleAsync();
            await silo.KillAsync();
            await page.GetByRole(AriaRole.Link, new() { Name = "Campaigns" }).ClickAsync();
            var again = page.GetByRole(AriaRole.Button, new() { Name = "Try again" });
            await Expect(again.First).ToBeVisibleAsync();
            await silo.StartAgainAsync();
            await again.First.ClickAsync();
            await Expect(again).ToHaveCountAsync(0);
        }, expected: IsBroken);
    }

    /// <summary>All lines of the log as the page writes them.</summary>
    private static async Task<IReadOnlyList<string>> EventsAsync(LiveSilo silo, long id)
    {
        using var http = new HttpClient { BaseAddress = silo.Url };
        var events = JsonElement.Parse(await http.GetStringAsync($"/api/v1/experiments/{id}/events?after=0&limit=1000", Ct));
        return [.. events.EnumerateArray().Select(e => $"{Text(e, "stage")} {Text(e, "text")}".Trim())];
    }

    private static string Text(JsonElement line, string name) => line.TryGetProperty(name, out var value) ? value.GetString() ?? "" : "";

    private static Task ExpectStateAsync(IPage page, string state) => Expect(page.Locator(".title .chip")).ToHaveTextAsync(state);

    /// <summary>What a browser writes on its console of requests that find no silo.</summary>
    private static bool IsBroken(string line) => line.Contains("net::ERR_", StringComparison.Ordinal);
}
