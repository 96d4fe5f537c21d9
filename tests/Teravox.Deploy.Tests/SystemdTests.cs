// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text.RegularExpressions;

namespace Teravox.Deploy.Tests;

public sealed partial class SystemdTests
{
    private const string Unit = "deploy/systemd/teravox-silo.service";

    // systemd's own measure in tenths, 0 (closed) to 100 (open): what a service that needs the network, GPUs and a compiler
    // at run time comes to with everything else closed.
    private const string MostExposed = "19";

    [Fact]
    public async Task Unit_AsItIs_HasNoProblem() => Assert.Empty(await ProblemsAsync(Tool.Text(Unit)));

    [Theory]
    [InlineData("Type=exec", "Type=exe")]
    [InlineData("TimeoutStopSec=120", "TimeoutStopSec=60")]
    [InlineData("TimeoutStopSec=120", "TimoutStopSec=120")]
    [InlineData("ExecStart=", "ExecStart=relative/")]
    [InlineData("ProtectSystem=strict", "ProtectSystem=no")]
    [InlineData("NoNewPrivileges=yes", "NoNewPrivileges=perhaps")]
    [InlineData("$TERAVOX_OPTIONS", "$TERAVOX_MORE")]
    [InlineData("LoadCredential=database:", "LoadCredential=address:")]
    [InlineData("LoadCredential=cluster.key:", "LoadCredential=silo.key:")]
    [InlineData("--cluster-certificates %d", "--grace %d")]
    public async Task Unit_WhenBrokenOnPurpose_HasAProblem(string good, string bad)
    {
        Assert.Contains(good, Tool.Text(Unit), StringComparison.Ordinal);
        Assert.NotEmpty(await ProblemsAsync(Tool.Text(Unit).Replace(good, bad, StringComparison.Ordinal)));
    }

    private static async Task<List<string>> ProblemsAsync(string text)
    {
        Tool.Need("systemd-analyze", "systemd");
        using var folder = new TemporaryFolder();
        var unit = folder["teravox-silo.service"];

        // The program is where it is built here; only there can systemd see that it is one.
        File.WriteAllText(unit, text.Replace("/opt/teravox/bin/", Tool.At("deploy/scripts/"), StringComparison.Ordinal));
        var problems = new List<string>();
        var verified = await Tool.RunAsync("systemd-analyze", "verify", unit);
        if (verified.Code != 0 || verified.All.Trim().Length > 0)
            problems.Add(verified.All);
        var exposed = await Tool.RunAsync("systemd-analyze", "security", "--no-pager", "--offline=yes", "--threshold=" + MostExposed, unit);
        if (exposed.Code != 0)
            problems.Add(exposed.All);

        var settings = text.Split('\n').Where(l => l.Contains('=', StringComparison.Ordinal) && l[0] != '#').ToLookup(l => l[..l.IndexOf('=', StringComparison.Ordinal)], l => l[(l.IndexOf('=', StringComparison.Ordinal) + 1)..]);
        var start = settings["ExecStart"].Single();
        if (!int.TryParse(settings["TimeoutStopSec"].SingleOrDefault(), NumberStyles.None, CultureInfo.InvariantCulture, out var stop) || stop < Grace.Of(start.Split(' ')) + Grace.ToGiveBack)
            problems.Add("TimeoutStopSec leaves too little after --grace");
        var example = Tool.Text("deploy/systemd/silo.env.example").Split('\n').Where(l => l.Contains('=', StringComparison.Ordinal)).Select(l => l.Split('=')[0]).ToHashSet();
        problems.AddRange(Variable().Matches(start).Select(m => m.Groups[1].Value).Where(v => !example.Contains(v)).Select(v => $"ExecStart: {v} is not in silo.env.example"));
        var credentials = settings["LoadCredential"].Select(c => c.Split(':')[0]).ToHashSet();
        if (Arguments.After(start.Split(' '), "--cluster-certificates") != "%d")
            problems.Add("ExecStart: --cluster-certificates is not the folder of the credentials");
        problems.AddRange(Certificates.Files.Where(f => !credentials.Contains(f)).Select(f => $"no credential {f}"));
        problems.AddRange(Credential().Matches(text).Select(m => m.Groups[1].Value).Where(c => !credentials.Contains(c)).Select(c => $"no credential {c}"));
        return problems;
    }

    [GeneratedRegex("\\$\\{?([A-Z_]+)")]
    private static partial Regex Variable();

    [GeneratedRegex("%d/([a-z]+)")]
    private static partial Regex Credential();
}
