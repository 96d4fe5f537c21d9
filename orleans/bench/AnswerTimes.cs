// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Globalization;
using Teravox.Bench;
using Teravox.Bench.Silos;
using Teravox.Grains.Ledger;
using Teravox.Orleans.Clients;
using Teravox.Silo.Local;

namespace Teravox.Orleans.Bench;

/// <summary>Time until an experiment's grain answers the same client again after its silo was lost.</summary>
internal static class AnswerTimes
{
    /// <summary>One loss: seconds from the signal to the first answer from another silo.</summary>
    /// <param name="signal"><see cref="Signals.Kill"/>, or <see cref="Signals.Stop"/> for a silo that is frozen.</param>
    /// <param name="address">The ledger's address.</param>
    /// <param name="ledger">The ledger.</param>
    /// <param name="ct">Stops it.</param>
    public static async Task<double> RunAsync(int signal, string address, ILedger ledger, CancellationToken ct)
    {
        using var a = Start(address);
        using var b = Start(address);
        await a.HearAsync(ct);
        await b.HearAsync(ct);
        var id = await SimulatedWork.SubmitAsync(ledger, 1, ct);
        try
        {
            await using var door = await OrleansDoor.ConnectAsync(address, ct);
            var grain = door.Grains.GetGrain<IExperimentGrain>(id.ToString(CultureInfo.InvariantCulture));
            var before = await door.AskAsync(grain.WhereAsync, ct);
            var lost = before.Silo.Contains($"-{a.Pid}-", StringComparison.Ordinal) ? a : b;

            // The call in flight at the loss is part of it.
            var asking = Task.Run(
                async () =>
                {
                    while ((await door.AskAsync(grain.WhereAsync, ct)).Silo == before.Silo)
                    {
                        // Not yet lost.
                    }

                    return Stopwatch.GetTimestamp();
                },
                ct);
            await Task.Delay(200, ct);
            var start = Stopwatch.GetTimestamp();
            Signals.Send(lost.Pid, signal);
            return Stopwatch.GetElapsedTime(start, await asking).TotalSeconds;
        }
        finally
        {
            await ledger.CancelAsync(id, CancellationToken.None);
        }
    }

    private static ChildProcess Start(string address) =>
        ChildProcess.Start("simulated-silo", "--ledger", address, "--ttl", "30", "--take", "3600000", "--host", BenchHosts.OrleansName);
}
