// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Orleans.Concurrency;
using Teravox.Contracts;
using Teravox.Contracts.Grains;
using Teravox.Contracts.Work;
using Teravox.Grains.Scoring;

namespace Teravox.Grains.Resolution;

/// <summary>How near a section that was degraded and brought back came to the original, by either way.</summary>
[StatelessWorker(1)]
[GrainType("compare")]
public sealed class CompareGrain(RunningWork running, ExperimentStore store) : ItemGrain(running), ISectionGrain
{
    internal const string KindName = "compare";

    /// <summary>What an item leaves as its outcome.</summary>
    /// <param name="Section">The section in the original.</param>
    /// <param name="Lr">By bicubic enlargement.</param>
    /// <param name="Boosted">By super-resolution.</param>
    internal sealed record SectionQuality(int Section, Fidelity Lr, Fidelity Boosted);

    /// <inheritdoc/>
    protected internal override async Task<WorkResult> RunAsync(WorkTurn turn, CancellationToken ct)
    {
        var plan = await store.PlanAsync(turn.Item.Stage.Experiment, ct);
        var folder = store.Folder(turn.Item.Stage.Experiment);
        var number = Sections.NumberOf(plan.Volume(VolumeNames.Lr), turn.Item.Index);
        var (y, x) = (plan.Shape.Y, plan.Shape.X);
        var truth = Sections.Read(plan, folder, plan.Volume(VolumeNames.Original), number);
        var (lr, boosted) = (Read(VolumeNames.Lr), Read(VolumeNames.Boosted));
        using (await turn.EnterDeviceAsync(ct))
        {
            var result = new SectionQuality(number, Of(lr), Of(boosted));
            return new WorkResult(JsonSerializer.Serialize(result, TeravoxJson.Compact));
        }

        byte[] Read(string volume) => Sections.Read(plan, folder, plan.Volume(volume), turn.Item.Index);

        Fidelity Of(byte[] image) => new(ImageQuality.Psnr(image, truth, plan.Type, y, x), ImageQuality.Ssim(image, truth, plan.Type, y, x));
    }
}
