// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Text.Json;
using Teravox.Contracts.Api;

namespace Teravox.Api.Tests;

/// <summary>Every parameter that takes a path, tried with paths that lead elsewhere.</summary>
public sealed class PathTests(FinishedExperiment finished, PathServer paths) : IClassFixture<PathServer>
{
    private readonly Server server = paths.Server;

    public static TheoryData<string> Elsewhere =>
    [
        "../secret/stack", "good/../../secret/stack", "SECRET/stack", "/etc", "/etc/passwd", "/", ".", "link", "link/raw", "/proc/self/root", "./link",
        "slice", "classes", "..", "good\0", "good\n", "", "~", "..\\secret", "%2e%2e/secret", "DATABASE", "STORE", "STORE/experiments", "STORE/uploads", "STORE/volumes/../uploads",
    ];

    [Theory]
    [MemberData(nameof(Elsewhere))]
    public async Task EveryPathOfABody_WhenItLeadsElsewhere_IsRefused(string path)
    {
        path = path.Replace("SECRET", server.Secret, StringComparison.Ordinal)
            .Replace("STORE", server.StoreFolder, StringComparison.Ordinal)
            .Replace("DATABASE", Path.Combine(server.StoreFolder, "..", "teravox.db"), StringComparison.Ordinal);
        await RefusedAsync("/api/v1/volumes", new { name = "v", path });
        if (path is not ("classes" or "" or "."))
            await RefusedAsync("/api/v1/volumes", new { name = "v", path = "good/raw", labels = path });
        await RefusedAsync("/api/v1/models", new { name = "m", path });
        await RefusedAsync("/api/v1/models", new { name = "m", path = "model.safetensors" });
        await RefusedAsync("/api/v1/experiments", new { spec = Specs.Tiny(data: Json(path)) });
        await RefusedAsync("/api/v1/experiments", new { spec = Specs.Tiny(data: $$"""{"folder": {{Json(path)}}}""") });
        await RefusedAsync("/api/v1/experiments", new { spec = Specs.Tiny(data: $$"""{"raw": {{Json(path)}}, "labels": "good/labels"}""") });
        if (path != "classes")
            await RefusedAsync("/api/v1/experiments", new { spec = Specs.Tiny(data: $$"""{"raw": "good/raw", "labels": {{Json(path)}}}""") });
        await RefusedAsync("/api/v1/experiments", new { spec = Segment(path) });
        await RefusedAsync("/api/v1/campaigns", new { name = "c", spec = Specs.Tiny(), grid = new Dictionary<string, object> { ["data"] = new object[] { new { folder = path } } } });
        Assert.Empty((await server.Http.ReadAsync("/api/v1/experiments").MustAsync<Page<ExperimentInfo>>()).Items);
        Assert.Empty((await server.Http.ReadAsync("/api/v1/campaigns").MustAsync<Page<CampaignInfo>>()).Items);
    }

    [Fact]
    public async Task PathOfABody_WhenItLiesUnderARoot_IsTaken()
    {
        await using var server = await Server.StartAsync();
        Stacks.Write(Path.Combine(server.Root, "good"));
        await server.Http.PostJsonAsync("/api/v1/volumes", new { name = "a", path = "good" }).MustAsync<VolumeInfo>(HttpStatusCode.Created);
        await server.Http.PostJsonAsync("/api/v1/volumes", new { name = "b", path = Path.Combine(server.Root, "good", "raw") }).MustAsync<VolumeInfo>(HttpStatusCode.Created);
        await server.Http.PostJsonAsync("/api/v1/experiments", new { spec = Specs.Tiny(data: "\"good\"") }).MustAsync<ExperimentInfo>(HttpStatusCode.Created);
        await server.Http.PostJsonAsync("/api/v1/experiments", new { spec = Specs.Tiny(data: """{"raw": "./good/raw", "labels": "good/labels"}""") }).MustAsync<ExperimentInfo>(HttpStatusCode.Created);
        await server.Http.PostJsonAsync("/api/v1/experiments", new { spec = Specs.Tiny(data: """{"volume": "a"}""") }).MustAsync<ExperimentInfo>(HttpStatusCode.Created);
    }

    [Theory]
    [InlineData("../../teravox.db")]
    [InlineData("../../../teravox.db")]
    [InlineData("%2e%2e/%2e%2e/teravox.db")]
    [InlineData("..%2f..%2fteravox.db")]
    [InlineData("..%5c..%5cteravox.db")]
    [InlineData("%252e%252e/teravox.db")]
    [InlineData("/etc/passwd")]
    [InlineData("//etc/passwd")]
    [InlineData("%2fetc%2fpasswd")]
    [InlineData(".teravox/truth.zarr/.zattrs")]
    [InlineData(".TERAVOX/truth.zarr/.zattrs")]
    [InlineData("./.teravox/truth.zarr/.zattrs")]
    [InlineData("%2eteravox/truth.zarr/.zattrs")]
    [InlineData("labels.zarr/../.teravox/truth.zarr/.zattrs")]
    [InlineData("labels.zarr")]
    [InlineData("labels.zarr/")]
    [InlineData("report.html%00.png")]
    [InlineData("report.html/")]
    [InlineData("..;/..;/teravox.db")]
    [InlineData("link.txt")]
    [InlineData(".tmp-half")]
    public async Task ResultPath_WhenItLeadsElsewhere_GivesNothing(string path)
    {
        var root = Path.Combine(finished.Server.StoreFolder, "experiments", $"{finished.Id}");
        var link = Path.Combine(root, "link.txt");
        if (!File.Exists(link))
        {
            File.WriteAllText(Path.Combine(finished.Server.Secret, "secret.txt"), "the secret");
            File.CreateSymbolicLink(link, Path.Combine(finished.Server.Secret, "secret.txt"));
            File.WriteAllText(Path.Combine(root, ".tmp-half"), "half");
        }

        foreach (var target in (string[])[$"{finished.Api}/results/{path}", $"{finished.Api}/results/x/../{path}"])
        {
            var (status, answer) = await RawHttp.GetAsync(finished.Server.Url, target);
            Assert.True(status is 400 or 404, $"GET {target}: {answer}");
        }

        var (listed, list) = await RawHttp.GetAsync(finished.Server.Url, $"{finished.Api}/results?under={path}");
        Assert.True(listed is 404 || path is "labels.zarr" or "labels.zarr/", list);
        var (_, paged) = await RawHttp.GetAsync(finished.Server.Url, $"{finished.Api}/results?cursor={path}");
        Assert.DoesNotContain(".teravox/", paged.Replace(path, "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.DoesNotContain("link.txt\"", paged, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("../../teravox.db")]
    [InlineData("%2e%2e/%2e%2e/teravox.db")]
    [InlineData("..%2f..%2fteravox.db")]
    [InlineData("..%5c..%5cteravox.db")]
    [InlineData("../report.html")]
    [InlineData("../scores.json")]
    [InlineData("..%2freport.html")]
    [InlineData("../.teravox/checkpoints/0")]
    [InlineData("../labels.zarr/.zattrs")]
    [InlineData("s0/../../raw.zarr/.zattrs")]
    [InlineData("/etc/passwd")]
    [InlineData("%2fetc%2fpasswd")]
    [InlineData("s0")]
    [InlineData("s0/")]
    [InlineData(".")]
    [InlineData(".zattrs/")]
    [InlineData(".zattrs%00")]
    [InlineData("notes.txt")]
    [InlineData("7")]
    [InlineData("8/0")]
    [InlineData(".tmp-half/.zattrs")]
    public async Task ViewPath_WhenItLeadsElsewhere_GivesNothing(string path)
    {
        var root = Path.Combine(finished.Server.StoreFolder, "experiments", $"{finished.Id}");
        foreach (var volume in (string[])["truth.zarr", "raw.zarr"])
        {
            var folder = Path.Combine(root, ".teravox", volume);
            if (File.Exists(Path.Combine(folder, "notes.txt")))
                continue;
            File.WriteAllText(Path.Combine(folder, "notes.txt"), "not for viewers");
            File.WriteAllText(Path.Combine(finished.Server.Secret, "0"), "the secret");
            File.CreateSymbolicLink(Path.Combine(folder, "7"), Path.Combine(finished.Server.Secret, "0"));
            File.CreateSymbolicLink(Path.Combine(folder, "8"), finished.Server.Secret);
            Directory.CreateDirectory(Path.Combine(folder, ".tmp-half"));
            File.WriteAllText(Path.Combine(folder, ".tmp-half", ".zattrs"), "half");
        }

        foreach (var view in (string[])["truth", "raw"])
        {
            var (status, answer) = await RawHttp.GetAsync(finished.Server.Url, $"{finished.Api}/views/{view}/{path}");
            Assert.True(status is 400 or 404, $"GET {view}/{path}: {answer}");
        }
    }

    [Theory]
    [InlineData("..%2flabels.zarr")]
    [InlineData("labels.zarr")]
    [InlineData(".teravox")]
    [InlineData(".teravox%2fraw.zarr")]
    [InlineData("RAW")]
    public async Task ViewName_WhenItIsNone_GivesNothing(string view)
    {
        foreach (var target in (string[])[$"{finished.Api}/views/{view}/.zattrs", $"{finished.Api}/counts/{view}", $"/api/v1/volumes/none/views/{view}/.zattrs"])
        {
            var (status, answer) = await RawHttp.GetAsync(finished.Server.Url, target);
            Assert.True(status is 400 or 404, $"GET {target}: {answer}");
        }
    }

    [Theory]
    [InlineData("GET", "/api/v1/volumes/..%2f..%2fteravox.db")]
    [InlineData("GET", "/api/v1/volumes/..%2f..%2froot%2fgood/views")]
    [InlineData("GET", "/api/v1/volumes/..%2f..%2froot%2fgood/views/raw/.zattrs")]
    [InlineData("GET", "/api/v1/volumes/..%2f..%2froot/slices/0.png")]
    [InlineData("DELETE", "/api/v1/volumes/..%2f..%2froot")]
    [InlineData("DELETE", "/api/v1/volumes/..")]
    [InlineData("GET", "/api/v1/models/..%2f..%2fteravox.db/file")]
    [InlineData("GET", "/api/v1/campaigns/..%2f..%2fteravox.db/table.csv")]
    [InlineData("DELETE", "/api/v1/keys/..%2f..%2fx")]
    [InlineData("GET", "/openapi/..%2f..%2fteravox.json")]
    [InlineData("GET", "/../../../../etc/passwd")]
    public async Task NameInAUrl_WhenItIsAPath_IsUnknown(string method, string target)
    {
        var (status, answer) = await RawHttp.GetAsync(server.Url, target, method: method);
        Assert.True(status is 400 or 404 or 405, answer);
        Assert.True(Directory.Exists(server.Root));
    }

    [Theory]
    [InlineData("../v")]
    [InlineData("a/b")]
    [InlineData("")]
    [InlineData(".v")]
    [InlineData("v\0")]
    [InlineData("v ")]
    [InlineData("ä")]
    public async Task NameInABody_WhenItIsNone_IsRefused(string name)
    {
        await RefusedAsync("/api/v1/volumes", new { name, path = "good" });
        await RefusedAsync("/api/v1/models", new { name, path = "good" });
        await RefusedAsync("/api/v1/campaigns", new { name, spec = Specs.Tiny() });
        await RefusedAsync("/api/v1/uploads", new { name, files = new[] { new { path = "raw/0.png", bytes = 1 } } });
    }

    private static string Json(string text) => JsonSerializer.Serialize(text);

    private static JsonElement Segment(string model) => JsonElement.Parse(
        $$$"""{"name": "s", "preset": "segment", "data": {"raw": "good/raw"}, "model": {{{Json(model)}}}}""");

    private async Task RefusedAsync(string route, object body)
    {
        var problem = await server.Http.PostJsonAsync(route, body).MustFailAsync(422);
        Assert.DoesNotContain("root:x:0", problem.GetRawText(), StringComparison.Ordinal);
    }
}

/// <summary>A server with folders that are sound, and with links that lead out of its root.</summary>
public sealed class PathServer : IAsyncLifetime
{
    internal Server Server { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Server = await Server.StartAsync();
        var (root, secret) = (Server.Root, Server.Secret);
        Stacks.Write(Path.Combine(root, "good"));
        Stacks.Write(Path.Combine(secret, "stack"));
        File.WriteAllText(Path.Combine(secret, "model.safetensors"), "secret");
        File.CreateSymbolicLink(Path.Combine(root, "link"), Path.Combine(secret, "stack"));
        File.CreateSymbolicLink(Path.Combine(root, "model.safetensors"), Path.Combine(secret, "model.safetensors"));

        // Folders that are sound but for one slice, or the class map, which is a link out of the root.
        Stacks.Write(Path.Combine(root, "slice"));
        File.Delete(Path.Combine(root, "slice", "raw", "003.png"));
        File.CreateSymbolicLink(Path.Combine(root, "slice", "raw", "003.png"), Path.Combine(secret, "stack", "raw", "003.png"));
        Stacks.Write(Path.Combine(root, "classes"));
        File.Delete(Path.Combine(root, "classes", "classes.json"));
        File.CreateSymbolicLink(Path.Combine(root, "classes", "classes.json"), Path.Combine(secret, "stack", "classes.json"));
    }

    public ValueTask DisposeAsync() => Server.DisposeAsync();
}
