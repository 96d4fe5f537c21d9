// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Text.Json;
using Teravox.Contracts.Api;
using Teravox.Grains.Catalog;

namespace Teravox.Api.Tests;

/// <summary>Browsers that are signed in by cookie, and what other sites can make of that.</summary>
public sealed class SessionTests : IAsyncLifetime
{
    private const string Session = "/api/v1/session", Experiments = "/api/v1/experiments";
    private Server server = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => server = await Server.StartAsync(o => o with { PageUploadBytes = 7 << 20, Page = "/no/page" });

    public ValueTask DisposeAsync() => server.DisposeAsync();

    [Fact]
    public async Task Session_WhenThereAreNoKeys_IsAnOperators()
    {
        var session = await server.Http.ReadAsync(Session).MustAsync<JsonElement>();

        Assert.Equal(
            """{"keys":false,"name":null,"role":"operator","version":"0.1.0","uploadBytes":7340032,"neuroglancer":false}""",
            session.GetRawText());
    }

    [Fact]
    public async Task Session_WhenSignedInAndOut_IsTheKeysInBetween()
    {
        var secret = await server.KeyAsync("ann", ApiRole.Submitter);
        using var http = server.Client(null);
        var before = await http.ReadAsync(Session).MustAsync<SessionInfo>();
        Assert.Equal((true, null, null), (before.Keys, before.Name, before.Role));

        using (var answer = await http.PostJsonAsync(Session, new NewSession(secret)))
        {
            Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
            Assert.Equal($"teravox={secret}; path=/; samesite=strict; httponly", Assert.Single(answer.Headers.GetValues("Set-Cookie")));
        }

        var session = await http.ReadAsync(Session).MustAsync<SessionInfo>();
        Assert.Equal(("ann", ApiRole.Submitter), (session.Name, session.Role));
        await http.ReadAsync(Experiments).MustAsync<Page<ExperimentInfo>>();
        await http.RemoveAsync(Session).MustSucceedAsync();
        Assert.Null((await http.ReadAsync(Session).MustAsync<SessionInfo>()).Role);
        await http.ReadAsync(Experiments).MustFailAsync(401);
    }

    [Fact]
    public async Task Session_WhenAProxySpeaksHttps_HasASecureCookie()
    {
        var secret = await server.KeyAsync("ann", ApiRole.Reader);
        using var answer = await server.Http.PostJsonAsync(Session, new NewSession(secret), ("X-Forwarded-Proto", "https"));

        Assert.Contains("; secure;", Assert.Single(answer.Headers.GetValues("Set-Cookie")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task SignIn_WhenTheKeyIsWrong_IsRefusedAndCounted()
    {
        var secret = await server.KeyAsync("boss", ApiRole.Operator);
        await server.Http.PostJsonAsync(Session, new NewSession("")).MustFailAsync(401);
        await server.Http.PostJsonAsync(Session, "{}").MustFailAsync(400);
        await server.Http.PostJsonAsync(Session, """{"key": null}""").MustFailAsync(400);
        var status = HttpStatusCode.Unauthorized;
        for (var i = 0; i < 25 && status == HttpStatusCode.Unauthorized; i++)
        {
            using var answer = await server.Http.PostJsonAsync(Session, new NewSession(KeySecret.Make()));
            Assert.False(answer.Headers.Contains("Set-Cookie"));
            status = answer.StatusCode;
        }

        Assert.Equal(HttpStatusCode.TooManyRequests, status);
        await server.Http.PostJsonAsync(Session, new NewSession(secret)).MustFailAsync(429);
    }

    [Theory]
    [InlineData("", 403)]
    [InlineData("X-Teravox: other\n", 403)]
    [InlineData("X-Teravox: page\n", 404)]
    [InlineData("X-Teravox: page\nOrigin: http://evil.example\n", 403)]
    [InlineData("X-Teravox: page\nOrigin: null\n", 403)]
    [InlineData("X-Teravox: page\nOrigin: OWN\n", 404)]
    [InlineData("X-Teravox: page\nOrigin: https://proxy.example\nSec-Fetch-Site: same-origin\n", 404)]
    [InlineData("X-Teravox: page\nSec-Fetch-Site: same-site\n", 403)]
    [InlineData("X-Teravox: page\nSec-Fetch-Site: cross-site\n", 403)]
    public async Task Write_WhenItComesByCookie_NeedsThePagesHeader(string headers, int status)
    {
        var secret = await server.KeyAsync("boss", ApiRole.Operator);
        headers = headers.Replace("OWN", server.Url.GetLeftPart(UriPartial.Authority), StringComparison.Ordinal);
        foreach (var (method, target) in ((string, string)[])[("POST", $"{Experiments}/99/cancel"), ("DELETE", "/api/v1/volumes/none")])
        {
            var (got, answer) = await RawHttp.GetAsync(server.Url, target, method: method, headers: $"Cookie: teravox={secret}\n{headers}Content-Length: 0\n");
            Assert.True(got == status, $"{method} {target}: {answer}");
        }

        // By the header no other site can write: it is not sent by itself.
        var (byHeader, text) = await RawHttp.GetAsync(server.Url, $"{Experiments}/99/cancel", method: "POST", headers: $"Authorization: Bearer {secret}\nContent-Length: 0\n");
        Assert.True(byHeader == 404, text);
    }

    [Theory]
    [InlineData("Origin: http://evil.example\n")]
    [InlineData("Sec-Fetch-Site: cross-site\n")]
    public async Task SignInAndOut_WhenAnotherSiteAsks_AreRefused(string header)
    {
        var body = JsonSerializer.Serialize(new { key = await server.KeyAsync("ann", ApiRole.Reader) });
        var (signedIn, answer) = await RawHttp.SendAsync(
            server.Url, $"POST {Session} HTTP/1.1\nHost: {server.Url.Authority}\nConnection: close\nContent-Type: application/json\n{header}Content-Length: {body.Length}\n\n{body}");
        Assert.True(signedIn == 403, answer);
        (var signedOut, answer) = await RawHttp.GetAsync(server.Url, Session, method: "DELETE", headers: header);
        Assert.True(signedOut == 403, answer);
    }

    [Fact]
    public async Task SignIn_WhenAFormSendsIt_IsRefused()
    {
        await server.KeyAsync("ann", ApiRole.Reader);
        using var form = new FormUrlEncodedContent([new("key", "tvx_")]);

        await server.Http.PostAsync(Session, form, Ct).MustFailAsync(415);
    }

    [Fact]
    public async Task Cookie_WhenItsKeyIsRevoked_IsTakenBack()
    {
        await server.KeyAsync("boss", ApiRole.Operator);
        foreach (var path in (string[])[Session, Experiments])
        {
            var (status, answer) = await RawHttp.GetAsync(server.Url, path, headers: $"Cookie: teravox={KeySecret.Make()}\n");
            Assert.True(status == (path == Session ? 200 : 401), answer);
            Assert.Contains("Set-Cookie: teravox=; expires=Thu, 01 Jan 1970", answer, StringComparison.OrdinalIgnoreCase);
        }
    }

    [Fact]
    public async Task Reader_WhenSignedInByCookie_MayReadEventsAndNotWrite()
    {
        var boss = server.Client(await server.KeyAsync("boss", ApiRole.Operator));
        var id = (await boss.PostJsonAsync(Experiments, Specs.Submit()).MustAsync<ExperimentInfo>(HttpStatusCode.Created)).Id;
        await boss.PostJsonAsync($"{Experiments}/{id}/cancel", null).MustAsync<ExperimentInfo>();
        boss.Dispose();
        using var reader = server.Client(null);
        await reader.PostJsonAsync(Session, new NewSession(await server.KeyAsync("reader", ApiRole.Reader))).MustSucceedAsync();

        // The stream ends with the experiment.
        Assert.Contains("event: end", await reader.GetStringAsync($"{Experiments}/{id}/events/stream", Ct), StringComparison.Ordinal);
        await reader.PostJsonAsync($"{Experiments}/{id}/cancel", null, ("X-Teravox", "page")).MustFailAsync(403);
    }

    [Fact]
    public async Task Answer_WhenItIsTheApis_IsNotKeptByWhatLiesBetween()
    {
        using var answer = await server.Http.ReadAsync(Experiments);

        Assert.Equal("no-cache, private", answer.Headers.CacheControl?.ToString());
    }
}
