// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using Teravox.Contracts;
using Teravox.Silo.Local;

namespace Teravox.Chaos;

/// <summary>
/// A whole run: two experiments by a single silo as the truth; the cases made on purpose; then faults on real silos, a real server and
/// the networks between them while experiment after experiment is submitted; a clean end; and the checks.
/// </summary>
public static class ChaosRun
{
    /// <summary>Why no run can be made here, with what to do; null when one can.</summary>
    public static string? WhyMissing() =>
        PrivatePostgres.WhyMissing()
        ?? (ShiftedClock.Library is null ? "libfaketime, for a silo whose clock is wrong, is not installed; install it, as with: apt-get install faketime" : null);

    /// <summary>Makes the run.</summary>
    /// <exception cref="InputException">Something that it needs is missing, or the undisturbed run failed.</exception>
    /// <exception cref="TimeoutException">Something never happened.</exception>
    public static async Task<ChaosOutcome> RunAsync(ChaosOptions options, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (WhyMissing() is { } why)
            throw new InputException(why);

        options.Say($"seed {options.Seed.ToString(CultureInfo.InvariantCulture)}");
        options.Say("two experiments by a single silo, undisturbed");
        var folder = Path.Combine(options.Folder, "reference");
        var train = await Reference.RunAsync(options.Program, folder, "train", ChaosSpecs.Train([options.Depth, 48, 48]), ct);
        var segment = await Reference.RunAsync(options.Program, folder, "segment", ChaosSpecs.Segment([options.SegmentDepth, 48, 48], Path.Combine(train.Folder, "models", "multiclass.safetensors")), ct);

        await using var cluster = await Cluster.StartAsync(options, ct);
        try
        {
            return await DisturbAsync(options, cluster, train, segment, ct);
        }
        catch
        {
            // What is missing shows best in what they said last.
            foreach (var silo in cluster.Silos.Where(s => !s.HasEnded))
                options.Say($"{silo.Name}: {string.Join(" ", silo.Lines.TakeLast(6).Select(l => l.Json))} {string.Join(" ", silo.Errors.TakeLast(3))}");
            throw;
        }
    }

    private static async Task<ChaosOutcome> DisturbAsync(ChaosOptions options, Cluster cluster, Reference train, Reference segment, CancellationToken ct)
    {
        var checks = new List<ChaosCheck>();
        var experiments = new Dictionary<long, Reference> { [await LateFinishers.RunAsync(cluster, train, checks, options.Say, ct)] = train };

        options.Say("faults");
        var faults = new Faults(options, cluster);
        var making = faults.RunAsync(ct);
        while (!making.IsCompleted)
        {
            // Two at a time: a training, and tiles to do beside it.
            foreach (var reference in (Reference[])[train, segment])
                experiments[await cluster.SubmitAsync(reference, ct)] = reference;
            var last = experiments.Keys.TakeLast(2).ToArray();
            await Task.WhenAny(making, cluster.EndAsync(last, ct));
        }

        await making;
        options.Say($"no more faults; {experiments.Count} experiments to end");
        await cluster.EndAsync([.. experiments.Keys], ct);
        await EndAsync(cluster, [.. faults.Alive], checks, ct);

        // By one silo: its scheduler begins with a look for what runs, and no other writes any more.
        options.Say("a clean run");
        var clean = await cluster.SubmitAsync(segment, ct);
        experiments[clean] = segment;
        var last2 = cluster.StartSilo(0);
        await cluster.EndAsync([clean], ct);
        await EndAsync(cluster, [last2], [], ct);

        options.Say("checks");
        checks.AddRange(await ChaosChecks.OfAsync(cluster, experiments, ct));
        return new ChaosOutcome(checks, await ChaosChecks.FiguresAsync(cluster, faults, experiments.Count, ct));
    }

    private static async Task EndAsync(Cluster cluster, List<SiloChild> silos, List<ChaosCheck> checks, CancellationToken ct)
    {
        silos.ForEach(silo => silo.Signal(Signals.Terminate));
        await cluster.UntilAsync(() => silos.All(s => s.HasEnded), "the silos to end after SIGTERM", ct);
        checks.Add(new("the last silos end in order when asked", silos.All(s => s.ExitCode == 0), string.Join(", ", silos.Select(s => s.ExitCode))));
    }
}
