// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Volumes;

namespace Teravox.Silo.Http.Volumes;

/// <summary>Finds raw, labels and class map of a volume, and reads it whole before it is taken in.</summary>
/// <param name="Raw">A folder, zip or multi-page TIFF of slices, or an OME-Zarr.</param>
/// <param name="Labels">The same, or null.</param>
/// <param name="Classes">The class map's file, or null.</param>
internal sealed record VolumeLayout(string Raw, string? Labels, string? Classes)
{
    private const string ClassFile = "classes.json";

    /// <summary>What lies at a path: a folder with raw/ and perhaps labels/ and classes.json, or raw itself.</summary>
    public static VolumeLayout Of(string path, string? labels)
    {
        var inFolder = !OmeVolume.IsVolume(path) && Directory.Exists(Path.Combine(path, "raw"));
        var raw = inFolder ? Single(Path.Combine(path, "raw")) : path;
        if (labels is null && inFolder && Directory.Exists(Path.Combine(path, "labels")))
            labels = Single(Path.Combine(path, "labels"));
        var classes = inFolder ? Path.Combine(path, ClassFile) : labels is null ? null : Path.Combine(Path.GetDirectoryName(labels)!, ClassFile);
        return new VolumeLayout(raw, labels, File.Exists(classes) ? classes : null);
    }

    /// <summary>Opens everything: every header, and every label value where there is a class map.</summary>
    /// <param name="name">The volume's name.</param>
    /// <param name="voxelSize">What the user said, nm.</param>
    /// <param name="limits">What archives may claim.</param>
    /// <param name="ct">Stops the check.</param>
    /// <exception cref="InputException">It cannot be read, or its parts do not fit each other.</exception>
    public VolumeInfo Check(string name, VoxelSize? voxelSize, StackLimits limits, CancellationToken ct)
    {
        if (voxelSize is { } size && size is not { Z: > 0, Y: > 0, X: > 0 })
            throw new InputException("voxelSize: each of the three must be above 0 nm.");
        foreach (var part in (string?[])[Raw, Labels])
        {
            if (part is not null && part.EndsWith(".zip", StringComparison.OrdinalIgnoreCase))
                ZipCheck.Run(part, limits.MaxSlices);
        }

        using var raw = ImageStack.Open(Raw, limits);
        if (Labels is not null)
        {
            using var labels = ImageStack.Open(Labels, limits, StackUse.Labels);
            if (labels.Shape != raw.Shape)
                throw new InputException($"labels: {Labels} is {labels.Shape}, but raw is {raw.Shape}; every raw slice needs a label image of its size.");
            if (Classes is not null)
                LabelReader.CheckAll(labels, ClassMapFile.Load(Classes), null, ct);
        }

        return new VolumeInfo
        {
            Name = name,
            Raw = Raw,
            Labels = Labels,
            Classes = Classes,
            Shape = raw.Shape,
            Type = raw.Kind == PixelKind.Grey16 ? VoxelType.UInt16 : VoxelType.UInt8,
            VoxelSize = voxelSize ?? raw.VoxelSize ?? VoxelSize.Unit,
        };
    }

    /// <summary>The limits for what clients bring.</summary>
    public static StackLimits Limits(UploadLimits uploads) => new()
    {
        MaxSlices = uploads.Entries,
        MaxArchiveBytes = uploads.Bytes,
        MaxExpansion = uploads.Expansion,
        ExpansionFloor = uploads.ExpansionFloor,
    };

    // A folder that holds nothing but one archive, one TIFF or one OME-Zarr stands for that.
    private static string Single(string folder)
    {
        if (OmeVolume.IsVolume(folder))
            return folder;
        var entries = Directory.EnumerateFileSystemEntries(folder).Where(static e => !Path.GetFileName(e).StartsWith('.')).Take(2).ToList();
        return entries is [var one] && Path.GetExtension(one).ToUpperInvariant() is ".ZIP" or ".TIF" or ".TIFF" or ".ZARR" ? one : folder;
    }
}
