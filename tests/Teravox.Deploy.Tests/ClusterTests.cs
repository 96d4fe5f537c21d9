// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Globalization;
using System.Net;
using Teravox.Silo.Local;
using Teravox.Testing;
using YamlDotNet.Serialization;
using Map = System.Collections.Generic.Dictionary<object, object>;

namespace Teravox.Deploy.Tests;

/// <summary>The steps of docs/deploy.md on a real PostgreSQL that asks for passwords: the scripts, the roles, and silos as they are started.</summary>
public sealed class ClusterTests
{
    private const string Launcher = "deploy/scripts/teravox";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Steps_OnARealDatabase_LeadToSilosThatServeAndDrain()
    {
        Prerequisite.Require(PrivatePostgres.WhyMissing());
        using var folder = new TemporaryFolder();
        if (OperatingSystem.IsLinux())
            File.SetUnixFileMode(folder.Path, File.GetUnixFileMode(folder.Path) | UnixFileMode.OtherExecute); // PostgreSQL may run as a user of its own.
        await using var server = await PrivatePostgres.StartAsync(folder["postgres"], ["fsync=off"], TestContext.Current.CancellationToken);
        await using var proxy = new PostgresProxy(server.Address);
        var secrets = folder["secrets"];
        (string, string?) home = ("TERAVOX_HOME", Tool.Home);
        (await Tool.RunAsync(Tool.At("deploy/scripts/make-secrets"), [secrets, $"127.0.0.1:{proxy.Port}", "cluster"], home)).MustSucceed();
        Assert.NotEqual(0, (await Tool.RunAsync(Tool.At("deploy/scripts/make-secrets"), secrets)).Code);
        await MakeDatabaseAsync(server.Address, folder["postgres"], File.ReadAllText(Path.Combine(secrets, "owner_password")));

        // A silo before the set-up has no role and no schema; one after it sees the schema as it is.
        (string, string?) owner = ("TERAVOX_DATABASE_FILE", Path.Combine(secrets, "owner_database"));
        (string, string?) silo = ("TERAVOX_DATABASE_FILE", Path.Combine(secrets, "silo_database"));
        Assert.NotEqual(0, (await Tool.RunAsync(Tool.At(Launcher), ["key", "list"], silo, home)).Code);
        (await Tool.RunAsync(Tool.At(Launcher), ["key", "list"], owner, home)).MustSucceed();
        for (var i = 0; i < 2; i++)
            (await Tool.RunAsync(Tool.At("deploy/scripts/apply-roles"), [], owner, ("TERAVOX_SILO_PASSWORD_FILE", Path.Combine(secrets, "silo_password")))).MustSucceed();

        // Without a key nobody beyond this machine is served, so a silo as compose starts it must refuse.
        var port = LoopbackPorts.Free();
        var certificates = Directory.CreateDirectory(folder["certificates"]).FullName;
        for (var i = 0; i < 2; i++)
            (await Tool.RunAsync(Tool.At("deploy/scripts/cluster-certificates"), [Path.Combine(secrets, "cluster"), certificates], home)).MustSucceed();
        Assert.Equal(Certificates.Files.Order(StringComparer.Ordinal), Directory.EnumerateFiles(certificates).Select(f => Path.GetFileName(f)!).Order(StringComparer.Ordinal));
        (string, string?) cluster = ("TERAVOX_CLUSTER_ADDRESS", $"127.0.0.1:{LoopbackPorts.Free(2)}");
        var command = ComposeCommand(folder["data"], certificates, port);
        var refused = await Tool.RunAsync(Tool.At(Launcher), command, silo, cluster, home);
        Assert.Equal(2, refused.Code);
        Assert.Contains("key", refused.Error, StringComparison.Ordinal);

        var first = (await Tool.RunAsync(Tool.At("deploy/scripts/first-key"), [], owner, home)).MustSucceed();
        Assert.StartsWith("tvx_", first.Output, StringComparison.Ordinal);
        Assert.Equal("", (await Tool.RunAsync(Tool.At("deploy/scripts/first-key"), [], owner, home)).MustSucceed().Output);
        Assert.Contains("first-operator", (await Tool.RunAsync(Tool.At(Launcher), ["key", "list"], silo, home)).MustSucceed().Output, StringComparison.Ordinal);

        await ServesAndDrainsAsync(Tool.Start(Tool.At(Launcher), command, silo, cluster, home), port, first.Output.Trim());
        await ServesAndDrainsAsync(
            Tool.Start("bash", [Tool.At("deploy/slurm/teravox-silo.sbatch")], silo, cluster, home, ("TERAVOX_CERTIFICATES", certificates), ("TERAVOX_STORE", folder["data/store"]), ("TERAVOX_PROGRAM", Tool.At(Launcher)), ("SLURM_CPUS_PER_TASK", "1"), ("TERAVOX_DEVICE", "cpu")),
            port: null,
            key: null);
    }

    // The silo's command of compose.yaml, on this machine's folders and a free port.
    private static List<string> ComposeCommand(string data, string certificates, int port)
    {
        var compose = new DeserializerBuilder().Build().Deserialize<Map>(Tool.Text("deploy/compose.yaml"));
        var silo = (Map)((Map)compose["services"])["silo"];
        return [.. ((List<object>)silo["command"]).Select(a => ((string)a).Replace("/certificates", certificates, StringComparison.Ordinal).Replace("/data", data, StringComparison.Ordinal).Replace(":7300", $":{port}", StringComparison.Ordinal)), "--device", "cpu", "--threads", "1"];
    }

    private static async Task ServesAndDrainsAsync(Process silo, int? port, string? key)
    {
        using var process = silo;
        try
        {
            var said = new List<string>();
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
            patience.CancelAfter(Patience);
            while (said.LastOrDefault()?.Contains("ready for work", StringComparison.Ordinal) != true)
                said.Add(await silo.StandardOutput.ReadLineAsync(patience.Token) ?? throw new InvalidOperationException("the silo ended: " + string.Join('\n', said) + await silo.StandardError.ReadToEndAsync(patience.Token)));

            if (port is { } at)
            {
                (string, string?) here = ("TERAVOX_PORT", at.ToString(CultureInfo.InvariantCulture));
                (await Tool.RunAsync(Tool.At("deploy/scripts/healthcheck"), [], here)).MustSucceed();
                (await Tool.RunAsync(Tool.At("deploy/scripts/healthcheck"), ["/health/ready"], here)).MustSucceed();
                Assert.NotEqual(0, (await Tool.RunAsync(Tool.At("deploy/scripts/healthcheck"), ["/metrics"], here)).Code);
                await KeyIsNeededAsync(at, key!);
            }

            // One SIGTERM to what the host started, as it does.
            Assert.True(Signals.Send(silo.Id, Signals.Terminate));
            var end = await Tool.EndAsync(silo);
            Assert.Equal(0, end.Code);
            Assert.Contains("ended", end.Output, StringComparison.Ordinal);
            if (port is { } gone)
                Assert.NotEqual(0, (await Tool.RunAsync(Tool.At("deploy/scripts/healthcheck"), [], ("TERAVOX_PORT", gone.ToString(CultureInfo.InvariantCulture)))).Code);
        }
        finally
        {
            if (!silo.HasExited)
                silo.Kill(entireProcessTree: true);
        }
    }

    private static async Task KeyIsNeededAsync(int port, string key)
    {
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        using var without = await http.GetAsync(new Uri("/api/v1/silos", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Unauthorized, without.StatusCode);
        http.DefaultRequestHeaders.Authorization = new("Bearer", key);
        using var with = await http.GetAsync(new Uri("/api/v1/keys", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, with.StatusCode);
    }

    // What an administrator does once; from then on the server asks for passwords.
    private static async Task MakeDatabaseAsync(string address, string folder, string password)
    {
        (await Tool.RunAsync(
            "psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", address,
            "-c", $"CREATE ROLE teravox_owner LOGIN CREATEROLE PASSWORD '{password}'",
            "-c", "CREATE DATABASE cluster OWNER teravox_owner")).MustSucceed();
        var rules = Path.Combine(folder, "data", "pg_hba.conf");
        File.WriteAllText(rules, "local all all scram-sha-256\n");
        (await Tool.RunAsync("psql", "-X", "-q", address, "-c", "SELECT pg_reload_conf()")).MustSucceed();
    }
}
