// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using Teravox.Volumes;

namespace Teravox.Grains;

/// <summary>A volume of an experiment that gets coarser levels.</summary>
/// <param name="PathIn">Where it lies in the experiment's folder.</param>
/// <param name="MadeBy">The stage that writes its finest level.</param>
/// <param name="IsLabels">True for class ids, false for grey levels.</param>
/// <param name="Shapes">Shape of each level (z, y, x), the finest first.</param>
/// <param name="Factors">Reduction of each level against the one above it, from level 1 on.</param>
/// <param name="Chunk">Chunk (z, y, x) of the finest level.</param>
internal sealed record PyramidVolume(
    Func<ExperimentFolder, string> PathIn,
    string MadeBy,
    bool IsLabels,
    IReadOnlyList<Int3> Shapes,
    IReadOnlyList<Int3> Factors,
    Int3 Chunk)
{
    /// <summary>The tiles that a level is made by, 1 or more; each is an item.</summary>
    public TileGrid Tiles(int level) => Pyramid.Tiles(Shapes[level], Chunk);
}

/// <summary>
/// Which volumes of an experiment get coarser levels: what people look at and the experiment itself stored. Raw that is read
/// where it lies is its owner's. All of it follows from the plan, so that an experiment that was planned without levels gets none.
/// </summary>
internal static class PyramidPlan
{
    /// <summary>The volumes that have a level below the finest one, in the order of their items.</summary>
    public static IReadOnlyList<PyramidVolume> Of(ExperimentPlan plan)
    {
        var volumes = new List<PyramidVolume>();
        var original = plan.Volume(VolumeNames.Original);
        if (!plan.RawInPlace)
            Add(original, plan.Chunk, StageNames.Import, isLabels: false, f => f.Raw(plan));
        if (plan.HasTruth)
            Add(original, plan.Chunk, StageNames.Import, isLabels: true, f => f.Truth);
        foreach (var name in (string[])[VolumeNames.Lr, VolumeNames.Boosted])
        {
            if (plan.HasVolume(name))
                Add(plan.Volume(name), plan.Volume(name).Chunk, StageNames.Making(name), isLabels: false, f => f.Volume(plan, plan.Volume(name)));
        }

        foreach (var prediction in plan.Scored())
            Add(plan.VolumeOf(prediction), plan.Chunk, StageNames.Label(prediction), isLabels: true, f => f.Labels(prediction));
        return volumes;

        void Add(PlannedVolume volume, Int3 chunk, string madeBy, bool isLabels, Func<ExperimentFolder, string> pathIn)
        {
            var factors = Pyramid.Factors(volume.Shape, volume.VoxelSize);
            var shapes = new List<Int3> { volume.Shape };
            foreach (var factor in factors)
                shapes.Add(Pyramid.Reduced(shapes[^1], factor));
            if (factors.Count > 0)
                volumes.Add(new PyramidVolume(pathIn, madeBy, isLabels, shapes, factors, chunk));
        }
    }

    /// <summary>Number of tiles of a level over all volumes that have it.</summary>
    public static int CountTiles(ExperimentPlan plan, int level) => WithLevel(plan, level).Aggregate(0, (sum, v) => checked(sum + v.Tiles(level).Count));

    /// <summary>The volume and the box, in voxels of the level, that an item makes.</summary>
    public static (PyramidVolume Volume, Box3 Core) Tile(ExperimentPlan plan, int level, int index)
    {
        foreach (var volume in WithLevel(plan, level))
        {
            var tiles = volume.Tiles(level);
            if (index < tiles.Count)
                return (volume, tiles.Core(index));
            index -= tiles.Count;
        }

        throw new ArgumentOutOfRangeException(nameof(index), $"level {level} has no such tile");
    }

    private static IEnumerable<PyramidVolume> WithLevel(ExperimentPlan plan, int level) => Of(plan).Where(v => v.Factors.Count >= level);
}
