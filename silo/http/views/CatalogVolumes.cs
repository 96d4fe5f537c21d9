// SPDX-License-Identifier: Apache-2.0
using Microsoft.AspNetCore.Http;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Silo.Http.Volumes;
using Teravox.Volumes;

namespace Teravox.Silo.Http.Views;

/// <summary>What a registered volume shows: an OME-Zarr as it lies, and images as if they were one.</summary>
internal sealed class CatalogVolumes(ApiServices api, VolumeCatalog volumes)
{
    private const string Raw = "raw", Labels = "labels";

    public async Task<ViewsInfo> ListAsync(string name, CancellationToken ct)
    {
        var volume = await volumes.FindAsync(name, ct);
        var classes = ClassesOf(volume);
        var views = new List<ViewInfo>();
        foreach (var (view, use, path) in Sources(volume))
            views.Add(Info(volume, view, use, path, classes));
        return new ViewsInfo { Shape = volume.Shape, VoxelSize = volume.VoxelSize, Classes = ExperimentVolumes.Classes(classes), Views = views };
    }

    /// <summary>A file of a view's OME-Zarr.</summary>
    public async Task<IResult> FileAsync(string name, string view, string path, CancellationToken ct)
    {
        var volume = await volumes.FindAsync(name, ct);
        var (_, use, source) = Sources(volume).FirstOrDefault(s => s.View == view);
        if (source is null)
            throw new ProblemException(404, $"The volume has no view {view}; GET /api/v1/volumes/{name}/views lists them.");
        var classes = use == StackUse.Labels ? ClassesOf(volume) : null;
        if (IsServedAsItLies(source, classes))
            return ZarrFiles.Send(ZarrFiles.Find(source, path));

        // A few at a time: a silo's cores are for its items.
        return await api.Looks.RunAsync(() => new StackZarr(api.Pictures).File(volume, use, classes, path), ct);
    }

    private static ViewInfo Info(VolumeInfo volume, string view, StackUse use, string path, ClassMap? classes)
    {
        var (type, channels, levels) = (volume.Type, 1, (IReadOnlyList<ViewLevel>)[]);
        if (IsServedAsItLies(path, use == StackUse.Labels ? classes : null))
        {
            var stored = OmeVolume.Open(path);
            (type, channels, levels) = (stored.Type, stored.Channels, ViewPlace.Levels(stored, volume.VoxelSize, all: true));
        }
        else
        {
            var options = StackZarr.Options(volume, use, classes);
            (type, levels) = (options.Type, [new ViewLevel("s0", options.Shape, options.VoxelSize, options.Chunk)]);
        }

        return new ViewInfo
        {
            Name = view,
            Kind = use == StackUse.Labels ? ViewKinds.Labels : ViewKinds.Image,
            Url = $"/api/v1/volumes/{volume.Name}/views/{view}",
            Start = Int3.Zero,
            Type = ViewPlace.Word(type),
            Channels = channels,
            Levels = levels,
            Ready = true,
        };
    }

    // Only what is open to clients still; labels only where it is known what their values mean.
    private IEnumerable<(string View, StackUse Use, string Path)> Sources(VolumeInfo volume)
    {
        if (api.Paths.IsOpen(volume.Raw))
            yield return (Raw, StackUse.Raw, volume.Raw);
        if (volume is { Labels: { } labels, Classes: not null } && api.Paths.IsOpen(labels))
            yield return (Labels, StackUse.Labels, labels);
    }

    /// <summary>The resolutions of raw that is a stored OME-Zarr, the finest first; none of images.</summary>
    public static IReadOnlyList<ViewLevel> LevelsOf(VolumeInfo volume) =>
        IsServedAsItLies(volume.Raw, null) ? ViewPlace.Levels(OmeVolume.Open(volume.Raw), volume.VoxelSize, all: true) : [];

    // A plain Zarr array has no levels to name, and labels whose values are no class ids must be translated.
    private static bool IsServedAsItLies(string path, ClassMap? classes) =>
        Directory.Exists(path)
        && !File.Exists(Path.Combine(path, ".zarray"))
        && File.Exists(Path.Combine(path, ".zattrs"))
        && classes is not { ValuesAreIds: false };

    private static ClassMap? ClassesOf(VolumeInfo volume) => volume.Classes is { } file ? ClassMapFile.Load(file) : null;
}
