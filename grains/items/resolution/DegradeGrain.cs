// SPDX-License-Identifier: Apache-2.0
using Orleans.Concurrency;
using Teravox.Contracts;
using Teravox.Contracts.Grains;
using Teravox.Contracts.Work;
using Teravox.Networks;

namespace Teravox.Grains.Resolution;

/// <summary>A section of the original to a lower resolution. The volume records how, so that super-resolution can undo just that.</summary>
[StatelessWorker(1)]
[GrainType("degrade")]
public sealed class DegradeGrain(RunningWork running, ExperimentStore store) : ItemGrain(running), ISectionGrain
{
    internal const string KindName = "degrade";

    /// <inheritdoc/>
    protected internal override async Task<WorkResult> RunAsync(WorkTurn turn, CancellationToken ct)
    {
        var plan = await store.PlanAsync(turn.Item.Stage.Experiment, ct);
        var folder = store.Folder(turn.Item.Stage.Experiment);
        var options = plan.Spec.Degrade!;
        var (original, target) = (plan.Volume(VolumeNames.Original), plan.Volume(VolumeNames.LowRes));
        var section = Sections.NumberOf(target, turn.Item.Index);

        var fine = Sections.ToGrey(Sections.Read(plan, folder, original, section), plan.Type);
        var (from, to) = (Sections.Size(original), Sections.Size(target));
        var coarse = new float[to.Y * to.X];
        using (await turn.EnterDeviceAsync(ct))
        {
            Resampler.Reduce(fine, from, to, options.Kernel, coarse);
            AddNoise(coarse, options.Noise, plan.Spec.Seed, section);
        }

        Sections.Write(plan, folder, target, turn.Item.Index, Sections.ToVoxels(coarse, plan.Type), Degradations.Attributes(new Degradation
        {
            Scale = options.Scale,
            Kernel = options.Kernel,
            Noise = options.Noise,
            Seed = plan.Spec.Seed,
            Section = [from.Y, from.X],
        }));
        return new WorkResult();
    }

    // Every section has noise of its own, the same on any silo.
    private static void AddNoise(float[] grey, double deviation, ulong seed, int section)
    {
        if (deviation <= 0)
            return;
        var random = CountedRandom.OfSection(seed, section, purpose: 1);
        for (var i = 0; i < grey.Length; i++)
            grey[i] += (float)(deviation * random.Normal());
    }
}
