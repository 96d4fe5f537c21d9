// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Text.RegularExpressions;
using Teravox.Contracts.Api;

namespace Teravox.Silo.Tests;

/// <summary>The dashboard and /metrics: who gets them.</summary>
public sealed partial class DashboardTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Dashboard_WhenThereAreKeys_IsForOperatorsAlone()
    {
        await using var silo = await RunningSilo.StartAsync();
        using var nobody = await silo.ClientAsync();
        using var reader = await silo.ClientAsync(ApiRole.Reader);
        using var operators = await silo.ClientAsync(ApiRole.Operator);
        foreach (var path in (string[])["/dashboard/", "/dashboard/index.min.js", "/dashboard/DashboardCounters", "/dashboard/GrainState"])
        {
            Assert.Equal((path, HttpStatusCode.Unauthorized), (path, await StatusAsync(nobody, path)));
            Assert.Equal((path, HttpStatusCode.Forbidden), (path, await StatusAsync(reader, path)));
        }

        foreach (var path in (string[])["/dashboard/", "/dashboard/index.min.js", "/dashboard/index.css", "/dashboard/DashboardCounters"])
            Assert.Equal((path, HttpStatusCode.OK), (path, await StatusAsync(operators, path)));
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(nobody, "/metrics"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(reader, "/metrics"));
    }

    [Fact]
    public async Task Dashboard_WhenThereAreNoKeys_IsOpenAndAsksNoOtherHost()
    {
        await using var silo = await RunningSilo.StartAsync();
        using var http = await silo.ClientAsync();
        using var answer = await http.GetAsync(new Uri("/dashboard/", UriKind.Relative), Ct);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var policy = Assert.Single(answer.Headers.GetValues("Content-Security-Policy"));
        Assert.StartsWith("default-src 'none'; script-src 'self';", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("sandbox", policy, StringComparison.Ordinal);
        var html = await answer.Content.ReadAsStringAsync(Ct);
        Assert.NotEmpty(Loaded().Matches(html));
        Assert.All(Loaded().Matches(html), m => Assert.DoesNotContain("//", m.Value, StringComparison.Ordinal));
        foreach (Match loaded in Loaded().Matches(html))
            Assert.Equal(HttpStatusCode.OK, await StatusAsync(http, "/dashboard/" + loaded.Groups[1].Value));

        // What the API's document describes is the API.
        var document = await http.GetStringAsync(new Uri("/openapi/v1.json", UriKind.Relative), Ct);
        Assert.DoesNotContain("/dashboard", document, StringComparison.Ordinal);
        Assert.Contains("/metrics", document, StringComparison.Ordinal);
    }

    private static async Task<HttpStatusCode> StatusAsync(HttpClient http, string path)
    {
        using var answer = await http.GetAsync(new Uri(path, UriKind.Relative), Ct);
        return answer.StatusCode;
    }

    [GeneratedRegex("<(?:script|link)[^>]* (?:src|href)=\"([^\"]+)\"", RegexOptions.CultureInvariant)]
    private static partial Regex Loaded();
}
