// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Teravox.Contracts;
using Teravox.Grains.Ledger;
using Teravox.Grains.Scoring;

namespace Teravox.Grains.Resolution;

/// <summary>How near a section that was degraded and brought back came to the original, by either way.</summary>
public sealed class CompareGrain(ExperimentStore store) : IWorkGrain
{
    internal const string KindName = "compare";

    /// <inheritdoc/>
    public string Kind => KindName;

    /// <inheritdoc/>
    public bool Overlaps => true;

    /// <summary>What an item leaves in the ledger.</summary>
    /// <param name="Section">The section in the original.</param>
    /// <param name="Lr">By bicubic enlargement.</param>
    /// <param name="Boosted">By super-resolution.</param>
    internal sealed record SectionQuality(int Section, Fidelity Lr, Fidelity Boosted);

    /// <inheritdoc/>
    public async Task<WorkResult> RunAsync(WorkTurn turn, CancellationToken ct)
    {
        var plan = await store.PlanAsync(turn.Lease.ExperimentId, ct);
        var folder = store.Folder(turn.Lease.ExperimentId);
        var number = Sections.NumberOf(plan.Volume(VolumeNames.Lr), turn.Lease.Index);
        var (y, x) = (plan.Shape.Y, plan.Shape.X);
        var truth = Sections.Read(plan, folder, plan.Volume(VolumeNames.Original), number);
        var (lr, boosted) = (Read(VolumeNames.Lr), Read(VolumeNames.Boosted));
        using (await turn.EnterDeviceAsync(ct))
        {
            var result = new SectionQuality(number, Of(lr), Of(boosted));
            return new WorkResult(JsonSerializer.Serialize(result, TeravoxJson.Compact));
        }

        byte[] Read(string volume) => Sections.Read(plan, folder, plan.Volume(volume), turn.Lease.Index);

        Fidelity Of(byte[] image) => new(ImageQuality.Psnr(image, truth, plan.Type, y, x), ImageQuality.Ssim(image, truth, plan.Type, y, x));
    }
}
