// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Teravox.Silo.Local;

namespace Teravox.Testing;

/// <summary>
/// <c>teravox silo</c> as a real process that speaks JSON lines. It ends with its parent, however that ends, and at the
/// latest when this is disposed.
/// </summary>
public sealed class SiloProcess : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private readonly Process _process;
    private readonly Lock _lock = new();
    private readonly List<string> _lines = [];
    private readonly List<(Func<JsonElement, bool> Matches, TaskCompletionSource<JsonElement> Seen)> _waits = [];
    private readonly List<string> _errors = [];

    private SiloProcess(Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, e) => Hear(e.Data);
        process.ErrorDataReceived += (_, e) =>
        {
            if (e.Data is null)
                return;
            lock (_lock)
                _errors.Add(e.Data);
        };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>Its process id.</summary>
    public int Pid => _process.Id;

    /// <summary>True when it runs no more.</summary>
    public bool HasEnded => _process.HasExited;

    /// <summary>Everything it wrote, for messages of failed tests.</summary>
    public string Said
    {
        get
        {
            lock (_lock)
                return string.Join('\n', [.. _lines, .. _errors]);
        }
    }

    /// <summary>Starts a silo.</summary>
    /// <param name="database">Address of the database.</param>
    /// <param name="store">Folder of the store.</param>
    /// <param name="more">Further options of the command.</param>
    /// <param name="environment">Further variables.</param>
    public static SiloProcess Start(
        string database, string store, IEnumerable<string>? more = null, IReadOnlyDictionary<string, string>? environment = null)
    {
        var info = new ProcessStartInfo("dotnet") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in new[] { TeravoxProgram.Path, "silo", "--store", store, "--json", "--stop-with-stdin" }.Concat(more ?? []))
            info.ArgumentList.Add(argument);
        info.Environment["TERAVOX_DATABASE"] = database;
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
            info.Environment[name] = value;
        return new SiloProcess(Process.Start(info)!);
    }

    /// <summary>The first line of this kind that matches, be it past or to come.</summary>
    /// <exception cref="TimeoutException">It wrote none in time; the message has what it wrote.</exception>
    public async Task<JsonElement> WaitForAsync(string kind, Func<JsonElement, bool>? matches, CancellationToken ct)
    {
        var seen = new TaskCompletionSource<JsonElement>(TaskCreationOptions.RunContinuationsAsynchronously);
        bool Matches(JsonElement line) => line.GetProperty("kind").GetString() == kind && (matches is null || matches(line));
        lock (_lock)
        {
            foreach (var line in _lines.Select(Parse))
            {
                if (Matches(line))
                    return line;
            }

            _waits.Add((Matches, seen));
        }

        try
        {
            return await seen.Task.WaitAsync(Patience, ct);
        }
        catch (TimeoutException)
        {
            throw new TimeoutException(string.Create(CultureInfo.InvariantCulture, $"Silo {Pid} wrote no line \"{kind}\" in {Patience.TotalSeconds} s; it wrote:\n{Said}"));
        }
    }

    /// <summary>kill -9.</summary>
    public void Kill() => Signals.Send(Pid, Signals.Kill);

    /// <summary>Stops it where it is, with every thread.</summary>
    public void Freeze() => Signals.Send(Pid, Signals.Stop);

    /// <summary>Lets it go on after <see cref="Freeze"/>.</summary>
    public void Thaw() => Signals.Send(Pid, Signals.Continue);

    /// <summary>Asks it to drain; asked again, to stop at once.</summary>
    public void Terminate() => Signals.Send(Pid, Signals.Terminate);

    /// <summary>Closes its standard input, as its parent's death would.</summary>
    public void Orphan() => _process.StandardInput.Close();

    /// <summary>Waits for its end and gives its exit code.</summary>
    /// <exception cref="TimeoutException">It did not end in time; the message has what it wrote.</exception>
    public async Task<int> EndAsync(CancellationToken ct)
    {
        try
        {
            await _process.WaitForExitAsync(ct).WaitAsync(Patience, ct);
        }
        catch (TimeoutException)
        {
            throw new TimeoutException(string.Create(CultureInfo.InvariantCulture, $"Silo {Pid} did not end; it wrote:\n{Said}"));
        }

        return _process.ExitCode;
    }

    /// <summary>Ends it.</summary>
    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit();
        }

        _process.Dispose();
    }

    private static JsonElement Parse(string line) => JsonSerializer.Deserialize<JsonElement>(line);

    private void Hear(string? line)
    {
        if (line is null)
            return;
        lock (_lock)
        {
            if (!line.StartsWith('{'))
            {
                _errors.Add(line);
                return;
            }

            _lines.Add(line);
            var heard = Parse(line);
            foreach (var (_, seen) in _waits.Where(wait => wait.Matches(heard)))
                seen.TrySetResult(heard);
        }
    }
}
