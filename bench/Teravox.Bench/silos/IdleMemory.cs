// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using Teravox.Contracts;

namespace Teravox.Bench.Silos;

/// <summary>Memory of a real <c>teravox silo</c> that has nothing to do.</summary>
internal static class IdleMemory
{
    /// <exception cref="InputException">The program is not built, or ended by itself.</exception>
    public static async Task<(double ResidentMiB, double OwnMiB)> MeasureAsync(string host, string ledger, string store, TimeSpan idle, CancellationToken ct)
    {
        Directory.CreateDirectory(store);
        var (program, arguments) = BenchHosts.Silo(host);
        var info = new ProcessStartInfo("dotnet") { RedirectStandardInput = true, RedirectStandardOutput = true };
        foreach (var argument in (string[])[program, "silo", "--ledger", ledger, "--store", store, "--urls", "http://127.0.0.1:0", "--device", "cpu", "--stop-with-stdin", .. arguments])
            info.ArgumentList.Add(argument);
        using var silo = Process.Start(info)!;
        try
        {
            _ = silo.StandardOutput.ReadToEndAsync(ct);
            await Task.Delay(idle, ct);
            if (silo.HasExited)
                throw new InputException($"teravox silo ended with code {silo.ExitCode}");
            return Machine.MemoryMiB(silo.Id);
        }
        finally
        {
            silo.StandardInput.Close();
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(15));
            await silo.WaitForExitAsync(patience.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (!silo.HasExited)
                silo.Kill();
        }
    }
}
