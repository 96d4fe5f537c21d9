// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Volumes;

/// <summary>
/// A stack of equally large slices: a folder of TIFF or of PNG files, a zip of them, a multi-page TIFF, a single image
/// or an OME-Zarr. Files are ordered by name as people count (2 before 10). Opening reads every header and refuses a
/// stack whose slices do not fit each other. Slices may be read by several threads.
/// </summary>
public abstract class ImageStack : IDisposable
{
    private protected ImageStack(string source, StackUse use)
    {
        Source = source;
        Use = use;
    }

    /// <summary>Number of slices, rows and columns (z, y, x).</summary>
    public Int3 Shape { get; private protected set; }

    /// <summary>What the pixels of the slices are; of the first slice when a label stack mixes kinds.</summary>
    public PixelKind Kind { get; private protected set; }

    /// <summary>What each slice is called, by z: its file name, or page and file name.</summary>
    public IReadOnlyList<string> SliceNames { get; private protected set; } = [];

    /// <summary>The path the stack was opened from.</summary>
    public string Source { get; }

    /// <summary>What the stack was opened for.</summary>
    public StackUse Use { get; }

    /// <summary>The size of a voxel if the source says it (OME-Zarr), else null.</summary>
    public virtual VoxelSize? VoxelSize => null;

    /// <summary>Opens a stack and checks all its headers.</summary>
    /// <param name="path">Folder, zip, TIFF, PNG or OME-Zarr directory.</param>
    /// <param name="limits">How much it may claim; <see cref="StackLimits.Default"/> when null.</param>
    /// <param name="use">Raw grey levels, or labels.</param>
    /// <exception cref="InputException">
    /// Nothing there, no image in it, slices of different size or kind, over a limit; names the slice.
    /// </exception>
    public static ImageStack Open(string path, StackLimits? limits = null, StackUse use = StackUse.Raw)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        limits ??= StackLimits.Default;
        try
        {
            if (Directory.Exists(path))
            {
                return OmeVolume.IsVolume(path)
                    ? new ZarrStack(path, use)
                    : new FolderStack(path, limits, use);
            }

            if (!File.Exists(path))
                throw new InputException($"{path} does not exist");
            return FileNames.KindOf(path) switch
            {
                FileKind.Tiff => new TiffStack(path, limits, use),
                FileKind.Png => new FolderStack(path, limits, use),
                _ when FileNames.IsZip(path) => new ZipStack(path, limits, use),
                _ => throw new InputException($"{path} is not a stack: " +
                    "give a folder of .tif or .png files, a .zip of them, a .tif, a .png or an OME-Zarr directory"),
            };
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            throw new InputException($"cannot read {path}: {e.Message}", e);
        }
    }

    /// <summary>Decodes slice <paramref name="z"/>, 0..Shape.Z - 1.</summary>
    /// <exception cref="InputException">The slice is damaged or has changed since the stack was opened; names it.</exception>
    public SliceImage ReadSlice(int z)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(z);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(z, Shape.Z);
        SliceImage image;
        try
        {
            image = Decode(z);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException or InvalidDataException)
        {
            throw new InputException($"cannot read slice {SliceNames[z]} of {Source}: {e.Message}", e);
        }

        CheckSlice(z, new ImageHeader(image.Width, image.Height, image.Kind, 8 * image.Kind.Bytes()));
        return image;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Close();
        GC.SuppressFinalize(this);
    }

    private protected abstract SliceImage Decode(int z);

    /// <summary>Closes what is open.</summary>
    private protected virtual void Close()
    {
    }

    /// <summary>Takes size and kind from the first slice and checks every other against it.</summary>
    private protected void CheckHeaders(IReadOnlyList<string> names, Func<int, ImageHeader> header, StackLimits limits)
    {
        if (names.Count > limits.MaxSlices)
            throw new InputException($"{Source} has {names.Count} slices; at most {limits.MaxSlices} are read");
        SliceNames = names;
        for (var z = 0; z < names.Count; z++)
        {
            var h = header(z);
            if (z == 0)
            {
                Shape = new Int3(names.Count, h.Height, h.Width);
                Kind = h.Kind;
            }

            CheckSlice(z, h);
        }
    }

    private void CheckSlice(int z, ImageHeader h)
    {
        if (h.Width != Shape.X || h.Height != Shape.Y)
        {
            throw new InputException(
                $"slice {SliceNames[z]} of {Source} is {h.Width} x {h.Height} pixels but {SliceNames[0]} is {Shape.X} " +
                    $"x {Shape.Y}; all slices must have the same size");
        }

        if (Use == StackUse.Labels)
            return;
        if (h.Kind is not (PixelKind.Grey8 or PixelKind.Grey16) || h.Bits < 8)
        {
            var kind = h.Bits < 8
                ? $"has {h.Bits} bits a pixel"
                : h.Kind == PixelKind.Palette8 ? "has a palette" : "is a colour image";
            throw new InputException($"slice {SliceNames[z]} of {Source} {kind}; " +
                "raw slices must be grey with 8 or 16 bits, convert it");
        }

        if (h.Kind != Kind)
            throw new InputException($"slice {SliceNames[z]} of {Source} is {h.Kind} but {SliceNames[0]} is {Kind}; " +
                "all slices must have the same type");
    }
}
