// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Teravox.Contracts.Api;

namespace Teravox.Api.Tests;

/// <summary>What describes the service: OpenAPI document, docs/api.md, health.</summary>
public sealed partial class DocumentTests(FinishedExperiment finished)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private HttpClient Http => finished.Server.Http;

    [Fact]
    public async Task Document_WhenRead_HasEveryRouteWithSummaryParametersAndAnswers()
    {
        var document = await Http.ReadAsync("/openapi/v1.json").MustAsync<JsonElement>();
        Assert.StartsWith("3.", document.GetProperty("openapi").GetString(), StringComparison.Ordinal);
        var paths = document.GetProperty("paths");
        var routes = Routes().Where(r => !IsOthers(r.Path)).ToList();
        Assert.True(routes.Count >= 40, $"{routes.Count} routes");
        foreach (var (method, path) in routes)
        {
            Assert.True(paths.TryGetProperty(path, out var item), $"{path} is not in the document");
            Assert.True(item.TryGetProperty(method.ToLowerInvariant(), out var operation), $"{method} {path} is not in the document");
            Assert.False(string.IsNullOrWhiteSpace(operation.GetProperty("summary").GetString()), $"{method} {path} has no summary");
            var answers = operation.GetProperty("responses").EnumerateObject().Select(r => r.Name).ToList();
            Assert.True(answers.Exists(a => a.StartsWith('2')), $"{method} {path} names no success: {string.Join(' ', answers)}");
            if (path.StartsWith("/api/v1/", StringComparison.Ordinal) && path != "/api/v1/session")
                Assert.True(answers.Contains("401") && answers.Contains("403"), $"{method} {path} does not say that it needs a key");
            var named = operation.TryGetProperty("parameters", out var list) ? [.. list.EnumerateArray().Select(p => p.GetProperty("name").GetString())] : new List<string?>();
            foreach (Match parameter in Parameter().Matches(path))
                Assert.Contains(parameter.Groups[1].Value, named);
        }

        // Every reference leads somewhere.
        foreach (Match reference in Reference().Matches(document.GetRawText()))
            Assert.True(document.GetProperty("components").GetProperty("schemas").TryGetProperty(reference.Groups[1].Value, out _), reference.Value);
        Assert.Equal("array", document.GetProperty("components").GetProperty("schemas").GetProperty("Int3").GetProperty("type").GetString());
    }

    // The document itself, and the pages of Orleans' dashboard.
    private static bool IsOthers(string path) => path.StartsWith("/openapi", StringComparison.Ordinal) || path.StartsWith("/dashboard", StringComparison.Ordinal);

    [Fact]
    public void Page_WhenRead_NamesEveryRoute()
    {
        var page = File.ReadAllText(Path.Combine(Repository(), "docs", "api.md"));
        foreach (var (method, path) in Routes().Where(r => !IsOthers(r.Path)))
        {
            // The four ways to steer share a line.
            var short_ = path.Replace("{id}/resume", "{id}/pause", StringComparison.Ordinal).Replace("{id}/cancel", "{id}/pause", StringComparison.Ordinal).Replace("{id}/retry", "{id}/pause", StringComparison.Ordinal);
            Assert.True(page.Contains($"`{method} {short_}", StringComparison.Ordinal), $"docs/api.md lacks {method} {path}");
        }
    }

    [Fact]
    public async Task Health_WhenTheStoreIsGone_IsLiveButNotReady()
    {
        await using var server = await Server.StartAsync();
        await server.Http.ReadAsync("/health/ready").MustAsync<JsonElement>();
        Assert.Equal(new ApiIndex("teravox", "0.1.0", false, "/openapi/v1.json"), await server.Http.ReadAsync("/api/v1").MustAsync<ApiIndex>());
        Directory.Delete(server.StoreFolder, recursive: true);

        await server.Http.ReadAsync("/health/live").MustAsync<JsonElement>();
        await server.Http.ReadAsync("/health/ready").MustFailAsync(503);

        // The database goes too: the process still answers that it lives.
        await server.Catalog.DisposeAsync();
        await server.Http.ReadAsync("/health/live").MustAsync<JsonElement>();
    }

    [Fact]
    public async Task Anything_WhenThereIsNoSuchRoute_IsAProblem()
    {
        await Http.ReadAsync("/api/v1/nothing").MustFailAsync(404);
        await Http.ReadAsync("/api/v1/experiments/abc").MustFailAsync(404);
        using var wrong = new HttpRequestMessage(HttpMethod.Patch, "/api/v1/experiments");
        using var answer = await Http.SendAsync(wrong, Ct);
        Assert.Equal(["GET", "POST"], answer.Content.Headers.Allow.Order());
        await Http.SendAsync(new HttpRequestMessage(HttpMethod.Patch, "/api/v1/experiments"), Ct).MustFailAsync(405);
    }

    private IEnumerable<(string Method, string Path)> Routes() =>
        from endpoint in finished.Server.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
        from method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["GET"]
        select (method, "/" + Constraint().Replace(endpoint.RoutePattern.RawText!.Trim('/'), "{$1}"));

    private static string Repository()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Cluster.sln")))
            folder = folder.Parent!;
        return folder.FullName;
    }

    [GeneratedRegex(@"\{\*{0,2}(\w+)(:\w+)?\}")]
    private static partial Regex Constraint();

    [GeneratedRegex(@"\{(\w+)\}")]
    private static partial Regex Parameter();

    [GeneratedRegex("\"#/components/schemas/([^\"]+)\"")]
    private static partial Regex Reference();
}
