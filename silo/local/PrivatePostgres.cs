// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Globalization;
using Teravox.Contracts;

namespace Teravox.Silo.Local;

/// <summary>
/// A PostgreSQL server of this process's own, in a folder and on a loopback port of its own: for trying a cluster out and
/// for tests. It ends with this process, however that ends: a watcher holds the read end of a pipe whose write end is
/// here, and stops the server when the pipe closes.
/// </summary>
public sealed class PrivatePostgres : IAsyncDisposable
{
    /// <summary>The one database.</summary>
    public const string Database = "teravox";

    private const string Watcher = """
        "$@" </dev/null &
        server=$!
        read -r _
        kill -INT "$server" 2>/dev/null
        wait "$server"
        """;

    private readonly string _bin;
    private readonly string _folder;
    private readonly string[] _settings;
    private readonly int _port;
    private Process? _watcher;

    private PrivatePostgres(string bin, string folder, string[] settings)
    {
        _bin = bin;
        _folder = folder;
        _settings = settings;
        _port = LoopbackPorts.Free();
    }

    /// <summary>Address of the database for <see cref="Grains.Ledger.Ledgers.OpenAsync"/>.</summary>
    public string Address => $"postgres://teravox@127.0.0.1:{_port.ToString(CultureInfo.InvariantCulture)}/{Database}";

    /// <summary>What the server wrote.</summary>
    public string LogFile => Path.Combine(_folder, "postgres.log");

    private string Data => Path.Combine(_folder, "data");

    /// <summary>Why no server can be started here, with what to do; null when one can.</summary>
    public static string? WhyMissing() =>
        FindBin() is null ? "PostgreSQL's server is not installed; install it, as with: apt-get install postgresql" : null;

    /// <summary>Starts a server, and makes its database where the folder has none.</summary>
    /// <param name="folder">A folder for it alone; made when missing.</param>
    /// <param name="settings">Settings of the server, "name=value".</param>
    /// <param name="ct">Stops the wait.</param>
    /// <exception cref="InputException">PostgreSQL is not installed, or does not start; its log is named.</exception>
    public static async Task<PrivatePostgres> StartAsync(string folder, IReadOnlyList<string> settings, CancellationToken ct)
    {
        var bin = FindBin() ?? throw new InputException(WhyMissing()!);
        var server = new PrivatePostgres(bin, Path.GetFullPath(folder), [.. settings]);
        try
        {
            await server.InitAsync(ct);
            await server.StartAsync(ct);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Process id of the server; 0 when it does not run.</summary>
    public int Pid => int.TryParse(PidFile.FirstOrDefault(), CultureInfo.InvariantCulture, out var pid) ? pid : 0;

    // Another's server may have taken the port and answer there; the folder's file, whose eighth line is the state, is this one's.
    private bool IsReady => PidFile is [_, _, _, _, _, _, _, var state, ..] && state.TrimEnd() == "ready";

    private string[] PidFile
    {
        get
        {
            try
            {
                return File.ReadAllLines(Path.Combine(Data, "postmaster.pid"));
            }
            catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
            {
                // The server removes its file when it ends, which may be at this moment.
                return [];
            }
        }
    }

    /// <summary>Starts the server again after <see cref="StopAsync"/>, on the same port.</summary>
    /// <exception cref="InputException">It does not start.</exception>
    public async Task StartAsync(CancellationToken ct)
    {
        string[] server =
        [
            Path.Combine(_bin, "postgres"), "-D", Data, "-p", _port.ToString(CultureInfo.InvariantCulture), "-k", _folder,
            "-c", "listen_addresses=127.0.0.1", "-c", "logging_collector=off", .. _settings.SelectMany(s => new[] { "-c", s }),
        ];

        // A session of its own: Ctrl-C in the terminal must not stop the server before those who use it.
        var info = new ProcessStartInfo("setsid") { RedirectStandardInput = true, UseShellExecute = false };
        foreach (var part in new[] { "bash", "-c", $"exec >>\"{LogFile}\" 2>&1\n{Watcher}", "watcher" }.Concat(Unprivileged(server)))
            info.ArgumentList.Add(part);
        _watcher = Process.Start(info)!;
        var deadline = Stopwatch.StartNew();
        while (!IsReady || await RunAsync(ct, Path.Combine(_bin, "pg_isready"), "-q", "-h", "127.0.0.1", "-p", _port.ToString(CultureInfo.InvariantCulture)) != 0)
        {
            if (_watcher.HasExited || deadline.Elapsed > TimeSpan.FromSeconds(60))
                throw new InputException($"PostgreSQL does not start in {_folder}; see {LogFile}.");
            await Task.Delay(50, ct);
        }
    }

    /// <summary>Stops the server and waits for its end.</summary>
    /// <param name="signal"><see cref="Signals.Interrupt"/>, or <see cref="Signals.Quit"/> to stop as in a crash.</param>
    /// <param name="ct">Stops the wait.</param>
    public async Task StopAsync(int signal, CancellationToken ct)
    {
        if (_watcher is null)
            return;
        if (Pid is var pid and > 0)
            Signals.Send(pid, signal);
        while (Pid > 0 && !_watcher.HasExited && Signals.Send(Pid, 0))
            await Task.Delay(20, ct);
        _watcher.StandardInput.Close();
        await _watcher.WaitForExitAsync(ct);
        _watcher.Dispose();
        _watcher = null;
    }

    /// <summary>Stops the server.</summary>
    public async ValueTask DisposeAsync() => await StopAsync(Signals.Interrupt, CancellationToken.None);

    private async Task InitAsync(CancellationToken ct)
    {
        if (File.Exists(Path.Combine(Data, "PG_VERSION")))
            return;
        Directory.CreateDirectory(_folder);
        if (Environment.IsPrivilegedProcess && await RunAsync(ct, "chown", "postgres:", _folder) != 0)
            throw new InputException($"{_folder} cannot be given to the user postgres, as whom PostgreSQL runs; choose another folder.");

        // Loopback and a folder of its own: whoever gets there is this user or root.
        var init = Unprivileged([Path.Combine(_bin, "initdb"), "-D", Data, "-U", "teravox", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]);
        if (await RunAsync(ct, [.. init]) != 0)
            throw new InputException($"initdb failed for {Data}; is the folder empty, and may the user postgres write there?");
        await File.AppendAllTextAsync(Path.Combine(Data, "postgresql.conf"), "max_connections = 300\n", ct);

        // A database of the user's name is what initdb's server lacks; single-user mode makes it before the start.
        if (await RunAsync(ct, [.. Unprivileged(["bash", "-c", $"echo 'CREATE DATABASE {Database}' | \"$0\" --single -D \"$1\" postgres", Path.Combine(_bin, "postgres"), Data])]) != 0)
            throw new InputException($"PostgreSQL could not make its database in {Data}.");
    }

    // PostgreSQL refuses to run as root.
    private static IEnumerable<string> Unprivileged(IEnumerable<string> command) =>
        Environment.IsPrivilegedProcess ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", .. command] : command;

    private static async Task<int> RunAsync(CancellationToken ct, params string[] command)
    {
        var info = new ProcessStartInfo(command[0]) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/" };
        foreach (var argument in command[1..])
            info.ArgumentList.Add(argument);
        using var process = Process.Start(info)!;
        await Task.WhenAll(process.StandardOutput.ReadToEndAsync(ct), process.StandardError.ReadToEndAsync(ct));
        await process.WaitForExitAsync(ct);
        return process.ExitCode;
    }

    private static string? FindBin()
    {
        const string debian = "/usr/lib/postgresql";
        var installed = Directory.Exists(debian)
            ? Directory.GetDirectories(debian).OrderByDescending(d => int.TryParse(Path.GetFileName(d), out var version) ? version : 0).Select(d => Path.Combine(d, "bin"))
            : [];
        var onPath = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries);
        return installed.Concat(onPath).FirstOrDefault(d => File.Exists(Path.Combine(d, "postgres")) && File.Exists(Path.Combine(d, "initdb")));
    }
}
