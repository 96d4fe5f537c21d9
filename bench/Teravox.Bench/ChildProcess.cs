// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Reflection;
using System.Threading.Channels;

namespace Teravox.Bench;

/// <summary>
/// This program again, as another process that speaks in lines. It ends with its parent, however that ends: the child
/// exits when its standard input closes (<see cref="EndWithParent"/>).
/// </summary>
internal sealed class ChildProcess : IDisposable
{
    private readonly Process _process;
    private readonly Channel<string> _lines = Channel.CreateUnbounded<string>();

    private ChildProcess(Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, e) =>
        {
            if (e.Data is null)
                _lines.Writer.TryComplete();
            else
                _lines.Writer.TryWrite(e.Data);
        };
        process.BeginOutputReadLine();
    }

    public int Pid => _process.Id;

    public ChannelReader<string> Lines => _lines.Reader;

    public static ChildProcess Start(params IEnumerable<string> arguments)
    {
        var info = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardInput = true, RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(info.FileName) == "dotnet")
            info.ArgumentList.Add(Assembly.GetEntryAssembly()!.Location);
        foreach (var argument in arguments)
            info.ArgumentList.Add(argument);
        return new ChildProcess(Process.Start(info)!);
    }

    public Task SayAsync(string line, CancellationToken ct) => Task.Run(
        async () =>
        {
            await _process.StandardInput.WriteLineAsync(line.AsMemory(), ct);
            await _process.StandardInput.FlushAsync(ct);
        },
        ct);

    /// <summary>The next line it writes.</summary>
    /// <param name="ct">Stops the wait.</param>
    /// <param name="atMost">How long it may say nothing; two minutes when left out.</param>
    /// <exception cref="InvalidOperationException">It ended, or wrote nothing for so long.</exception>
    public async Task<string> HearAsync(CancellationToken ct, TimeSpan? atMost = null)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        patience.CancelAfter(atMost ?? TimeSpan.FromMinutes(2));
        try
        {
            return await _lines.Reader.ReadAsync(patience.Token);
        }
        catch (Exception e) when (e is ChannelClosedException or OperationCanceledException && !ct.IsCancellationRequested)
        {
            throw new InvalidOperationException($"Process {Pid} {(_process.HasExited ? $"ended with code {_process.ExitCode}" : "says nothing")}.", e);
        }
    }

    /// <summary>kill -9.</summary>
    public void Kill() => _process.Kill();

    public void Dispose()
    {
        _process.StandardInput.Close();
        if (!_process.WaitForExit(TimeSpan.FromSeconds(5)))
            _process.Kill();
        _process.Dispose();
    }
}

/// <summary>The child's side of <see cref="ChildProcess"/>.</summary>
internal static class EndWithParent
{
    /// <summary>Lines of standard input; the process ends at once when there are no more.</summary>
    public static ChannelReader<string> Lines()
    {
        var lines = Channel.CreateUnbounded<string>();
        new Thread(() =>
        {
            while (Console.In.ReadLine() is { } line)
                lines.Writer.TryWrite(line);
            Environment.Exit(0);
        })
        { IsBackground = true }.Start();
        return lines.Reader;
    }
}
