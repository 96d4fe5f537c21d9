// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Silo.Http;

namespace Teravox.Api.Tests;

/// <summary>Who is let in, and who may do what.</summary>
public sealed class SecurityTests : IAsyncLifetime
{
    private const string Experiments = "/api/v1/experiments";
    private static readonly HashSet<string> Open = ["/health/live", "/health/ready", "/api/v1", "/api/v1/session", "/openapi/{documentName}.json"];
    private Server server = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => server = await Server.StartAsync();

    public ValueTask DisposeAsync() => server.DisposeAsync();

    [Fact]
    public async Task EveryRoute_WhenThereAreKeys_RefusesNoneAndWrongOnes()
    {
        await server.KeyAsync("boss", ApiRole.Operator);
        using var wrong = server.Client(Teravox.Grains.Catalog.KeySecret.Make());
        foreach (var (method, path, template) in Routes())
        {
            foreach (var http in (HttpClient[])[server.Http, wrong])
            {
                using var request = new HttpRequestMessage(new HttpMethod(method), path);
                using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Ct);
                if (Open.Contains(template))
                {
                    Assert.True(answer.IsSuccessStatusCode, $"{method} {path}: {answer.StatusCode}");
                    continue;
                }

                // After twenty wrong keys the address has to wait.
                Assert.True(answer.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.TooManyRequests, $"{method} {path}: {answer.StatusCode}");
                if (answer.StatusCode == HttpStatusCode.Unauthorized)
                    Assert.StartsWith("Bearer", answer.Headers.WwwAuthenticate.ToString(), StringComparison.Ordinal);
                Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
            }
        }
    }

    [Fact]
    public async Task EveryWrite_WhenTheKeyIsAReaders_IsRefused()
    {
        using var reader = server.Client(await server.KeyAsync("reader", ApiRole.Reader));
        foreach (var (method, path, template) in Routes().Where(r => !Open.Contains(r.Template)))
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), path);
            using var answer = await reader.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Ct);
            var operators = template.Contains("/keys", StringComparison.Ordinal) || template.StartsWith("/api/v1/uploads", StringComparison.Ordinal) || template.StartsWith("/dashboard", StringComparison.Ordinal);
            if (method != "GET" || operators)
                Assert.True(answer.StatusCode == HttpStatusCode.Forbidden, $"{method} {path}: {answer.StatusCode}");
            else
                Assert.True(answer.StatusCode is HttpStatusCode.OK or HttpStatusCode.NotFound, $"{method} {path}: {answer.StatusCode}");
        }
    }

    [Fact]
    public async Task Keys_WhenTheCallerIsNoOperator_AreRefused()
    {
        using var submitter = server.Client(await server.KeyAsync("submitter", ApiRole.Submitter));

        await submitter.ReadAsync("/api/v1/keys").MustFailAsync(403);
        await submitter.PostJsonAsync("/api/v1/keys", new NewKey("mine", ApiRole.Operator)).MustFailAsync(403);
        await submitter.RemoveAsync("/api/v1/keys/submitter").MustFailAsync(403);
    }

    [Fact]
    public async Task Key_WhenMadeAndRevokedOverHttp_WorksInBetween()
    {
        await server.Http.PostJsonAsync("/api/v1/keys", new NewKey("r", ApiRole.Reader)).MustFailAsync(422);
        var boss = await server.Http.PostJsonAsync("/api/v1/keys", new NewKey("boss", ApiRole.Operator)).MustAsync<MadeKey>(HttpStatusCode.Created);
        await server.Http.ReadAsync(Experiments).MustFailAsync(401);
        using var http = server.Client(boss.Secret);
        var made = await http.PostJsonAsync("/api/v1/keys", new NewKey("r", ApiRole.Reader)).MustAsync<MadeKey>(HttpStatusCode.Created);
        await http.PostJsonAsync("/api/v1/keys", new NewKey("r", ApiRole.Reader)).MustFailAsync(409);
        await http.PostJsonAsync("/api/v1/keys", new NewKey("../r", ApiRole.Reader)).MustFailAsync(422);
        using var reader = server.Client(made.Secret);
        await reader.ReadAsync(Experiments).MustAsync<Page<ExperimentInfo>>();

        using (var all = await http.ReadAsync("/api/v1/keys"))
            Assert.DoesNotContain("tvx_", await all.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
        await http.RemoveAsync("/api/v1/keys/boss").MustFailAsync(409);
        await http.RemoveAsync("/api/v1/keys/r").MustSucceedAsync();
        await http.RemoveAsync("/api/v1/keys/r").MustFailAsync(404);
        await reader.ReadAsync(Experiments).MustFailAsync(401);
    }

    [Fact]
    public async Task Key_WhenRevokedElsewhere_IsRefusedWithinFiveSeconds()
    {
        using var http = server.Client(await server.KeyAsync("gone", ApiRole.Reader));
        await server.KeyAsync("boss", ApiRole.Operator);
        await http.ReadAsync(Experiments).MustAsync<Page<ExperimentInfo>>();
        await server.Catalog.RevokeKeyAsync("gone", Ct);
        var since = Environment.TickCount64;
        while (true)
        {
            // Of each request it counts when it was sent: how long this machine takes to answer is not the point.
            var sent = Environment.TickCount64;
            using var answer = await http.ReadAsync(Experiments);
            if (answer.StatusCode == HttpStatusCode.Unauthorized)
                break;
            Assert.True(sent - since < 5000, "the revoked key was still let in after 5 s");
            await Task.Delay(100, Ct);
        }
    }

    [Fact]
    public async Task WrongKeys_WhenThereAreMany_AreSlowedDownButRightOnesAreNot()
    {
        using var right = server.Client(await server.KeyAsync("right", ApiRole.Reader));
        await right.ReadAsync(Experiments).MustAsync<Page<ExperimentInfo>>();
        HttpResponseMessage? answer = null;
        for (var i = 0; i < 25 && answer?.StatusCode != HttpStatusCode.TooManyRequests; i++)
        {
            answer?.Dispose();
            using var wrong = server.Client(Teravox.Grains.Catalog.KeySecret.Make());
            answer = await wrong.ReadAsync(Experiments);
        }

        Assert.Equal(HttpStatusCode.TooManyRequests, answer!.StatusCode);
        Assert.InRange(answer.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 60);
        answer.Dispose();
        await right.ReadAsync(Experiments).MustAsync<Page<ExperimentInfo>>();
    }

    [Theory]
    [InlineData("Basic dXNlcjpwYXNz")]
    [InlineData("Bearer")]
    [InlineData("Bearer tvx_")]
    [InlineData("Bearer ' OR 1=1 --")]
    [InlineData("tvx_abc")]
    public async Task Request_WhenTheAuthorizationIsNoKey_Is401(string header)
    {
        await server.KeyAsync("boss", ApiRole.Operator);
        var (status, answer) = await RawHttp.GetAsync(server.Url, Experiments, headers: $"Authorization: {header}\n");
        Assert.Equal(401, status);
        Assert.Contains("WWW-Authenticate: Bearer", answer, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Submitter_WhenTheThingIsAnothers_MayLookButNotTouch()
    {
        using var ann = server.Client(await server.KeyAsync("ann", ApiRole.Submitter));
        using var bob = server.Client(await server.KeyAsync("bob", ApiRole.Submitter));
        using var boss = server.Client(await server.KeyAsync("boss", ApiRole.Operator));
        Stacks.Write(Path.Combine(server.Root, "stack"));
        var experiment = await ann.PostJsonAsync(Experiments, Specs.Submit(), ("Idempotency-Key", "k")).MustAsync<ExperimentInfo>(HttpStatusCode.Created);
        await ann.PostJsonAsync("/api/v1/volumes", new RegisterVolume { Name = "v", Path = "stack" }).MustAsync<VolumeInfo>(HttpStatusCode.Created);
        var manifest = new NewUpload { Name = "u", Files = [new UploadFile("raw/0.png", 10)] };
        var upload = await ann.PostJsonAsync("/api/v1/uploads", manifest).MustAsync<UploadInfo>(HttpStatusCode.Created);

        Assert.Equal("ann", experiment.Owner);
        Assert.Equal("ann", (await bob.ReadAsync($"{Experiments}/{experiment.Id}").MustAsync<ExperimentInfo>()).Owner);
        foreach (var verb in (string[])["pause", "resume", "cancel", "retry"])
            await bob.PostJsonAsync($"{Experiments}/{experiment.Id}/{verb}", null).MustFailAsync(403);
        await bob.RemoveAsync("/api/v1/volumes/v").MustFailAsync(403);
        await bob.ReadAsync($"/api/v1/uploads/{upload.Id}").MustFailAsync(403);
        await bob.PutSlabAsync($"/api/v1/uploads/{upload.Id}/files/raw/0.png?offset=0", [1]).MustFailAsync(403);
        await bob.PostJsonAsync($"/api/v1/uploads/{upload.Id}/complete", null).MustFailAsync(403);
        await bob.RemoveAsync($"/api/v1/uploads/{upload.Id}").MustFailAsync(403);
        await bob.PostJsonAsync("/api/v1/uploads", manifest).MustFailAsync(409);

        // The same Idempotency-Key of another key is another one.
        var bobs = await bob.PostJsonAsync(Experiments, Specs.Submit(), ("Idempotency-Key", "k")).MustAsync<ExperimentInfo>(HttpStatusCode.Created);
        Assert.NotEqual(experiment.Id, bobs.Id);
        Assert.Equal(bobs.Id, Assert.Single((await bob.ReadAsync($"{Experiments}?owner=bob").MustAsync<Page<ExperimentInfo>>()).Items).Id);

        await ann.PostJsonAsync($"{Experiments}/{experiment.Id}/pause", null).MustAsync<ExperimentInfo>();
        await boss.PostJsonAsync($"{Experiments}/{experiment.Id}/cancel", null).MustAsync<ExperimentInfo>();
        await boss.RemoveAsync($"/api/v1/uploads/{upload.Id}").MustSucceedAsync();
        await ann.RemoveAsync("/api/v1/volumes/v").MustSucceedAsync();
    }

    [Theory]
    [InlineData("evil.example", 403)]
    [InlineData("127.0.0.1.evil.example", 403)]
    [InlineData("192.168.1.5:80", 403)]
    [InlineData("localhost:7300", 200)]
    [InlineData("[::1]:7300", 200)]
    [InlineData("127.0.0.1", 200)]
    public async Task Request_WhenThereAreNoKeys_IsAnsweredOnlyForLoopbackHosts(string host, int status)
    {
        var (got, answer) = await RawHttp.GetAsync(server.Url, Experiments, host);
        Assert.True(got == status, answer);
    }

    [Theory]
    [InlineData("Origin: http://evil.example\n", 403)]
    [InlineData("Origin: null\n", 403)]
    [InlineData("Sec-Fetch-Site: cross-site\n", 403)]
    [InlineData("Sec-Fetch-Site: same-site\n", 403)]
    [InlineData("Sec-Fetch-Site: same-origin\n", 404)]
    [InlineData("", 404)]
    public async Task Write_WhenThereAreNoKeysAndAPageElsewhereSendsIt_IsRefused(string header, int status)
    {
        var (got, answer) = await RawHttp.GetAsync(server.Url, $"{Experiments}/99/cancel", method: "POST", headers: header + "Content-Length: 0\n");
        Assert.True(got == status, answer);
        (got, answer) = await RawHttp.GetAsync(server.Url, $"{Experiments}/99/cancel", method: "POST", headers: $"Origin: {server.Url.GetLeftPart(UriPartial.Authority)}\nContent-Length: 0\n");
        Assert.True(got == 404, answer);
    }

    [Theory]
    [InlineData("http://0.0.0.0:0")]
    [InlineData("http://*:0")]
    [InlineData("http://[::]:0")]
    [InlineData("http://silo.example:7300")]
    [InlineData("https://127.0.0.1:0")]
    [InlineData("7300")]
    public async Task Build_WhenItWouldListenBeyondLoopbackWithoutKeys_Refuses(string url)
    {
        var options = new HttpOptions { Urls = ["http://127.0.0.1:0", url], Store = server.StoreFolder };
        var refused = await Assert.ThrowsAsync<InputException>(() => HttpFace.CheckAsync(server.Catalog, options, Ct));
        Assert.Contains(url, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Build_WhenThereIsAKey_ListensBeyondLoopbackAndNeedsItForGood()
    {
        var secret = await server.KeyAsync("boss", ApiRole.Operator);
        await using var open = await Server.StartAsync(o => o with { Urls = ["http://0.0.0.0:0"] }, await server.LeaveFolderAsync());
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{open.Url.Port}") };
        await http.ReadAsync(Experiments).MustFailAsync(401);
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", secret);
        await http.ReadAsync(Experiments).MustAsync<Page<ExperimentInfo>>();

        // The last key goes: nobody gets in, instead of everybody.
        await http.RemoveAsync("/api/v1/keys/boss").MustSucceedAsync();
        await http.ReadAsync(Experiments).MustFailAsync(401);
        http.DefaultRequestHeaders.Authorization = null;
        await http.ReadAsync(Experiments).MustFailAsync(401);
    }

    // Each route with values in the places of its parameters.
    private IEnumerable<(string Method, string Path, string Template)> Routes() =>
        from endpoint in server.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
        from method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["GET"]
        let template = "/" + endpoint.RoutePattern.RawText!.Trim('/')
        where !(template == "/api/v1/session" && method == "POST")
        let path = template.Replace("{id:long}", "77", StringComparison.Ordinal).Replace("{name}", "none", StringComparison.Ordinal)
            .Replace("{**path}", "report.html", StringComparison.Ordinal).Replace("{z:int}", "0", StringComparison.Ordinal).Replace("{documentName}", "v1", StringComparison.Ordinal)
            .Replace("{view}", "raw", StringComparison.Ordinal).Replace("{prediction}", "multiclass", StringComparison.Ordinal)
        select (method, path + (method == "PUT" ? "?offset=0" : ""), template);
}
