// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text.RegularExpressions;

namespace Teravox.Deploy.Tests;

public sealed partial class ScriptTests
{
    private const string Slurm = "deploy/slurm/teravox-silo.sbatch";

    public static TheoryData<string> Scripts =>
        [.. Directory.EnumerateFiles(Tool.At("deploy/scripts")).Concat(Directory.EnumerateFiles(Tool.At("deploy/slurm"))).Select(f => Path.GetRelativePath(Tool.Root, f)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Scripts))]
    public async Task Script_AsItIs_HasNoProblem(string script)
    {
        Tool.Need("shellcheck", "shellcheck");
        Assert.True(OperatingSystem.IsLinux() && (File.GetUnixFileMode(Tool.At(script)) & UnixFileMode.UserExecute) != 0 || script == Slurm, $"{script} is not executable");
        (await Tool.RunAsync("bash", "-n", Tool.At(script))).MustSucceed();
        (await Tool.RunAsync("shellcheck", Tool.At(script))).MustSucceed();
    }

    [Theory]
    [InlineData("\"${options[@]}\"", "${options[@]}")]
    [InlineData("done\n", "\n")]
    public async Task Script_WhenBrokenOnPurpose_HasAProblem(string good, string bad)
    {
        Tool.Need("shellcheck", "shellcheck");
        using var folder = new TemporaryFolder();
        Assert.Contains(good, Tool.Text(Slurm), StringComparison.Ordinal);
        File.WriteAllText(folder["job"], Tool.Text(Slurm).Replace(good, bad, StringComparison.Ordinal));
        Assert.NotEqual(0, (await Tool.RunAsync("shellcheck", "--shell=bash", folder["job"])).Code);
    }

    [Fact]
    public void SlurmScript_AsksForItsSignalEarlyEnough()
    {
        var text = Tool.Text(Slurm);
        var early = int.Parse(Signal().Match(text).Groups[1].Value, CultureInfo.InvariantCulture);
        var grace = int.Parse(DefaultGrace().Match(text).Groups[1].Value, CultureInfo.InvariantCulture);
        Assert.True(early >= grace + Grace.ToGiveBack, $"SIGTERM comes {early} s before the end, --grace is {grace}");

        // sbatch reads its options up to the first command.
        var last = text.LastIndexOf("#SBATCH", StringComparison.Ordinal);
        Assert.All(text[..last].Split('\n'), line => Assert.True(line is "" or ['#', ..], $"{line}: sbatch reads no option after this"));
        Assert.Contains("\n#SBATCH --requeue\n", text, StringComparison.Ordinal);
    }

    [GeneratedRegex("^#SBATCH --signal=B:TERM@([0-9]+)$", RegexOptions.Multiline)]
    private static partial Regex Signal();

    [GeneratedRegex("TERAVOX_GRACE:-([0-9]+)")]
    private static partial Regex DefaultGrace();
}
