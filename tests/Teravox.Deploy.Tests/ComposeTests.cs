// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using YamlDotNet.Serialization;
using Map = System.Collections.Generic.Dictionary<object, object>;

namespace Teravox.Deploy.Tests;


public sealed class ComposeTests
{
    private const string Main = "deploy/compose.yaml";
    private const string Cuda = "deploy/compose.cuda.yaml";

    [Fact]
    public async Task Compose_AsItIs_HasNoProblem() => Assert.Empty(Problems(await ConfigAsync(Tool.Text(Main))));

    [Theory]
    [InlineData("healthcheck:", "healthchecks:")]
    [InlineData("migrate: {condition: service_completed_successfully}", "migration: {condition: service_completed_successfully}")]
    public async Task Compose_WhenBrokenOnPurpose_IsRefusedByComposeItself(string good, string bad)
    {
        Assert.Contains(good, Tool.Text(Main), StringComparison.Ordinal);
        await Assert.ThrowsAsync<FormatException>(() => ConfigAsync(Tool.Text(Main).Replace(good, bad, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Compose_WhenItsPartsDisagree_HasAProblem()
    {
        var good = await ConfigAsync(Tool.Text(Main));
        foreach (var (from, to) in new[]
        {
            ("stop_grace_period: 2m", "stop_grace_period: 1m"),
            ("postgres:15.18-bookworm", "postgres:latest"),
            ("    healthcheck:", "    x-healthcheck:"),
            ("7300-7309:7300/tcp", "7300-7309:7301/tcp"),
            ("127.0.0.1:7300-7309", "7300-7309"),
            ("TERAVOX_DATABASE_FILE: /run/secrets/silo_database", "TERAVOX_DATABASE_FILE: /run/secrets/owner_database"),
            ("source: silo_database", "source: owner_database"),
            ("sql/roles.sql", "sql/role.sql"),
            ("Dockerfile.cpu", "Dockerfile.gpu"),
            ("certificates:/certificates:ro", "certificates:/certificates:rw"),
            ("certificates:/certificates:ro", "authority:/certificates:ro"),
            ("- --cluster-certificates", "- --cluster-address"),
            ("TERAVOX_CLUSTER_PORT", "TERAVOX_PORT"),
            ("bin/cluster-certificates", "bin/certificates"),
        })
        {
            Assert.Contains(from, good, StringComparison.Ordinal);
            Assert.True(Problems(good.Replace(from, to, StringComparison.Ordinal)).Count > 0, $"{to}: nothing is found wrong with it");
        }
    }

    // Compose itself reads the files, against its own schema, and puts them together.
    private static async Task<string> ConfigAsync(string main)
    {
        Tool.Need("docker-compose", "docker-compose");
        using var folder = new TemporaryFolder();
        var deploy = Directory.CreateDirectory(folder["deploy"]).FullName;
        File.WriteAllText(Path.Combine(deploy, "compose.yaml"), main);
        File.WriteAllText(Path.Combine(deploy, "compose.cuda.yaml"), Tool.Text(Cuda));
        var config = await Tool.RunAsync("docker-compose", "-f", Path.Combine(deploy, "compose.yaml"), "-f", Path.Combine(deploy, "compose.cuda.yaml"), "config");
        return config.Code == 0 ? config.Output : throw new FormatException(config.Error);
    }

    private static List<string> Problems(string config)
    {
        var problems = new List<string>();
        var whole = new DeserializerBuilder().Build().Deserialize<Map>(config);
        var services = ((Map)whole["services"]).ToDictionary(s => (string)s.Key, s => (Map)s.Value);
        foreach (var (name, service) in services)
            CheckService(name, service, services, (Map)whole["secrets"], problems);

        var silo = services["silo"];
        var arguments = List(silo, "command");
        Must(Seconds((string)silo["stop_grace_period"]) >= Grace.Of(arguments) + Grace.ToGiveBack, "silo: stop_grace_period leaves too little after --grace");
        var port = new Uri(Arguments.After(arguments, "--urls")!.Replace("0.0.0.0", "localhost", StringComparison.Ordinal)).Port.ToString(CultureInfo.InvariantCulture);
        Must(List(silo, "ports").All(p => p.StartsWith("127.0.0.1:", StringComparison.Ordinal) && p.EndsWith($":{port}/tcp", StringComparison.Ordinal)), "silo: its port is not that of --urls, or not on loopback");
        Must(Secrets(silo).SequenceEqual(["silo_database"]), "silo: it sees more than its own database's address");
        Must(List(silo, "volumes").Any(v => v == $"certificates:{Arguments.After(arguments, "--cluster-certificates")}:ro"), "silo: --cluster-certificates is not the volume of the certificates, or it can be written");
        Must(!List(silo, "volumes").Any(v => v.StartsWith("authority:", StringComparison.Ordinal)), "silo: it sees the authority's key");
        Must(((Map)silo["environment"]).ContainsKey("TERAVOX_CLUSTER_PORT"), "silo: the others do not reach it");
        foreach (var program in services.Values.SelectMany(s => List(s, "entrypoint")).Where(p => p.StartsWith("/opt/teravox/bin/", StringComparison.Ordinal)))
            Must(File.Exists(Tool.At("deploy/scripts/" + Path.GetFileName(program))), $"no {program} in deploy/scripts");
        Must((string)silo["image"] == $"teravox:{Images.Own}-cuda", "compose.cuda.yaml: the silos' image");
        return problems;

        void Must(bool holds, string what)
        {
            if (!holds)
                problems.Add(what);
        }
    }

    private static void CheckService(string name, Map service, Dictionary<string, Map> services, Map secrets, List<string> problems)
    {
        if (Images.WhyNotPinned((string)service["image"]) is { } why)
            problems.Add($"{name}: {why}");
        if (service.TryGetValue("build", out var build) && !File.Exists(Tool.At((string)((Map)build)["dockerfile"])))
            problems.Add($"{name}: no {((Map)build)["dockerfile"]}");
        foreach (var before in service.TryGetValue("depends_on", out var on) ? ((Map)on).Keys.Cast<string>() : [])
        {
            if (!services.TryGetValue(before, out var other))
                problems.Add($"{name}: it waits for {before}, which there is not");
            else if ((string)((Map)((Map)on!)[before])["condition"] == "service_healthy" && !other.ContainsKey("healthcheck"))
                problems.Add($"{name}: it waits for {before} to be healthy, which nothing checks");
        }

        var seen = Secrets(service).ToList();
        problems.AddRange(seen.Where(s => !secrets.ContainsKey(s)).Select(s => $"{name}: no secret {s}"));
        foreach (var (variable, value) in service.TryGetValue("environment", out var environment) ? (Map)environment : [])
        {
            if (((string)variable).EndsWith("_FILE", StringComparison.Ordinal) && !seen.Contains(((string)value).Replace("/run/secrets/", "", StringComparison.Ordinal)))
                problems.Add($"{name}: {variable} names no secret that it sees");
        }

        var ours = Tool.At("deploy");
        foreach (var file in List(service, "volumes").Select(v => v.Split(':')[0]).Where(v => v.Contains("/deploy/", StringComparison.Ordinal)))
        {
            var path = Path.Combine(ours, file[(file.LastIndexOf("/deploy/", StringComparison.Ordinal) + "/deploy/".Length)..]);
            if (!File.Exists(path))
                problems.Add($"{name}: no {path}");
        }
    }

    private static IEnumerable<string> Secrets(Map service) =>
        service.TryGetValue("secrets", out var secrets) ? ((List<object>)secrets).Select(s => (string)((Map)s)["source"]) : [];

    private static List<string> List(Map service, string key) =>
        service.TryGetValue(key, out var list) ? [.. ((List<object>)list).Cast<string>()] : [];

    private static int Seconds(string duration) => duration switch
    {
        [.. var minutes, 'm'] => 60 * int.Parse(minutes, CultureInfo.InvariantCulture),
        [.. var seconds, 's'] => int.Parse(seconds, CultureInfo.InvariantCulture),
        _ => 0,
    };
}
