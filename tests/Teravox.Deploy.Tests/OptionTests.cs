// SPDX-License-Identifier: Apache-2.0
using System.Text.RegularExpressions;
using YamlDotNet.Serialization;

namespace Teravox.Deploy.Tests;

/// <summary>Commands and options that the files of a deployment and its page use, against what the program says it has.</summary>
public sealed partial class OptionTests
{
    [Fact]
    public async Task EveryOptionThatIsUsed_IsOneOfTheProgram()
    {
        var used = Uses().Distinct().ToList();
        Assert.Contains(("silo", "--grace"), used);
        Assert.Contains(("key add", "--role"), used);
        Assert.Contains(("cluster-certificate", "--renew"), used);
        Assert.Empty(await UnknownAsync(used));
    }

    [Fact]
    public async Task ACommandOrOptionThatIsNone_IsFound() =>
        Assert.Equal(["silo --gracious", "key forge"], await UnknownAsync([("silo", "--gracious"), ("silo", "--grace"), ("key forge", "")]));

    private static async Task<List<string>> UnknownAsync(IEnumerable<(string Command, string Option)> used)
    {
        var unknown = new List<string>();
        foreach (var command in used.GroupBy(u => u.Command))
        {
            var help = (await Tool.RunAsync("dotnet", [Path.Combine(Tool.Home, "teravox.dll"), .. command.Key.Split(' '), "--help"])).MustSucceed().Output;
            if (!help.Contains($"  teravox {command.Key} ", StringComparison.Ordinal))
                unknown.Add(command.Key);
            var known = Option().Matches(help[help.IndexOf("Options:", StringComparison.Ordinal)..]).Select(m => m.Value).ToHashSet();
            unknown.AddRange(command.Select(u => u.Option).Where(o => o.Length > 0 && !known.Contains(o)).Select(o => $"{command.Key} {o}"));
        }

        return unknown;
    }

    private static IEnumerable<(string Command, string Option)> Uses()
    {
        string[] files = [.. Directory.EnumerateFiles(Tool.At("deploy"), "*", SearchOption.AllDirectories).Where(f => !f.Contains("/secrets/", StringComparison.Ordinal)), Tool.At("docs/deploy.md")];
        foreach (var text in files.Select(File.ReadAllText))
        {
            // A program's line, in a script, a unit or on the page; it may go on in the next line.
            foreach (Match line in CommandLine().Matches(text.Replace("\\\n", " ", StringComparison.Ordinal)))
            {
                foreach (var option in Option().Matches(line.Groups[2].Value).Select(m => m.Value).Append(""))
                    yield return (line.Groups[1].Value, option);
            }
        }

        // The silo's arguments that the Slurm script gathers first.
        foreach (var option in Option().Matches(string.Join('\n', Tool.Text("deploy/slurm/teravox-silo.sbatch").Split('\n').Where(l => l.Contains("options", StringComparison.Ordinal)))).Select(m => m.Value))
            yield return ("silo", option);

        foreach (var list in Directory.EnumerateFiles(Tool.At("deploy"), "*.yaml", SearchOption.AllDirectories).Select(File.ReadAllText).SelectMany(Lists))
        {
            var words = list[0] == "key" ? 2 : 1;
            foreach (var option in list.Skip(words).Where(a => a.StartsWith("--", StringComparison.Ordinal)).Append(""))
                yield return (string.Join(' ', list.Take(words)), option);
        }
    }

    // Lists in YAML that begin with a command of ours: "args" and "command" of containers.
    private static IEnumerable<List<string>> Lists(string yaml)
    {
        foreach (var document in yaml.Split("\n---\n"))
        {
            var left = new Stack<object?>([new DeserializerBuilder().Build().Deserialize<object?>(document)]);
            while (left.TryPop(out var node))
            {
                foreach (var child in node switch { Dictionary<object, object> map => map.Values, List<object> list => list, _ => Enumerable.Empty<object>() })
                    left.Push(child);
                if (node is List<object> words && words is ["silo" or "key" or "cluster-certificate", ..])
                    yield return [.. words.Cast<string>()];
            }
        }
    }

    [GeneratedRegex("(?:\\./|/opt/teravox/bin/|scripts/|here/|^|\\$)teravox\"? ((?:key|campaign|bench) [a-z]+|silo(?:s)?|cluster(?:-certificate)?|submit|status|pause|resume|cancel|report)\\b([^\\n#`|]*)", RegexOptions.Multiline)]
    private static partial Regex CommandLine();

    [GeneratedRegex("(?<![a-z-])--[a-z][a-z-]*")]
    private static partial Regex Option();
}
