// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Teravox.Contracts;

namespace Teravox.Bench.Io;

/// <summary>bench/io_peer.py as a process: one task after the other, while ours waits.</summary>
internal sealed class IoPeer : IDisposable
{
    private readonly Process _process;

    public IoPeer()
    {
        var python = Environment.GetEnvironmentVariable("TERAVOX_PYTHON") is { Length: > 0 } p ? p : "/usr/bin/python3";
        if (!File.Exists(python))
            throw new InputException($"{python} does not exist; name a Python with zarr, tifffile and PIL in TERAVOX_PYTHON");
        _process = Process.Start(new ProcessStartInfo(python, [Path.Combine(AppContext.BaseDirectory, "io_peer.py")])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
    }

    /// <summary>Does a task; returns its seconds of CPU time.</summary>
    /// <exception cref="InputException">It failed; what it said is on standard error.</exception>
    public double Do(object task)
    {
        _process.StandardInput.WriteLine(JsonSerializer.Serialize(task));
        _process.StandardInput.Flush();
        var answer = _process.StandardOutput.ReadLine() ?? throw new InputException("io_peer.py ended; it needs python3-zarr, python3-tifffile and python3-pil");
        return double.Parse(answer, CultureInfo.InvariantCulture);
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        if (!_process.WaitForExit(TimeSpan.FromSeconds(5)))
            _process.Kill();
        _process.Dispose();
    }
}
