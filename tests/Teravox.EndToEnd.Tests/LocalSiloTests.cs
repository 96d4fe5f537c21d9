// SPDX-License-Identifier: Apache-2.0
using System.Globalization;

namespace Teravox.EndToEnd.Tests;

/// <summary>The silo that a run embeds: nobody else of the machine can connect to it.</summary>
public sealed class LocalSiloTests
{
    private const string Listening = "0A";

    [Fact]
    public async Task Run_WhileItTrains_ListensOnNoPort()
    {
        using var folder = new TemporaryFolder();
        using var process = TeravoxProcess.Start(
            ["run", Path.Combine(TeravoxProcess.RepositoryRoot, "specs", "phantom-quick.json"), "--threads", "1", "--json", "--set", "training.iterations=100000", "--out", folder["out"]]);
        var training = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        process.OutputLine += line =>
        {
            if (line.Contains("\"stage\":\"train-multiclass\"", StringComparison.Ordinal))
                training.TrySetResult();
        };
        await training.Task.WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken);

        var sockets = SocketsOf(process.Pid);
        var open = new[] { "tcp", "tcp6" }.SelectMany(table => File.ReadAllLines($"/proc/{process.Pid.ToString(CultureInfo.InvariantCulture)}/net/{table}").Skip(1))
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Where(fields => fields[3] == Listening && sockets.Contains(fields[9]))
            .Select(fields => fields[1])
            .ToList();
        process.Kill();
        await process.EndAsync();

        Assert.True(open.Count == 0, "it listens on " + string.Join(", ", open));
    }

    /// <summary>Inodes of a process' sockets.</summary>
    private static HashSet<string> SocketsOf(int pid) => Directory.EnumerateFileSystemEntries($"/proc/{pid.ToString(CultureInfo.InvariantCulture)}/fd")
        .Select(fd => new FileInfo(fd).LinkTarget ?? "")
        .Where(target => target.StartsWith("socket:[", StringComparison.Ordinal))
        .Select(target => target["socket:[".Length..^1])
        .ToHashSet(StringComparer.Ordinal);
}
