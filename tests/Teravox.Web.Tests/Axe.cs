// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Microsoft.Playwright;
using Teravox.Testing;

namespace Teravox.Web.Tests;

/// <summary>axe-core's rules: WCAG 2 A and AA, and its best practices.</summary>
internal static class Axe
{
    private static readonly string Script = Path.Combine(TeravoxProgram.Root, "web", "node_modules", "axe-core", "axe.min.js");

    /// <summary>Skips the test, or fails it where CI=true, when axe-core is not here.</summary>
    public static void Require() => Prerequisite.Require(File.Exists(Script), $"{Script}; run npm ci in web/");

    /// <summary>Fails when axe has serious or critical findings on the page as it is.</summary>
    public static async Task ExpectNoneAsync(IPage page, string when = "")
    {
        if (!await page.EvaluateAsync<bool>("() => 'axe' in window"))
            await page.EvaluateAsync(await File.ReadAllTextAsync(Script, TestContext.Current.CancellationToken));
        var found = await page.EvaluateAsync<JsonElement>("axe.run(document, { resultTypes: ['violations'] })");
        var serious = found.GetProperty("violations").EnumerateArray()
            .Where(v => v.GetProperty("impact").GetString() is "serious" or "critical")
            .Select(v => $"{v.GetProperty("id").GetString()}: {v.GetProperty("help").GetString()} {when}\n"
                + string.Join('\n', v.GetProperty("nodes").EnumerateArray().Take(4).Select(n => $"  {n.GetProperty("html").GetString()}\n  {n.GetProperty("failureSummary").GetString()}")));
        Assert.True(found.GetProperty("passes").GetArrayLength() > 5, "axe has looked at the page");
        Assert.True(!serious.Any(), string.Join('\n', serious));
    }
}
