// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Teravox.Contracts;

namespace Teravox.Bench.Silos;

/// <summary>Memory of a real <c>teravox silo</c> with its HTTP API that has nothing to do.</summary>
internal static class IdleCommand
{
    public static Command Make()
    {
        var seconds = new Option<int>("--seconds") { Description = "Seconds after its start at which its memory is read.", DefaultValueFactory = _ => 60 };
        var json = BenchCommand.JsonFile();
        return new Command("idle", "Memory of an idle silo with the HTTP API, on PostgreSQL.") { seconds, json }.Does(async (result, ct) =>
        {
            await using var cluster = await BenchCluster.StartAsync(0, sayItems: false, ct);
            Console.WriteLine($"machine: {Machine.Describe()}; one teravox silo on PostgreSQL, {result.GetValue(seconds)} s after its start");
            var (resident, own) = await MeasureAsync(cluster.Database, Path.Combine(cluster.Folder, "store"), TimeSpan.FromSeconds(result.GetValue(seconds)), ct);
            Target[] targets = [new("MiB resident", resident, 180, SmallIsGood: true)];
            Target.Print(targets);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{own:F0} MiB of them are its own, not shared with other processes"));
            await BenchCommand.SaveAsync(result.GetValue(json), new { machine = Machine.Describe(), residentMiB = resident, ownMiB = own, targets }, ct);
            BenchCommand.PrintRatio(targets);
            return 0;
        });
    }

    private static async Task<(double ResidentMiB, double OwnMiB)> MeasureAsync(string database, string store, TimeSpan idle, CancellationToken ct)
    {
        Directory.CreateDirectory(store);
        var info = new ProcessStartInfo("dotnet") { RedirectStandardInput = true, RedirectStandardOutput = true };
        foreach (var argument in (string[])[TeravoxProgram.Path(), "silo", "--database", database, "--store", store, "--urls", "http://127.0.0.1:0", "--device", "cpu", "--stop-with-stdin"])
            info.ArgumentList.Add(argument);
        using var silo = Process.Start(info)!;
        try
        {
            _ = silo.StandardOutput.ReadToEndAsync(ct);
            await Task.WhenAny(silo.WaitForExitAsync(ct), Task.Delay(idle, ct));
            ct.ThrowIfCancellationRequested();
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
