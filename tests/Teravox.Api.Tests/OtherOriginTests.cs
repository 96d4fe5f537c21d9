// SPDX-License-Identifier: Apache-2.0
using System.Net;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Silo;
using Teravox.Silo.Http;

namespace Teravox.Api.Tests;

/// <summary>Pages of other origins that may read views, and those that may not.</summary>
public sealed class OtherOriginTests : IAsyncLifetime
{
    private const string Viewer = "https://viewer.example", Raw = "/api/v1/volumes/v/views/raw";
    private Server server = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        server = await Server.StartAsync(o => o with { CorsOrigins = [Viewer + "/", "http://localhost:8080"] });
        await RegisterAsync(server, server.Http);
    }

    public ValueTask DisposeAsync() => server.DisposeAsync();

    [Theory]
    [InlineData(Raw + "/.zattrs", 200)]
    [InlineData(Raw + "/s0/0/0/0", 200)]
    [InlineData(Raw + "/s0/9/9/9", 404)]
    public async Task View_WhenAnAllowedOriginAsks_MayBeReadAlsoWhereItIsMissing(string path, int status)
    {
        using var answer = await AskAsync(HttpMethod.Get, path, Viewer);

        Assert.Equal(status, (int)answer.StatusCode);
        Assert.Equal(Viewer, Header(answer, "Access-Control-Allow-Origin"));
        Assert.Equal("cross-origin", Header(answer, "Cross-Origin-Resource-Policy"));
        Assert.Contains("Origin", answer.Headers.Vary);
        Assert.Null(Header(answer, "Access-Control-Allow-Credentials"));
    }

    [Theory]
    [InlineData(Raw + "/.zattrs", "https://evil.example")]
    [InlineData(Raw + "/.zattrs", "http://viewer.example")]
    [InlineData(Raw + "/.zattrs", "https://viewer.example:444")]
    [InlineData(Raw + "/.zattrs", "https://viewer.example.evil.example")]
    [InlineData(Raw + "/.zattrs", "null")]
    [InlineData(Raw + "/.zattrs", null)]
    [InlineData("/api/v1/volumes", Viewer)]
    [InlineData("/api/v1/volumes/v/views", Viewer)]
    [InlineData("/api/v1/experiments", Viewer)]
    [InlineData("/api/v1/session", Viewer)]
    public async Task Answer_WhenItIsNoViewOrTheOriginIsAnother_IsThisOriginsOwn(string path, string? origin)
    {
        using var answer = await AskAsync(HttpMethod.Get, path, origin);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Null(Header(answer, "Access-Control-Allow-Origin"));
        Assert.Equal("same-origin", Header(answer, "Cross-Origin-Resource-Policy"));
        Assert.Equal(path.StartsWith(Raw, StringComparison.Ordinal), answer.Headers.Vary.Contains("Origin"));
    }

    [Fact]
    public async Task Preflight_WhenAnAllowedOriginAsks_AllowsReadingRangesWithAKey()
    {
        using var answer = await AskAsync(HttpMethod.Options, Raw + "/s0/0/0/0", Viewer, ("Access-Control-Request-Method", "GET"), ("Access-Control-Request-Headers", "range, authorization"));

        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        Assert.Equal(Viewer, Header(answer, "Access-Control-Allow-Origin"));
        Assert.Equal("GET, HEAD", Header(answer, "Access-Control-Allow-Methods"));
        Assert.Contains("Authorization, Range", Header(answer, "Access-Control-Allow-Headers"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Raw + "/s0/0/0/0", "https://evil.example")]
    [InlineData("/api/v1/experiments", Viewer)]
    [InlineData("/api/v1/session", Viewer)]
    public async Task Preflight_WhenItIsNoViewOrTheOriginIsAnother_IsRefused(string path, string origin)
    {
        using var answer = await AskAsync(HttpMethod.Options, path, origin, ("Access-Control-Request-Method", "GET"));

        Assert.Equal(HttpStatusCode.MethodNotAllowed, answer.StatusCode);
        Assert.Null(Header(answer, "Access-Control-Allow-Origin"));
    }

    [Fact]
    public async Task View_WhenThereAreKeys_NeedsAKeyOfTheViewersOwn()
    {
        await server.DisposeAsync();
        server = await Server.StartAsync(o => o with { CorsOrigins = [Viewer] });
        using (var boss = server.Client(await server.KeyAsync("boss", ApiRole.Operator)))
            await RegisterAsync(server, boss);
        var secret = await server.KeyAsync("reader", ApiRole.Reader);
        using (var preflight = await AskAsync(HttpMethod.Options, Raw + "/.zattrs", Viewer, ("Access-Control-Request-Method", "GET")))
            Assert.Equal(HttpStatusCode.NoContent, preflight.StatusCode);
        using (var byKey = await AskAsync(HttpMethod.Get, Raw + "/.zattrs", Viewer, ("Authorization", "Bearer " + secret)))
            Assert.Equal(HttpStatusCode.OK, byKey.StatusCode);
        using (var byCookie = await AskAsync(HttpMethod.Get, Raw + "/.zattrs", Viewer, ("Cookie", "teravox=" + secret)))
        {
            Assert.Equal((HttpStatusCode.Unauthorized, Viewer), (byCookie.StatusCode, Header(byCookie, "Access-Control-Allow-Origin")));
        }

        // The page of this origin goes by its cookie as ever.
        using var own = await AskAsync(HttpMethod.Get, Raw + "/.zattrs", null, ("Cookie", "teravox=" + secret));
        Assert.Equal(HttpStatusCode.OK, own.StatusCode);
    }

    [Theory]
    [InlineData("*")]
    [InlineData("viewer.example")]
    [InlineData("null")]
    [InlineData("https://viewer.example/path")]
    [InlineData("https://user@viewer.example")]
    [InlineData("file:///viewer")]
    public async Task Build_WhenAnOriginIsNone_Refuses(string origin)
    {
        var options = new HttpOptions { Urls = ["http://127.0.0.1:0"], Store = server.StoreFolder, CorsOrigins = [origin] };

        var refused = Assert.Throws<InputException>(() => SiloProgram.Build(server.Setup, options, new SiloProgram.DeathSignal(), _ => { }));
        Assert.StartsWith($"--cors {origin}:", refused.Message, StringComparison.Ordinal);
    }

    private static async Task RegisterAsync(Server server, HttpClient http)
    {
        Stacks.Write(Path.Combine(server.Root, "v"));
        await http.PostJsonAsync("/api/v1/volumes", new RegisterVolume { Name = "v", Path = "v" }).MustAsync<VolumeInfo>(HttpStatusCode.Created);
    }

    private async Task<HttpResponseMessage> AskAsync(HttpMethod method, string path, string? origin, params (string Name, string Value)[] headers)
    {
        using var http = new HttpClient(new HttpClientHandler { UseCookies = false }) { BaseAddress = server.Url };
        using var request = new HttpRequestMessage(method, path);
        foreach (var (name, value) in origin is null ? headers : [.. headers, ("Origin", origin)])
            request.Headers.TryAddWithoutValidation(name, value);
        return await http.SendAsync(request, Ct);
    }

    private static string? Header(HttpResponseMessage answer, string name) =>
        answer.Headers.TryGetValues(name, out IEnumerable<string>? values) ? string.Join(", ", values) : null;
}
