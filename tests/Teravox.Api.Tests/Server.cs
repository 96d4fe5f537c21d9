// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Grains;
using Teravox.Grains.Ledger;
using Teravox.Grains.Ledger.Sqlite;
using Teravox.Silo.Http;

namespace Teravox.Api.Tests;

/// <summary>A silo's HTTP face as it is in life: Kestrel on a port of its own, a ledger in a file, a store in a folder.</summary>
internal sealed class Server : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly string folder;

    private Server(WebApplication app, string folder, SqliteLedger ledger, Uri url)
    {
        this.app = app;
        this.folder = folder;
        Ledger = ledger;
        Url = url;
        Http = Client(null);
    }

    public SqliteLedger Ledger { get; }

    public Uri Url { get; }

    /// <summary>A client without a key.</summary>
    public HttpClient Http { get; }

    public string StoreFolder => Path.Combine(folder, "store");

    public string Root => Path.Combine(folder, "root");

    /// <summary>A folder of the machine that no client may read.</summary>
    public string Secret => Path.Combine(folder, "secret");

    public static async Task<Server> StartAsync(Func<HttpOptions, HttpOptions>? change = null, string? takenOver = null)
    {
        var ct = TestContext.Current.CancellationToken;
        var folder = takenOver ?? Directory.CreateTempSubdirectory("teravox-api-").FullName;
        foreach (var name in (string[])["store", "root", "secret"])
            Directory.CreateDirectory(Path.Combine(folder, name));
        var ledger = await SqliteLedger.OpenAsync(Path.Combine(folder, "ledger.db"), ct: ct);
        var store = new ExperimentStore(ledger, id => Path.Combine(folder, "store", "experiments", $"{id}"));
        var options = new HttpOptions { Urls = ["http://127.0.0.1:0"], Store = Path.Combine(folder, "store"), Roots = [Path.Combine(folder, "root")] };
        var app = await HttpFace.BuildAsync(ledger, store, change?.Invoke(options) ?? options, ct);
        await app.StartAsync(ct);
        var url = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        return new Server(app, folder, ledger, new Uri(url));
    }

    public IServiceProvider Services => app.Services;

    /// <summary>A client with a key of its own, or without one.</summary>
    public HttpClient Client(string? secret)
    {
        var http = new HttpClient { BaseAddress = Url, Timeout = TimeSpan.FromSeconds(60) };
        if (secret is not null)
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", secret);
        return http;
    }

    /// <summary>Makes a key in the ledger, as the command line does; returns its secret.</summary>
    public async Task<string> KeyAsync(string name, ApiRole role)
    {
        var secret = KeySecret.Make();
        Assert.NotNull(await Ledger.AddKeyAsync(name, role, KeySecret.Hash(secret), TestContext.Current.CancellationToken));
        return secret;
    }

    /// <summary>Stops it as a silo does that drains: what is under way may end.</summary>
    public Task StopAsync() => app.StopAsync(TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await app.DisposeAsync();
        await Ledger.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }
}

/// <summary>Requests and what must come of them.</summary>
internal static class Requests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>The answer's body, which must be of this status.</summary>
    public static async Task<T> MustAsync<T>(this Task<HttpResponseMessage> request, HttpStatusCode status = HttpStatusCode.OK)
    {
        using var answer = await request;
        var text = await answer.Content.ReadAsStringAsync(Ct);
        Assert.True(answer.StatusCode == status, $"{(int)answer.StatusCode} instead of {(int)status}: {text}");
        return JsonSerializer.Deserialize<T>(text, TeravoxJson.Compact)!;
    }

    /// <summary>The answer must be problem details with this status; returns them.</summary>
    public static async Task<JsonElement> MustFailAsync(this Task<HttpResponseMessage> request, int status)
    {
        using var answer = await request;
        var text = await answer.Content.ReadAsStringAsync(Ct);
        Assert.True((int)answer.StatusCode == status, $"{(int)answer.StatusCode} instead of {status}: {text}");
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
        var problem = JsonElement.Parse(text);
        Assert.Equal(status, problem.GetProperty("status").GetInt32());
        var detail = problem.GetProperty("detail").GetString();
        Assert.False(string.IsNullOrWhiteSpace(detail));
        Assert.DoesNotContain("   at ", text, StringComparison.Ordinal);
        Assert.DoesNotContain("Exception", text, StringComparison.Ordinal);
        return problem;
    }

    public static Task<HttpResponseMessage> PostJsonAsync(this HttpClient http, string path, object? body, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = body is string text
                ? new StringContent(text, System.Text.Encoding.UTF8, "application/json")
                : body is null ? null : JsonContent.Create(body, options: TeravoxJson.Compact),
        };
        foreach (var (name, value) in headers)
            request.Headers.Add(name, value);
        return http.SendAsync(request, Ct);
    }

    public static async Task MustSucceedAsync(this Task<HttpResponseMessage> request, HttpStatusCode status = HttpStatusCode.NoContent)
    {
        using var answer = await request;
        Assert.True(answer.StatusCode == status, $"{(int)answer.StatusCode}: {await answer.Content.ReadAsStringAsync(Ct)}");
    }

    public static Task<HttpResponseMessage> RemoveAsync(this HttpClient http, string path) => http.DeleteAsync(path, Ct);

    public static Task<HttpResponseMessage> PutSlabAsync(this HttpClient http, string path, byte[] slab)
    {
        var content = new ByteArrayContent(slab);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        return http.PutAsync(path, content, Ct);
    }

    public static Task<HttpResponseMessage> ReadAsync(this HttpClient http, string path) => http.GetAsync(path, Ct);
}
