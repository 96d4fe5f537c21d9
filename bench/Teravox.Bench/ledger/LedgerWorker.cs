// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Teravox.Grains.Ledger;

namespace Teravox.Bench.Ledger;

/// <summary>What one worker did between "go" and its end.</summary>
/// <param name="Items">Items committed.</param>
/// <param name="Seconds">From "go" to its last commit.</param>
/// <param name="ClaimMs">Time of each claim, ms.</param>
/// <param name="CommitMs">Time of each commit, ms.</param>
internal sealed record WorkerFigures(int Items, double Seconds, IReadOnlyList<double> ClaimMs, IReadOnlyList<double> CommitMs);

/// <summary>
/// A silo whose devices take no time: lanes that each claim as many items as they have slots, and commit them one by one
/// or all at once, through the real ledger. It works after each line "go SECONDS" and then writes its figures as a line.
/// </summary>
internal static class LedgerWorker
{
    private static readonly TimeSpan Ttl = TimeSpan.FromSeconds(30);

    public static Command Make()
    {
        var address = new Option<string>("--ledger") { Required = true };
        var lanes = new Option<int>("--lanes") { Required = true };
        var slots = new Option<int>("--slots") { Required = true };
        var batched = new Option<bool>("--batched");
        return new Command("ledger-worker", "A silo with a simulated device; started by the ledger bench.") { address, lanes, slots, batched }
            .Does(async (result, ct) =>
            {
                var lines = EndWithParent.Lines();
                await using var ledger = await Ledgers.OpenAsync(result.GetRequiredValue(address), ct);
                Console.WriteLine("ready");
                await foreach (var line in lines.ReadAllAsync(ct))
                {
                    var seconds = double.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture);
                    var figures = await WorkAsync(
                        ledger, result.GetValue(lanes), result.GetValue(slots), result.GetValue(batched), TimeSpan.FromSeconds(seconds), ct);
                    Console.WriteLine(JsonSerializer.Serialize(figures));
                }

                return 0;
            });
    }

    private static async Task<WorkerFigures> WorkAsync(ILedger ledger, int lanes, int slots, bool batched, TimeSpan time, CancellationToken ct)
    {
        var (claims, commits) = (new ConcurrentBag<double>(), new ConcurrentBag<double>());
        var (items, last) = (0, 0L);
        var start = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, lanes).Select(lane => Task.Run(() => LaneAsync(lane), ct)));
        return new WorkerFigures(items, items == 0 ? 0 : Stopwatch.GetElapsedTime(start, last).TotalSeconds, [.. claims], [.. commits]);

        async Task LaneAsync(int lane)
        {
            var request = new ClaimRequest($"bench-{Environment.ProcessId}-{lane}", slots, Ttl);
            while (Stopwatch.GetElapsedTime(start) < time)
            {
                var sent = Stopwatch.GetTimestamp();
                var leases = await ledger.ClaimAsync(request, ct);
                if (leases.Count == 0)
                    return;
                claims.Add(Stopwatch.GetElapsedTime(sent).TotalMilliseconds);
                if (batched)
                {
                    await CommitAsync(leases.Count, async () => await ledger.CommitAsync([.. leases.Select(l => new WorkCommit(l, new WorkResult()))], ct));
                    continue;
                }

                foreach (var lease in leases)
                    await CommitAsync(1, async () => [await ledger.CommitAsync(lease, new WorkResult(), ct)]);
            }
        }

        async Task CommitAsync(int count, Func<Task<IReadOnlyList<WriteOutcome>>> commit)
        {
            var sent = Stopwatch.GetTimestamp();
            var outcomes = await commit();
            var now = Stopwatch.GetTimestamp();
            if (outcomes.Any(o => o != WriteOutcome.Written))
                throw new InvalidOperationException("A lease of this worker was lost although nobody else can have it.");
            commits.Add(Stopwatch.GetElapsedTime(sent, now).TotalMilliseconds);
            Interlocked.Add(ref items, count);
            Interlocked.Exchange(ref last, Math.Max(now, Volatile.Read(ref last)));
        }
    }
}
