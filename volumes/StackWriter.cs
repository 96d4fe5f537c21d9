// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Volumes;

/// <summary>What exported slices are.</summary>
public enum ImageFormat
{
    /// <summary>TIFF, grey, Deflate.</summary>
    Tif,

    /// <summary>PNG, grey.</summary>
    Png,

    /// <summary>PNG with the classes' colours as palette; for label volumes only, 255 (not labelled) is black.</summary>
    PalettePng,
}

/// <summary>Writes a volume as a folder of slices, one folder per channel.</summary>
public static class StackWriter
{
    /// <summary>
    /// Writes slices 0000.tif, 0001.tif, ... (as many digits as the last one needs, 4 at least) into
    /// <paramref name="dir"/>; with a channel axis into a sub-folder per channel, named by number and the class's slug ("02-mitochondria") or
    /// "channel-02". The directory appears when all is written, never half filled.
    /// </summary>
    /// <param name="volume">What to write.</param>
    /// <param name="dir">Must not exist or be empty.</param>
    /// <param name="format">TIFF, PNG, or palette PNG for labels.</param>
    /// <param name="classes">Names the channels and colours the labels; may be null except for palette PNG.</param>
    /// <param name="progress">Told (slices done, slices in all).</param>
    /// <param name="ct">Stops; what was written so far is removed.</param>
    /// <exception cref="InputException">The directory holds something, or a chunk of the volume is damaged.</exception>
    /// <exception cref="ArgumentException">Palette PNG of what is not a label volume, or without classes.</exception>
    /// <exception cref="IOException">The disk is full or the directory cannot be written; names the file.</exception>
    public static void Write(
        OmeVolume volume, string dir, ImageFormat format, ClassMap? classes = null, Action<int, int>? progress = null, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(volume);
        if (format == ImageFormat.PalettePng && (classes is null || volume.HasChannels || volume.Type != VoxelType.UInt8))
            throw new ArgumentException("palette PNGs are made of 8-bit label volumes and need the classes", nameof(format));
        dir = Path.TrimEndingDirectorySeparator(Path.GetFullPath(dir));
        if (File.Exists(dir) || (Directory.Exists(dir) && Directory.EnumerateFileSystemEntries(dir).Any()))
            throw new InputException($"{dir} holds something already; remove it or export elsewhere");
        var temporary = AtomicFile.TemporaryBeside(dir);
        try
        {
            Directory.CreateDirectory(temporary);
            for (var channel = 0; channel < volume.Channels; channel++)
            {
                var folder = volume.HasChannels ? Path.Combine(temporary, ChannelName(volume, channel, classes)) : temporary;
                Directory.CreateDirectory(folder);
                WriteChannel(volume, channel, folder, format, classes, progress, ct);
            }

            FaultPoints.Hit("export.before-rename");
            if (Directory.Exists(dir))
                Directory.Delete(dir);
            Directory.Move(temporary, dir);
            AtomicFile.FlushDirectory(Path.GetDirectoryName(dir)!);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Remove(temporary);
            throw new IOException($"cannot write {dir}: {e.Message}", e) { HResult = e.HResult };
        }
        catch (Exception e) when (e is OperationCanceledException or InputException)
        {
            Remove(temporary);
            throw;
        }
    }

    /// <summary>Writes one slice as a grey TIFF (Deflate), which replaces what was there whole.</summary>
    /// <exception cref="InputException">The slice is too large for one image, or a chunk of the volume is damaged.</exception>
    /// <exception cref="IOException">The disk is full or the file cannot be written; names it.</exception>
    public static void WriteSlice(OmeVolume volume, int z, string path)
    {
        ArgumentNullException.ThrowIfNull(volume);
        var slice = new byte[SliceBytes(volume)];
        volume.Read(new Box3(new Int3(z, 0, 0), volume.Shape with { Z = 1 }), slice);
        AtomicFile.WriteAllBytes(path, ImageCodec.EncodeTiff(new SliceImage(volume.Shape.X, volume.Shape.Y, GreyKind(volume), slice, null)));
    }

    private static PixelKind GreyKind(OmeVolume volume) => volume.Type == VoxelType.UInt16 ? PixelKind.Grey16 : PixelKind.Grey8;

    private static long SliceBytes(OmeVolume volume)
    {
        var shape = volume.Shape;
        var bytes = (long)shape.Y * shape.X * volume.Type.Bytes();
        if (bytes > Array.MaxLength)
            throw new InputException($"{volume.Path}: a slice of {shape.X} x {shape.Y} voxels takes more than 2 GiB; " +
                "it cannot be exported as one image");
        return bytes;
    }

    private static void WriteChannel(
        OmeVolume volume, int channel, string folder, ImageFormat format, ClassMap? classes, Action<int, int>? progress, CancellationToken ct)
    {
        var shape = volume.Shape;
        var palette = format == ImageFormat.PalettePng ? Palette(classes!) : null;
        var kind = palette is not null ? PixelKind.Palette8 : GreyKind(volume);
        var sliceBytes = SliceBytes(volume);
        var digits = Math.Max(4, (shape.Z - 1).ToString().Length);
        // As many slices at a time as a chunk is thick, so that each chunk is decoded once, within bounds.
        var depth = (int)Math.Clamp(MaxSlabBytes / sliceBytes, 1, volume.Chunk.Z);
        var slab = new byte[sliceBytes * Math.Min(depth, shape.Z)];
        var slice = new byte[sliceBytes];
        for (var start = 0; start < shape.Z; start += depth)
        {
            var count = Math.Min(depth, shape.Z - start);
            volume.Read(new Box3(new Int3(start, 0, 0), new Int3(count, shape.Y, shape.X)), slab, channel);
            for (var i = 0; i < count; i++)
            {
                ct.ThrowIfCancellationRequested();
                slab.AsSpan((int)(i * sliceBytes), (int)sliceBytes).CopyTo(slice);
                var image = new SliceImage(shape.X, shape.Y, kind, slice, palette);
                var bytes = format == ImageFormat.Tif ? ImageCodec.EncodeTiff(image) : ImageCodec.EncodePng(image);
                var name = (start + i).ToString().PadLeft(digits, '0') + (format == ImageFormat.Tif ? ".tif" : ".png");
                WriteFile(Path.Combine(folder, name), bytes);
                progress?.Invoke((channel * shape.Z) + start + i + 1, volume.Channels * shape.Z);
            }
        }

        AtomicFile.FlushDirectory(folder);
    }

    private const long MaxSlabBytes = 512L << 20;

    private static void WriteFile(string path, byte[] bytes)
    {
        // The folder is renamed as a whole, so the files in it need no rename of their own.
        using var handle = File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write, FileShare.None);
        RandomAccess.Write(handle, bytes, 0);
        RandomAccess.FlushToDisk(handle);
    }

    private static string ChannelName(OmeVolume volume, int channel, ClassMap? classes)
    {
        if (classes is not null && classes.Count == volume.Channels)
            return $"{channel.ToString().PadLeft(2, '0')}-{classes.SlugOf(channel)}";
        return $"channel-{channel.ToString().PadLeft(2, '0')}";
    }

    private static uint[] Palette(ClassMap classes)
    {
        var palette = new uint[256];
        foreach (var entry in classes.Classes)
            palette[entry.Id] = Colour.Parse(classes.ColourOf(entry.Id), entry.Name);
        return palette;
    }

    private static void Remove(string directory)
    {
        try
        {
            if (Directory.Exists(directory))
                Directory.Delete(directory, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The first error is the one to report; the orphaned file's name says what it is.
        }
    }
}
