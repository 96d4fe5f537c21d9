// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Teravox.Client;
using Teravox.Contracts;

namespace Teravox.Cli.Remote;

/// <summary>Says how far files are on their way: one line that is rewritten on a terminal, lines every few seconds elsewhere.</summary>
internal sealed class TransferView(bool json) : IDisposable
{
    private static readonly TimeSpan PlainEvery = TimeSpan.FromSeconds(5), TerminalEvery = TimeSpan.FromMilliseconds(200);

    private readonly Lock _gate = new();
    private readonly bool _terminal = !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") is not (null or "dumb");
    private readonly Stopwatch _sinceLine = Stopwatch.StartNew();
    private bool _open;

    public void Show(UploadProgress p)
    {
        var what = p.Phase switch
        {
            UploadPhase.Reading => "reading",
            UploadPhase.Sending => "uploading",
            _ => "the cluster checks the volume",
        };
        Show(what, p.FilesDone, p.Files, p.BytesDone, p.Bytes, p.BytesPerSecond, p.SecondsLeft, force: p.Phase == UploadPhase.Checking);
    }

    public void Show(string what, int filesDone, int files, long done, long all, double rate, double? left, bool force = false)
    {
        lock (_gate)
        {
            var last = done == all && filesDone == files;
            if (!force && !last && _sinceLine.Elapsed < (_terminal || json ? TerminalEvery : PlainEvery))
                return;
            _sinceLine.Restart();
            if (json)
            {
                Console.Out.WriteLine(JsonSerializer.Serialize(new { kind = "transfer", what, filesDone, files, done, all, bytesPerSecond = rate }, TeravoxJson.Compact));
                return;
            }

            var end = left is { } seconds && seconds >= 1 ? $", {Human.Seconds(seconds)} left" : "";
            var line = force ? what : string.Create(CultureInfo.InvariantCulture, $"{what}: {filesDone} of {files} files, {Human.Bytes(done)} of {Human.Bytes(all)}, {Human.Bytes(rate)}/s{end}");
            if (!_terminal)
            {
                Console.Error.WriteLine(line);
                return;
            }

            var width = Math.Max(20, Console.BufferWidth - 1);
            Console.Error.Write("\r" + (line.Length > width ? line[..width] : line).PadRight(width));
            _open = !(last || force);
            if (!_open)
                Console.Error.WriteLine();
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            if (_open)
                Console.Error.WriteLine();
            _open = false;
        }
    }
}
