// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Text.Json;
using Teravox.Contracts.Api;

namespace Teravox.Api.Tests;

/// <summary>The web page as the silo serves it: from its folder, packed, with its policy, to anybody.</summary>
public sealed class PageTests : IAsyncLifetime
{
    private const string Script = "/assets/app-B1c_d-F9.js";
    private readonly string folder = Directory.CreateTempSubdirectory("teravox-page-").FullName;
    private Server server = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        Write("index.html", "<!doctype html><title>Teravox</title>");
        Write("assets/app-B1c_d-F9.js", "plain");
        Write("assets/app-B1c_d-F9.js.br", "brotli");
        Write("assets/app-B1c_d-F9.js.gz", "gzip");
        Write("neuroglancer/index.html", "<!doctype html><title>Neuroglancer</title>");
        server = await Server.StartAsync(o => o with { Page = folder });
    }

    public async ValueTask DisposeAsync()
    {
        await server.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task Page_WhenOpened_ComesWithItsPolicyAndIsAskedForAnew()
    {
        using var answer = await server.Http.ReadAsync("/");

        Assert.Equal("text/html; charset=utf-8", answer.Content.Headers.ContentType?.ToString());
        Assert.Contains("<title>Teravox</title>", await answer.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
        Assert.Equal("no-cache", answer.Headers.CacheControl?.ToString());
        var policy = Assert.Single(answer.Headers.GetValues("Content-Security-Policy"));
        Assert.StartsWith("default-src 'none'; script-src 'self'", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe-inline", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("'unsafe-eval'", policy, StringComparison.Ordinal);
        Assert.Contains("frame-ancestors 'none'", policy, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("br, gzip", "br", "brotli")]
    [InlineData("gzip, deflate", "gzip", "gzip")]
    [InlineData("br;q=0, gzip;q=0.5", "gzip", "gzip")]
    [InlineData("identity", null, "plain")]
    [InlineData("", null, "plain")]
    public async Task Script_WhenTheBrowserTakesAPacking_ComesPackedAndIsKept(string takes, string? encoding, string content)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, Script);
        request.Headers.TryAddWithoutValidation("Accept-Encoding", takes);
        using var answer = await server.Http.SendAsync(request, Ct);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(content, await answer.Content.ReadAsStringAsync(Ct));
        Assert.Equal(encoding, answer.Content.Headers.ContentEncoding.SingleOrDefault());
        Assert.Equal("text/javascript; charset=utf-8", answer.Content.Headers.ContentType?.ToString());
        Assert.Equal("Accept-Encoding", Assert.Single(answer.Headers.Vary));
        Assert.Equal("public, max-age=31536000, immutable", answer.Headers.CacheControl?.ToString());
    }

    [Fact]
    public async Task Page_WhenTheBrowserHasItAlready_IsNotSentAgain()
    {
        using var first = await server.Http.ReadAsync("/index.html");
        using var request = new HttpRequestMessage(HttpMethod.Get, "/index.html") { Headers = { IfNoneMatch = { first.Headers.ETag! } } };
        using var answer = await server.Http.SendAsync(request, Ct);

        Assert.Equal(HttpStatusCode.NotModified, answer.StatusCode);
    }

    [Fact]
    public async Task Session_WhenNeuroglancerIsBuilt_SaysSo() =>
        Assert.True((await server.Http.ReadAsync("/api/v1/session").MustAsync<SessionInfo>()).Neuroglancer);

    [Fact]
    public async Task Page_WhenThereAreKeys_IsServedToAnybody()
    {
        await server.KeyAsync("boss", ApiRole.Operator);

        using var page = await server.Http.ReadAsync("/");
        using var script = await server.Http.ReadAsync(Script);
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (page.StatusCode, script.StatusCode));
        await server.Http.ReadAsync("/api/v1/experiments").MustFailAsync(401);
    }

    [Fact]
    public async Task Neuroglancer_WhenItWasBuilt_HasAPlaceOfItsOwnAndThePagesPolicy()
    {
        using var http = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false }) { BaseAddress = server.Url };
        using var place = await http.ReadAsync("/neuroglancer");
        using var answer = await http.ReadAsync("/neuroglancer/");

        Assert.Equal("/neuroglancer/", place.Headers.Location?.OriginalString);
        Assert.Contains("Neuroglancer", await answer.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
        using var page = await http.ReadAsync("/");
        Assert.Equal(Assert.Single(page.Headers.GetValues("Content-Security-Policy")), Assert.Single(answer.Headers.GetValues("Content-Security-Policy")));
        Assert.True((await http.ReadAsync("/api/v1/session").MustAsync<SessionInfo>()).Neuroglancer);
    }

    [Theory]
    [InlineData("/../secret/secret.txt")]
    [InlineData("/..%2fsecret.txt")]
    [InlineData("/assets/../../secret.txt")]
    [InlineData("/assets/")]
    [InlineData("/assets/app-B1c_d-F9.js.br")]
    [InlineData("/ASSETS/app-B1c_d-F9.js")]
    [InlineData("//index.html")]
    [InlineData("/index.html%00")]
    [InlineData("/%2e%2e/%2e%2e/etc/passwd")]
    public async Task File_WhenItIsNoneOfThePages_IsUnknown(string target)
    {
        var (status, answer) = await RawHttp.GetAsync(server.Url, target);
        Assert.True(status is 400 or 404, answer);
    }

    [Fact]
    public async Task Page_WhenItWasNotBuilt_IsAProblemThatSaysSo()
    {
        await using var without = await Server.StartAsync(o => o with { Page = Path.Combine(folder, "none") });

        var problem = await without.Http.ReadAsync("/").MustFailAsync(404);
        Assert.StartsWith("The page was not built", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.False((await without.Http.ReadAsync("/api/v1/session").MustAsync<SessionInfo>()).Neuroglancer);
        await without.Http.ReadAsync("/health/live").MustAsync<JsonElement>();
    }

    private void Write(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(folder, path))!);
        File.WriteAllText(Path.Combine(folder, path), text);
    }
}
