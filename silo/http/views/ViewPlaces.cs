// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Grains;
using Teravox.Volumes;

namespace Teravox.Silo.Http.Views;

/// <summary>Kinds of views.</summary>
internal static class ViewKinds
{
    public const string Image = "image", Labels = "labels", Probabilities = "probabilities";
}

/// <summary>A volume of an experiment that people look at.</summary>
/// <param name="Name">Unique among the experiment's.</param>
/// <param name="Kind">One of <see cref="ViewKinds"/>.</param>
/// <param name="Prediction">The prediction that it shows, or null.</param>
/// <param name="Root">Where its OME-Zarr lies, or is to lie.</param>
/// <param name="Volume">What it is a volume of.</param>
/// <param name="Stages">The stages that write it.</param>
/// <param name="IsAnothers">True for raw that is read where it lies: the experiment writes nothing in it.</param>
internal sealed record ViewPlace(string Name, string Kind, string? Prediction, string Root, PlannedVolume Volume, IReadOnlyList<string> Stages, bool IsAnothers = false)
{
    /// <summary>All that an experiment has or will have, in the order to show them.</summary>
    public static IEnumerable<ViewPlace> Of(ExperimentPlan plan, ExperimentFolder folder)
    {
        var original = plan.Volume(VolumeNames.Original);
        yield return new ViewPlace("raw", ViewKinds.Image, null, folder.Raw(plan), original, [StageNames.Import], plan.RawInPlace);
        yield return new ViewPlace("truth", ViewKinds.Labels, null, folder.Truth, original, [StageNames.Import]);
        foreach (var prediction in plan.Scored())
        {
            var volume = plan.VolumeOf(prediction);
            string[] infers = [.. plan.InferencesOf(prediction).Select(static i => StageNames.Infer(i.Name))];
            yield return Stored(ViewKinds.Labels, prediction, folder.Labels(prediction), volume, [StageNames.Label(prediction)]);
            yield return Stored(ViewKinds.Probabilities, prediction, folder.Probabilities(prediction), volume, infers);
        }

        foreach (var volume in plan.Volumes?.Where(static v => !v.IsView) ?? [])
            yield return Stored(ViewKinds.Image, null, folder.Volume(plan, volume), volume, [StageNames.Making(volume.Name)]);
    }

    /// <summary>The view as the API shows it; null while there is nothing that could be opened.</summary>
    /// <param name="url">Where it is served.</param>
    /// <param name="allLevels">False while coarser levels are being written.</param>
    /// <param name="ready">Whether all voxels are there.</param>
    public ViewInfo? Info(string url, bool allLevels, bool ready)
    {
        if (!OmeVolume.IsVolume(Root))
            return null;
        try
        {
            var finest = OmeVolume.Open(Root);
            return new ViewInfo
            {
                Name = Name,
                Kind = Kind,
                Prediction = Prediction,
                Url = url,
                Start = Volume.Region.Start,
                Type = Word(finest.Type),
                Channels = finest.Channels,
                Levels = Levels(finest, Volume.VoxelSize, allLevels),
                Ready = ready,
            };
        }
        catch (InputException)
        {
            // Raw that lies elsewhere may be moved or broken by its owner; the other views are none the worse for it.
            return null;
        }
    }

    /// <summary>The resolutions of a stored volume.</summary>
    /// <param name="finest">The volume.</param>
    /// <param name="voxelSize">Its voxel size, nm; users may say another than the volume does.</param>
    /// <param name="all">False: the finest alone.</param>
    public static IReadOnlyList<ViewLevel> Levels(OmeVolume finest, VoxelSize voxelSize, bool all)
    {
        var levels = new List<ViewLevel>();
        for (var i = 0; i < (all ? finest.Levels : 1); i++)
        {
            var level = i == 0 ? finest : OmeVolume.Open(finest.Path, i);
            var (own, base_) = (level.VoxelSize, finest.VoxelSize);

            // Rounding keeps 8 nm from becoming 8.000000000000002.
            var size = new VoxelSize(
                Math.Round(voxelSize.Z * own.Z / base_.Z, 9), Math.Round(voxelSize.Y * own.Y / base_.Y, 9), Math.Round(voxelSize.X * own.X / base_.X, 9));
            levels.Add(new ViewLevel(level.LevelPath, level.Shape, size, level.Chunk));
        }

        return levels;
    }

    public static string Word(VoxelType type) => type == VoxelType.UInt16 ? "uint16" : "uint8";

    private static ViewPlace Stored(string kind, string? prediction, string root, PlannedVolume volume, IReadOnlyList<string> stages) =>
        new(Path.GetFileNameWithoutExtension(root), kind, prediction, root, volume, stages);
}
