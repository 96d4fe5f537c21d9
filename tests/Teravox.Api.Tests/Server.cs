// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Grains;
using Teravox.Grains.Catalog;
using Teravox.Silo;
using Teravox.Silo.Cluster;
using Teravox.Silo.Devices;
using Teravox.Silo.Http;

namespace Teravox.Api.Tests;

/// <summary>
/// A silo's HTTP face as it is in life: Kestrel on a port of its own, Orleans beside it, a database in a file, a store in a folder.
/// Its devices do not work; <see cref="Silos"/> lets them.
/// </summary>
internal sealed class Server : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly string folder;
    private bool left;

    private Server(WebApplication app, string folder, SiloSetup setup, Uri url)
    {
        this.app = app;
        this.folder = folder;
        Setup = setup;
        Url = url;
        Http = Client(null);
    }

    /// <summary>What the silo is made of.</summary>
    public SiloSetup Setup { get; }

    public ICatalog Catalog => Setup.Catalog;

    /// <summary>Name of the silo, which is the one member of its cluster: only it can hold items.</summary>
    public string Name => Setup.Devices.Name;

    public IGrainFactory Grains => Services.GetRequiredService<IGrainFactory>();

    public ExperimentService Experiments => Services.GetRequiredService<ExperimentService>();

    public Uri Url { get; }

    /// <summary>A client without a key.</summary>
    public HttpClient Http { get; }

    public string StoreFolder => Path.Combine(folder, "store");

    public string Root => Path.Combine(folder, "root");

    /// <summary>A folder of the machine that no client may read.</summary>
    public string Secret => Path.Combine(folder, "secret");

    /// <summary>Starts one, in a folder of its own or in one that is <paramref name="takenOver"/>.</summary>
    public static async Task<Server> StartAsync(Func<HttpOptions, HttpOptions>? change = null, string? takenOver = null)
    {
        var folder = takenOver ?? Directory.CreateTempSubdirectory("teravox-api-").FullName;
        foreach (var name in (string[])["store", "root", "secret"])
            Directory.CreateDirectory(Path.Combine(folder, name));
        var catalog = await Catalogs.OpenAsync("sqlite:" + Path.Combine(folder, "teravox.db"), TestContext.Current.CancellationToken);
        return await StartAsync(catalog, folder, change);
    }

    /// <summary>A client with a key of its own, or without one.</summary>
    public HttpClient Client(string? secret)
    {
        var http = new HttpClient { BaseAddress = Url, Timeout = TimeSpan.FromSeconds(60) };
        if (secret is not null)
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", secret);
        return http;
    }

    /// <summary>Stops it as a silo does that drains: what is under way may end.</summary>
    public Task StopAsync() => app.StopAsync(TestContext.Current.CancellationToken);

    public IServiceProvider Services => app.Services;

    /// <summary>Makes a key in the catalog, as the command line does; returns its secret.</summary>
    public Task<string> KeyAsync(string name, ApiRole role) => KeyAsync(Catalog, name, role);

    /// <summary>As above, in a catalog that no server has yet.</summary>
    public static async Task<string> KeyAsync(ICatalog catalog, string name, ApiRole role)
    {
        var secret = KeySecret.Make();
        Assert.NotNull(await catalog.AddKeyAsync(name, role, KeySecret.Hash(secret), TestContext.Current.CancellationToken));
        return secret;
    }

    public async ValueTask DisposeAsync()
    {
        if (!left)
            Directory.Delete(await LeaveFolderAsync(), recursive: true);
    }

    /// <summary>Ends it, and leaves its folder to another.</summary>
    public async Task<string> LeaveFolderAsync()
    {
        left = true;
        Http.Dispose();
        using (var patience = new CancellationTokenSource(TimeSpan.FromSeconds(5)))
            await app.StopAsync(patience.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await app.DisposeAsync();
        await Catalog.DisposeAsync();
        return folder;
    }

    private static async Task<Server> StartAsync(ICatalog catalog, string folder, Func<HttpOptions, HttpOptions>? change)
    {
        var ct = TestContext.Current.CancellationToken;
        var store = Path.Combine(folder, "store");
        var options = new HttpOptions { Urls = ["http://127.0.0.1:0"], Store = store, Roots = [Path.Combine(folder, "root")] };
        options = change?.Invoke(options) ?? options;
        await HttpFace.CheckAsync(catalog, options, ct);

        // A test that holds an item reports it when it has something to say, not every second.
        var setup = new SiloSetup(catalog, id => Path.Combine(store, "experiments", $"{id}"), new DeviceOptions("s", [new Device("cpu", 1, 1)]))
        {
            Limits = new WorkLimits { UnheardAfter = TimeSpan.FromMinutes(5) },
        };
        var app = (WebApplication)SiloProgram.Build(setup, options, new SiloProgram.DeathSignal(), _ => { });
        await app.StartAsync(ct);
        return new Server(app, folder, setup, new Uri(app.Urls.First()));
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
