// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Globalization;
using Teravox.Contracts;
using Teravox.Grains.Catalog;
using Teravox.Silo.Local;
using Teravox.Testing;

namespace Teravox.Catalog.Tests;

/// <summary>Who gets to a private PostgreSQL: its user and root, and no other user of the machine.</summary>
public sealed class PrivatePostgresTests : IDisposable
{
    private const UnixFileMode OwnersAlone = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode Everybodys = OwnersAlone | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;
    private readonly TempFolder _folder = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task StartAsync_WhenTheFolderIsAnOlderOneOpenToAll_ClosesIt()
    {
        await using (await PostgresServer.StartOwnAsync(_folder))
        {
        }

        // As older versions left it.
        SetMode(_folder["postgres"], Everybodys);
        await File.WriteAllTextAsync(_folder["postgres/data/pg_hba.conf"], "local all all trust\nhost all all 127.0.0.1/32 trust\n", Ct);
        await using var server = await PostgresServer.StartOwnAsync(_folder, "listen_addresses=127.0.0.1", $"port={LoopbackPorts.Free()}");

        Assert.Equal(_folder["postgres"], server.SocketFolder);
        Assert.Equal(OwnersAlone, ModeOf(server.SocketFolder));
        Assert.Empty(TcpPortsOf(server));
        Assert.Equal("local all all peer map=teravox\n", await File.ReadAllTextAsync(_folder["postgres/data/pg_hba.conf"], Ct));
        await MustAnswerAsync(server);
    }

    [Fact]
    public async Task Server_WhenAnotherUserOfTheMachineConnects_RefusesHim()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "only root can become another user");
        await using var server = await PostgresServer.StartOwnAsync(_folder);
        Assert.Equal((0, "1\n"), await PsqlAsync([], server));

        string[] nobody = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"];
        var (code, said) = await PsqlAsync(nobody, server);
        Assert.NotEqual(0, code);
        Assert.Contains("Permission denied", said, StringComparison.Ordinal);

        // Somebody opens folder and socket by mistake: the server still asks the system who connects.
        SetMode(server.SocketFolder, Everybodys);
        SetMode(Path.Combine(server.SocketFolder, ".s.PGSQL.5432"), Everybodys | UnixFileMode.GroupWrite | UnixFileMode.OtherWrite);
        (code, said) = await PsqlAsync(nobody, server);
        Assert.NotEqual(0, code);
        Assert.Contains("Peer authentication failed", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task StartAsync_WhenTheFolderIsAnotherUsers_SaysSo()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "only root can give a folder away");
        await using (await PostgresServer.StartOwnAsync(_folder))
        {
        }

        Assert.Equal(0, (await RunAsync(["chown", "nobody", _folder["postgres"]])).Code);

        var error = await Assert.ThrowsAsync<InputException>(() => PostgresServer.StartOwnAsync(_folder));

        Assert.Contains("postgres", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("deep")]
    [InlineData("a,b")]
    public async Task StartAsync_WhenTheFolderCannotHoldASocket_TakesAPrivateOneElsewhereAndRemovesIt(string name)
    {
        var folder = Directory.CreateDirectory(_folder[name == "deep" ? new string('d', 110) : name]).FullName;
        await using var server = await StartAsync(folder);
        var (address, sockets) = (server.Address, server.SocketFolder);
        Assert.DoesNotContain(_folder.FullName, sockets, StringComparison.Ordinal);
        Assert.Equal((OwnersAlone, OwnersAlone), (ModeOf(sockets), ModeOf(Path.Combine(folder, "postgres"))));
        await MustAnswerAsync(server);

        await server.StopAsync(Signals.Quit, Ct);
        Assert.False(Directory.Exists(sockets));
        await server.StartAsync(Ct);
        Assert.Equal(address, server.Address);
        Assert.Equal(OwnersAlone, ModeOf(sockets));
        await MustAnswerAsync(server);

        await server.DisposeAsync();
        Assert.False(Directory.Exists(sockets));
    }

    [Fact]
    public async Task StartAsync_WhenTheNameElsewhereIsTakenMeanwhile_Refuses()
    {
        var folder = Directory.CreateDirectory(_folder[new string('d', 110)]).FullName;
        await using var server = await StartAsync(folder);
        await server.StopAsync(Signals.Interrupt, Ct);
        var taken = Directory.CreateDirectory(server.SocketFolder);

        var error = await Assert.ThrowsAsync<InputException>(() => server.StartAsync(Ct));

        Assert.Contains("No folder for PostgreSQL's socket", error.Message, StringComparison.Ordinal);
        taken.Delete();
    }

    [Fact]
    public async Task StartAsync_WhenTheFoldersNameIsOdd_IsReached()
    {
        var folder = Directory.CreateDirectory(_folder["a b:c'&%;$(d)ä"]).FullName;
        await using var server = await StartAsync(folder);

        Assert.Equal(Path.Combine(folder, "postgres"), server.SocketFolder);
        await MustAnswerAsync(server);
        Assert.Equal((0, "1\n"), await PsqlAsync([], server));
    }

    private static Task<PrivatePostgres> StartAsync(string folder)
    {
        Prerequisite.Require(PrivatePostgres.WhyMissing());
        var parent = Path.GetDirectoryName(folder)!;
        SetMode(parent, ModeOf(parent) | UnixFileMode.OtherExecute);
        return PrivatePostgres.StartAsync(Path.Combine(folder, "postgres"), ["fsync=off"], Ct);
    }

    private static async Task MustAnswerAsync(PrivatePostgres server) =>
        await (await Catalogs.OpenAsync(server.Address, Ct)).DisposeAsync();

    private static Task<(int Code, string Said)> PsqlAsync(string[] by, PrivatePostgres server) =>
        RunAsync([.. by, "psql", "-X", "-w", "-A", "-t", server.Address, "-c", "SELECT 1"]);

    private static async Task<(int Code, string Said)> RunAsync(string[] command)
    {
        var info = new ProcessStartInfo(command[0]) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/" };
        foreach (var argument in command[1..])
            info.ArgumentList.Add(argument);
        using var process = Process.Start(info)!;
        var said = await Task.WhenAll(process.StandardOutput.ReadToEndAsync(Ct), process.StandardError.ReadToEndAsync(Ct));
        await process.WaitForExitAsync(Ct);
        return (process.ExitCode, string.Concat(said));
    }

    /// <summary>TCP ports at which the server's processes listen; each line of /proc/net/tcp has the address, the state (0A: listens) and the socket.</summary>
    private static List<int> TcpPortsOf(PrivatePostgres server)
    {
        Assert.SkipUnless(Directory.Exists("/proc/self/fd"), "the machine has no /proc");
        var sockets = Directory.GetFileSystemEntries($"/proc/{server.Pid}/fd").Select(fd => new FileInfo(fd).LinkTarget).ToHashSet();
        Assert.Contains(sockets, target => target?.StartsWith("socket:", StringComparison.Ordinal) == true);
        return
        [
            .. new[] { "tcp", "tcp6" }.Select(table => $"/proc/{server.Pid}/net/{table}").Where(File.Exists)
                .SelectMany(File.ReadLines)
                .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
                .Where(part => part is [_, _, _, "0A", ..] && sockets.Contains($"socket:[{part[9]}]"))
                .Select(part => int.Parse(part[1].Split(':')[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture)),
        ];
    }

    private static UnixFileMode ModeOf(string path) => OperatingSystem.IsWindows() ? default : File.GetUnixFileMode(path);

    private static void SetMode(string path, UnixFileMode mode)
    {
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, mode);
    }
}
