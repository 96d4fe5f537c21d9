// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Globalization;
using Teravox.Contracts;

namespace Teravox.Silo.Local;

/// <summary>
/// A PostgreSQL server of this process's own, in a folder of its own: for trying a cluster out and for tests. It ends with
/// this process, however that ends: a watcher holds the read end of a pipe whose write end is here, and stops the server
/// when the pipe closes.
/// </summary>
/// <remarks>
/// Whoever connects can run programs as the server's user (COPY TO PROGRAM), so no other user of the machine may connect.
/// The server has no TCP address. Its socket lies in a folder of mode 0700, which the server's user and root alone can
/// enter. And it takes nobody but this process's user and root at the socket: the system tells it who connects (peer),
/// which needs no password and holds even where somebody opens the folder by mistake. The server's user is this process's; it is
/// postgres where this process is root's, because PostgreSQL refuses root.
/// </remarks>
public sealed class PrivatePostgres : IAsyncDisposable
{
    /// <summary>The one database.</summary>
    public const string Database = "teravox";

    /// <summary>The number in the socket's name. Each server has a folder of its own, so all can have the same.</summary>
    public const int Port = 5432;

    /// <summary>The one user, who may do everything.</summary>
    public const string User = "teravox";

    // Its arguments: the log, a folder to remove in the end or "", the server's command.
    private const string Watcher = """
        exec >>"$1" 2>&1
        folder=$2
        shift 2
        "$@" </dev/null &
        server=$!
        read -r _
        kill -INT "$server" 2>/dev/null
        wait "$server"
        [ -z "$folder" ] || rm -rf -- "$folder"
        """;

    private static readonly string PortText = Port.ToString(CultureInfo.InvariantCulture);
    private static readonly string Socket = ".s.PGSQL." + PortText;

    private readonly string _bin;
    private readonly string _folder;
    private readonly string[] _settings;
    private string? _socketFolder;
    private Process? _watcher;

    private PrivatePostgres(string bin, string folder, string[] settings)
    {
        _bin = bin;
        _folder = folder;
        _settings = settings;
    }

    /// <summary>
    /// Address of the database for <see cref="Grains.Catalog.Catalogs.OpenAsync"/> and psql. It has the option host; further ones follow
    /// an '&amp;'.
    /// </summary>
    public string Address => $"postgres://{User}@localhost:{PortText}/{Database}?host={Uri.EscapeDataString(SocketFolder)}";

    /// <summary>Absolute path of the folder with the server's socket.</summary>
    public string SocketFolder => _socketFolder ?? throw new InvalidOperationException("The server was not started.");

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
            await server.PrepareAsync(ct);
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

    // The eighth line of the file is the server's state.
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

    /// <summary>Starts the server again after <see cref="StopAsync"/>, at the same address.</summary>
    /// <exception cref="InputException">It does not start.</exception>
    public async Task StartAsync(CancellationToken ct)
    {
        _socketFolder = await CloseFoldersAsync(ct);

        // What keeps others out comes last, where no other setting replaces it.
        string[] server =
        [
            Path.Combine(_bin, "postgres"), "-D", Data, "-c", "logging_collector=off", .. _settings.SelectMany(s => new[] { "-c", s }),
            "-p", PortText, "-k", _socketFolder, "-c", "listen_addresses=", "-c", "unix_socket_permissions=0700",
        ];

        // A session of its own: Ctrl-C in the terminal must not stop the server before those who use it.
        var info = new ProcessStartInfo("setsid") { RedirectStandardInput = true, UseShellExecute = false };
        foreach (var part in new[] { "bash", "-c", Watcher, "watcher", LogFile, _socketFolder == _folder ? "" : _socketFolder }.Concat(Unprivileged(server)))
            info.ArgumentList.Add(part);
        _watcher = Process.Start(info)!;
        var deadline = Stopwatch.StartNew();
        while (!IsReady || await RunAsync(ct, Path.Combine(_bin, "pg_isready"), "-q", "-h", _socketFolder, "-p", PortText) != 0)
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

    private async Task PrepareAsync(CancellationToken ct)
    {
        if (!File.Exists(Path.Combine(Data, "PG_VERSION")))
            await InitAsync(ct);

        // At every start: a folder that an older version made would trust everyone who gets to the socket.
        await WriteAsync("pg_hba.conf", "local all all peer map=teravox\n", ct);
        await WriteAsync("pg_ident.conf", string.Concat(new[] { "root", Environment.UserName }.Distinct().Select(MayBeSuperuser)), ct);
    }

    private static string MayBeSuperuser(string account) => $"teravox \"{account.Replace("\"", "\"\"", StringComparison.Ordinal)}\" {User}\n";

    private async Task InitAsync(CancellationToken ct)
    {
        if (await RunAsync(ct, "mkdir", "-p", "-m", "0700", "--", _folder) != 0)
            throw new InputException($"{_folder} cannot be made; choose another folder.");
        if (Environment.IsPrivilegedProcess && await RunAsync(ct, "chown", "postgres:", _folder) != 0)
            throw new InputException($"{_folder} cannot be given to the user postgres, as whom PostgreSQL runs; choose another folder.");
        var init = Unprivileged([Path.Combine(_bin, "initdb"), "-D", Data, "-U", User, "--auth-local=peer", "--auth-host=reject", "-E", "UTF8", "--locale=C", "--no-sync"]);
        if (await RunAsync(ct, [.. init]) != 0)
            throw new InputException($"initdb failed for {Data}; is the folder empty, and may the user {ServerUser} write there?");
        await File.AppendAllTextAsync(Path.Combine(Data, "postgresql.conf"), "max_connections = 300\n", ct);

        // A database of the user's name is what initdb's server lacks; single-user mode makes it before the start.
        if (await RunAsync(ct, [.. Unprivileged(["bash", "-c", $"echo 'CREATE DATABASE {Database}' | \"$0\" --single -D \"$1\" postgres", Path.Combine(_bin, "postgres"), Data])]) != 0)
            throw new InputException($"PostgreSQL could not make its database in {Data}.");
    }

    // As the server's user, to whom the folder belongs: root would follow a link of his to any file.
    private async Task WriteAsync(string file, string text, CancellationToken ct)
    {
        var path = Path.Combine(Data, file);
        if (await RunAsync(ct, [.. Unprivileged(["bash", "-c", "printf %s \"$1\" >\"$0\"", path, text])]) != 0)
            throw new InputException($"{path} cannot be written by the user {ServerUser}; give him the folder, or choose another.");
    }

    /// <summary>Makes sure that the server's user alone can enter its folder and the socket's. Returns the socket's, with an absolute path.</summary>
    private async Task<string> CloseFoldersAsync(CancellationToken ct)
    {
        // Done as the server's user, chmod fails in another's folder.
        if (await RunAsync(ct, [.. Unprivileged(["chmod", "0700", "--", _folder])]) != 0)
            throw new InputException($"{_folder} does not belong to the user {ServerUser}, as whom PostgreSQL runs; choose another folder.");
        if (SocketFolders.CanHold(_folder, Socket))
            return _folder;

        // mkdir fails where anything has that name, so the folder is new and its maker's. The watcher removes it with the server; a restart makes it again.
        foreach (var folder in _socketFolder is null ? SocketFolders.Elsewhere(Socket) : [_socketFolder])
        {
            if (await RunAsync(ct, [.. Unprivileged(["mkdir", "-m", "0700", "--", folder])]) == 0)
                return folder;
        }

        throw new InputException($"No folder for PostgreSQL's socket: {_folder} has a comma or quote in its name or is too long, and none can be made under {Path.GetTempPath()}; choose a shorter folder.");
    }

    private static string ServerUser => Environment.IsPrivilegedProcess ? "postgres" : Environment.UserName;

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
