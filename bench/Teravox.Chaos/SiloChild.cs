// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Teravox.Silo.Local;

namespace Teravox.Chaos;

/// <summary>A line that a silo wrote.</summary>
/// <param name="Kind">"ready", "claimed", "committed", "stopped", ...</param>
/// <param name="Json">All of it.</param>
public sealed record SiloLine(string Kind, JsonElement Json)
{
    /// <summary>A field as text, or null.</summary>
    public string? this[string field] => Json.TryGetProperty(field, out var value) ? value.ToString() : null;
}

/// <summary>A real <c>teravox silo</c> process. It ends with this one: its standard input closes.</summary>
public sealed class SiloChild : IDisposable
{
    private readonly Process _process;
    private readonly ConcurrentQueue<SiloLine> _lines = [];
    private readonly ConcurrentQueue<string> _errors = [];

    private SiloChild(Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, e) => Hear(e.Data);
        process.ErrorDataReceived += (_, e) =>
        {
            // That it stops where it was asked to stop is no error.
            if (e.Data is { Length: > 0 } line && !line.StartsWith("stopped at ", StringComparison.Ordinal))
                _errors.Enqueue(line);
        };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>Its process id.</summary>
    public int Pid => _process.Id;

    /// <summary>What it wrote so far.</summary>
    public IEnumerable<SiloLine> Lines => _lines;

    /// <summary>What it wrote to standard error: nothing, as a rule.</summary>
    public IEnumerable<string> Errors => _errors;

    /// <summary>Whether it works.</summary>
    public bool IsReady => !_process.HasExited && Lines.Any(l => l.Kind == "ready");

    /// <summary>Whether it works again after it was taken for dead.</summary>
    public bool HasRejoined => Lines.SkipWhile(l => l.Kind != "rejoining").Any(l => l.Kind == "ready");

    /// <summary>Whether it has ended.</summary>
    public bool HasEnded => _process.HasExited;

    /// <summary>Its exit code; 137 after a kill -9.</summary>
    public int ExitCode => _process.ExitCode;

    /// <summary>Its name in the cluster in its first life; null before it said so.</summary>
    public string? Name => Lines.FirstOrDefault(l => l.Kind == "start")?["name"];

    /// <summary>Whether a signal, or a fault point, has stopped it where it was.</summary>
    public bool IsStopped
    {
        get
        {
            try
            {
                return File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{Pid}/stat")) is var stat && stat[stat.LastIndexOf(')') + 2] == 'T';
            }
            catch (IOException)
            {
                return false;
            }
        }
    }

    /// <summary>Starts one.</summary>
    /// <param name="prefix">What its command begins with; empty for none.</param>
    /// <param name="arguments">The program and its arguments.</param>
    /// <param name="environment">Further variables.</param>
    public static SiloChild Start(IReadOnlyList<string> prefix, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string> environment)
    {
        string[] command = [.. prefix, "dotnet", .. arguments, "--json", "--stop-with-stdin"];
        var info = new ProcessStartInfo(command[0]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in command[1..])
            info.ArgumentList.Add(argument);
        info.Environment["OMP_WAIT_POLICY"] = "PASSIVE";
        foreach (var (name, value) in environment)
            info.Environment[name] = value;
        return new SiloChild(Process.Start(info)!);
    }

    /// <summary>Whether it was asked to end, or killed.</summary>
    public bool WasEnded { get; private set; }

    /// <summary>Sends a signal; see <see cref="Signals"/>.</summary>
    public void Signal(int signal)
    {
        WasEnded |= signal is Signals.Kill or Signals.Terminate;
        if (!_process.HasExited)
            Signals.Send(Pid, signal);
    }

    /// <summary>Waits for its end and for all that it wrote.</summary>
    public async Task EndAsync(CancellationToken ct) => await _process.WaitForExitAsync(ct);

    /// <summary>Ends it with kill -9 if it has not ended.</summary>
    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.Dispose();
    }

    private void Hear(string? line)
    {
        if (line is null || line.Length == 0 || line[0] != '{')
            return;
        try
        {
            using var document = JsonDocument.Parse(line);
            _lines.Enqueue(new SiloLine(document.RootElement.GetProperty("kind").GetString()!, document.RootElement.Clone()));
        }
        catch (JsonException)
        {
            // A kill cut the line off.
        }
    }
}
