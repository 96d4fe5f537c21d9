// SPDX-License-Identifier: Apache-2.0
using System.Text.RegularExpressions;

namespace Teravox.Deploy.Tests;

public sealed partial class ImageTests
{
    private static readonly string[] Known = ["ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "RUN", "STOPSIGNAL", "USER", "WORKDIR"];

    [Theory]
    [InlineData("deploy/docker/Dockerfile.cpu")]
    [InlineData("deploy/docker/Dockerfile.cuda")]
    public void Dockerfile_AsItIs_HasNoProblem(string file) => Assert.Empty(Problems(Tool.Text(file)));

    [Theory]
    [InlineData("USER 10001:10001", "USER root")]
    [InlineData("aspnet:10.0.12-noble", "aspnet:latest")]
    [InlineData("EXPOSE 7300", "EXPOSE 7301")]
    [InlineData("HEALTHCHECK", "HEALTHCHEK")]
    [InlineData("ENTRYPOINT [\"/usr/bin/tini\", \"--\", \"/opt/teravox/bin/teravox\"]", "ENTRYPOINT /opt/teravox/bin/teravox")]
    [InlineData("/opt/teravox/bin/healthcheck", "/opt/teravox/bin/health")]
    [InlineData("COPY --from=build", "COPY --from=builder")]
    [InlineData("COPY --from=page", "COPY --from=pages")]
    [InlineData("COPY web .", "COPY page .")]
    [InlineData("cli/Teravox.Cli.csproj", "cli/Cli.csproj")]
    public void Dockerfile_WhenBrokenOnPurpose_HasAProblem(string good, string bad)
    {
        var text = Tool.Text("deploy/docker/Dockerfile.cpu");
        Assert.Contains(good, text, StringComparison.Ordinal);
        Assert.NotEmpty(Problems(text.Replace(good, bad, StringComparison.Ordinal)));
    }

    [Fact]
    public void DockerIgnore_LetsThroughEveryProjectThatTheProgramIsMadeOf()
    {
        var through = Tool.Text(".dockerignore").Split('\n').Where(l => l is ['!', ..]).Select(l => l[1..]).ToHashSet();
        var projects = new HashSet<string>();
        var left = new Queue<string>(["cli/Teravox.Cli.csproj"]);
        while (left.TryDequeue(out var project))
        {
            if (!projects.Add(project))
                continue;
            foreach (Match reference in ProjectReference().Matches(Tool.Text(project)))
            {
                var path = reference.Groups[1].Value.Replace('\\', '/').Replace("$(RepoRoot)", Tool.Root + "/", StringComparison.Ordinal);
                left.Enqueue(Path.GetRelativePath(Tool.Root, Path.GetFullPath(Path.Combine(Tool.Root, Path.GetDirectoryName(project)!, path))));
            }
        }

        Assert.True(projects.Count > 4, "the references of the projects are not read");
        foreach (var needed in projects.Select(p => p.Split('/')[0]).Concat(["specs", "web", "deploy/scripts", "Directory.Build.props", "Directory.Packages.props"]))
            Assert.Contains(needed, through);
        Assert.DoesNotContain("deploy", through);
    }

    private static List<string> Problems(string text)
    {
        var problems = new List<string>();
        var instructions = text.Replace("\\\n", " ", StringComparison.Ordinal).Split('\n')
            .Where(l => l.Trim().Length > 0 && l[0] != '#')
            .Select(l => (Word: l.Split(' ')[0], Text: Spaces().Replace(l[l.Split(' ')[0].Length..].Trim(), " ")))
            .ToList();
        problems.AddRange(instructions.Where(i => !Known.Contains(i.Word)).Select(i => $"{i.Word} is no instruction of ours"));

        var arguments = new Dictionary<string, string>();
        foreach (var pair in instructions.Where(i => i.Word == "ARG").Select(i => i.Text.Split('=', 2)))
            arguments[pair[0]] = pair[1];
        var stages = new HashSet<string>();
        foreach (var from in instructions.Where(i => i.Word == "FROM").Select(i => i.Text.Split(' ')))
        {
            var image = Argument().Replace(from[0], m => arguments.GetValueOrDefault(m.Groups[1].Value, ""));
            if (Images.WhyNotPinned(image) is { } why)
                problems.Add(why);
            if (from is [_, "AS", var name])
                stages.Add(name);
        }

        foreach (var copy in instructions.Where(i => i.Word == "COPY").Select(i => i.Text.Split(' ')))
        {
            if (copy[0].StartsWith("--from=", StringComparison.Ordinal) ? !stages.Contains(copy[0]["--from=".Length..]) : !Path.Exists(Tool.At(copy[0])))
                problems.Add($"COPY {copy[0]}: no such source");
        }

        // The last stage is what runs.
        var last = instructions.Skip(instructions.FindLastIndex(i => i.Word == "FROM")).ToLookup(i => i.Word, i => i.Text);
        Must(last["USER"].SingleOrDefault() == "10001:10001", "it does not run as 10001, as the manifests do");
        Must(last["EXPOSE"].SingleOrDefault() == "7300", "it does not expose the port of the manifests");
        Must(last["ENTRYPOINT"].SingleOrDefault() is { } entry && entry.StartsWith("[\"/usr/bin/tini\", \"--\", ", StringComparison.Ordinal), "SIGTERM does not reach the silo");
        Must(last["STOPSIGNAL"].SingleOrDefault() == "SIGTERM", "it is not stopped by SIGTERM");
        Must(last["HEALTHCHECK"].Any(), "nothing checks its health");
        Must(last["RUN"].Any(r => r.Contains(" tini ", StringComparison.Ordinal)), "tini is not installed");
        foreach (var program in last["ENTRYPOINT"].Concat(last["HEALTHCHECK"]).SelectMany(i => Installed().Matches(i)).Select(m => m.Groups[1].Value))
            Must(File.Exists(Tool.At("deploy/scripts/" + program)), $"no {program} in deploy/scripts");

        foreach (Match project in Project().Matches(text))
            Must(File.Exists(Tool.At(project.Value)), $"no {project.Value}");
        return problems;

        void Must(bool holds, string what)
        {
            if (!holds)
                problems.Add(what);
        }
    }

    [GeneratedRegex("<ProjectReference Include=\"([^\"]+)\"")]
    private static partial Regex ProjectReference();

    [GeneratedRegex(" +")]
    private static partial Regex Spaces();

    [GeneratedRegex("\\$\\{([A-Z_]+)\\}")]
    private static partial Regex Argument();

    [GeneratedRegex("/opt/teravox/bin/([a-z-]+)")]
    private static partial Regex Installed();

    [GeneratedRegex("[A-Za-z/.]+\\.csproj")]
    private static partial Regex Project();
}
