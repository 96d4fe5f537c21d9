// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Orleans.Concurrency;
using Teravox.Contracts;
using Teravox.Contracts.Grains;
using Teravox.Contracts.Work;
using Teravox.Networks;
using Teravox.Volumes;

namespace Teravox.Grains.Resolution;

/// <summary>
/// Sections of low resolution, enlarged by a network that learns from each section itself: one section, or a chain of
/// neighbours that start from one another's weights. A killed item begins anew and gives the same bytes.
/// </summary>
[StatelessWorker(1)]
[GrainType("super-resolve")]
public sealed class SuperResolveGrain(RunningWork running, ExperimentStore store) : ItemGrain(running), ISectionGrain
{
    internal const string KindName = "super-resolve";

    /// <summary>What an item leaves as its outcome.</summary>
    internal sealed record Result(IReadOnlyList<SectionRun> Sections);

    /// <summary>How the network of one section came out.</summary>
    /// <param name="Section">The section in the original.</param>
    /// <param name="Iterations">Iterations in all.</param>
    /// <param name="LearningRate">The step size at the end.</param>
    /// <param name="BicubicError">What bicubic enlargement makes of the section's own reduction: root mean square, grey levels.</param>
    /// <param name="Error">What the network makes of it.</param>
    /// <param name="FellBack">True when the network was no better, and bicubic enlargement was taken in its place.</param>
    internal sealed record SectionRun(int Section, long Iterations, double LearningRate, double BicubicError, double Error, bool FellBack);

    internal static int CountChains(ExperimentPlan plan)
    {
        var chain = plan.Spec.SuperResolve!.Chain;
        return (plan.Volume(VolumeNames.Boosted).Shape.Z + chain - 1) / chain;
    }

    /// <inheritdoc/>
    protected internal override async Task<WorkResult> RunAsync(WorkTurn turn, CancellationToken ct)
    {
        var plan = await store.PlanAsync(turn.Item.Stage.Experiment, ct);
        var folder = store.Folder(turn.Item.Stage.Experiment);
        var options = plan.Spec.SuperResolve!;
        var (source, target) = (Sections.Source(plan), plan.Volume(VolumeNames.Boosted));
        var (from, to) = (Sections.Size(source), Sections.Size(target));
        var first = turn.Item.Index * options.Chain;
        var count = Math.Min(options.Chain, target.Shape.Z - first);

        // A section gives a GPU little to compute at a time, so several share one and do not wait for each other.
        using var computing = turn.Gate.Compute();
        using var resolver = new SuperResolver(options, options.Kernel!, turn.Device, turn.Threads);
        var histogram = VoxelHistogram.Empty(plan.Type);
        var (runs, lines) = (new List<SectionRun>(), new List<string>());
        for (var i = 0; i < count; i++)
        {
            var number = Sections.NumberOf(target, first + i);
            var voxels = Sections.Read(plan, folder, source, first + i);
            var clock = Stopwatch.StartNew();
            var done = i;

            // A seed for every section, not for every item: it does not depend on chains or silos what a section begins with.
            var seed = CountedRandom.OfSection(plan.Spec.Seed, number, purpose: 2).Bits();
            var result = resolver.Run(voxels, plan.Type, from.Y, from.X, seed, Report, ct, warm: i > 0, enlarged: to);
            Sections.Write(plan, folder, target, first + i, result.Voxels);
            histogram.Add(result.Voxels);
            runs.Add(new SectionRun(number, result.State.Iterations, result.State.LearningRate, result.State.BicubicError, result.State.Error, result.State.FellBack));
            lines.Add(Line(number, result, turn.Device));

            void Report(ZssrProgress p)
            {
                FaultPoints.Hit("super-resolve.iteration");
                var most = options.MaxIterations * Math.Max(1, p.State.Steps);
                var rate = p.State.Iterations / clock.Elapsed.TotalSeconds;
                var note = string.Create(CultureInfo.InvariantCulture, $"section {number}: iteration {p.State.Iterations} of at most {most}, {rate:F1} iterations/s");
                turn.Report(new WorkProgress((done + p.Fraction) / count, note));
            }
        }

        return new WorkResult(
            JsonSerializer.Serialize(new Result(runs), TeravoxJson.Compact),
            new Dictionary<string, long[]> { [SlabGrain.HistogramSum] = histogram.Counts },
            lines);
    }

    private static string Line(int section, SuperResolution result, string device)
    {
        var s = result.State;
        var outcome = s.FellBack
            ? "no better than bicubic enlargement, which is taken"
            : $"error on its own reduction {s.Error:F2} grey levels, bicubic {s.BicubicError:F2}";
        return string.Create(CultureInfo.InvariantCulture, $"section {section}: {s.Iterations} iterations in {result.Time.TotalSeconds:F1} s on {device}, {outcome}");
    }
}
