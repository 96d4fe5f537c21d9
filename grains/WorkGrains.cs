// SPDX-License-Identifier: Apache-2.0
using Teravox.Grains.Resolution;

namespace Teravox.Grains;

/// <summary>The grains that a silo runs.</summary>
public static class WorkGrains
{
    /// <summary>One of every kind.</summary>
    public static IReadOnlyList<IWorkGrain> All(ExperimentStore store, SessionCache sessions) =>
    [
        new VolumeGrain(store), new TrainingGrain(store), new TileGrain(store, sessions),
        new ThresholdGrain(store), new LabelGrain(store), new PyramidGrain(store), new ReportGrain(store),
        new DegradeGrain(store), new EnlargeGrain(store), new SuperResolveGrain(store), new CompareGrain(store),
    ];
}
