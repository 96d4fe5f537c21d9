// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace Teravox.Web.Tests;

/// <summary>An experiment that no silo of the cluster can go on with.</summary>
public sealed class StrandedWorkTests(Site site)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Experiment_WhenNoSiloHasItsTag_IsSaidToBeBlockedAndWhy()
    {
        const string Why = "needs a silo with the tag 'disk=fast'; no silo has one";
        await using var silo = await LiveSilo.StartAsync();
        using var client = silo.Client();
        var plain = Specs.Endless("needy");
        var needy = plain with { Spec = JsonElement.Parse(plain.Spec.GetRawText().Replace("\"seed\": 5,", "\"seed\": 5, \"needs\": { \"tag\": \"disk=fast\" },", StringComparison.Ordinal)) };
        var made = await client.Experiments.SubmitAsync(needy, ct: Ct);
        await site.Chromium.VisitAsync(silo.Url, $"#/experiments/{made.Id}", async page =>
        {
            await Expect(page.GetByRole(AriaRole.Status).Filter(new() { HasText = Why })).ToHaveTextAsync($"No silo can go on with this experiment: {Why}.");
            await Expect(page.Locator("svg.dag .node.is-blocked")).ToContainTextAsync("train-multiclass");
            await page.GotoAsync(new Uri(silo.Url, "#/experiments").ToString());
            await Expect(page.GetByRole(AriaRole.Row).Filter(new() { HasText = "needy" }).GetByTitle(Why)).ToHaveTextAsync("blocked");
        });
    }
}
