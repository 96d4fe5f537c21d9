// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Globalization;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Grains.Report;
using Teravox.Volumes;
using VolumeStatistics = Teravox.Contracts.Api.VolumeStatistics;

namespace Teravox.Silo.Http.Volumes;

/// <summary>Statistics and pictures of a volume, for people who look at it.</summary>
internal sealed class VolumePictures(string cacheFolder, StackLimits limits) : IDisposable
{
    private const int MostSections = 64;
    private const long MostSectionBytes = 128 << 20;
    private readonly StackCache stacks = new();
    private readonly SectionCache sections = new(MostSectionBytes);

    public VolumeStatistics Statistics(VolumeInfo volume, CancellationToken ct)
    {
        var (histogram, sections) = Histogram(volume, ct);
        var s = histogram.Statistics();
        var perBin = histogram.Counts.Length / 256;
        return new VolumeStatistics(s.Mean, s.Std, s.Min, s.Max, histogram.Counts.Chunk(perBin).Select(static c => c.Sum()).ToArray(), sections);
    }

    /// <summary>A section as PNG, no side longer than <paramref name="most"/> pixels: raw as 8-bit grey, averaged.</summary>
    public byte[] Raw(VolumeInfo volume, int z, int most, CancellationToken ct)
    {
        // 8-bit voxels are shown as they are, so that the first look need not wait for the statistics.
        var scale = new GreyScale(volume.Type == VoxelType.UInt8 ? VoxelHistogram.Empty(VoxelType.UInt8) : Histogram(volume, ct).Histogram);
        var slice = stacks.Read(volume.Id, StackUse.Raw, () => ImageStack.Open(volume.Raw, limits), stack => stack.ReadSlice(z));
        var (width, height, pixels) = Shrink.Mean(scale.Of(slice.Data), slice.Width, slice.Height, most);
        return ImageCodec.EncodePng(new SliceImage(width, height, PixelKind.Grey8, pixels, null));
    }

    /// <summary>The labels of a section in the classes' colours, black where nothing is labelled.</summary>
    public byte[] Labels(VolumeInfo volume, int z, int most)
    {
        var map = ClassMapFile.Load(volume.Classes!);
        var ids = Ids(volume, map, z);
        var (width, height, pixels) = Shrink.Nearest(ids, volume.Shape.X, volume.Shape.Y, most);
        uint[] palette = [.. Enumerable.Range(0, 256).Select(id => id < map.Count ? Colour(map.ColourOf(id)) : 0)];
        return ImageCodec.EncodePng(new SliceImage(width, height, PixelKind.Palette8, pixels, palette));
    }

    /// <summary>
    /// A section's voxels, rows from the top: raw as they are, 16 bits little-endian; labels as class ids. They are shared with
    /// other readers: nobody may change them.
    /// </summary>
    public byte[] Section(VolumeInfo volume, StackUse use, int z) => sections.Get(volume.Id, use, z, () => use == StackUse.Labels
        ? Ids(volume, ClassMapFile.Load(volume.Classes!), z)
        : stacks.Read(volume.Id, use, () => ImageStack.Open(volume.Raw, limits), stack => stack.ReadSlice(z).Data));

    /// <summary>The volume is gone: lets go of its files and of what was worked out.</summary>
    public void Forget(long volume)
    {
        stacks.Forget(volume);
        sections.Forget(volume);
        if (File.Exists(CacheFile(volume)))
            File.Delete(CacheFile(volume));
    }

    public void Dispose() => stacks.Dispose();

    private byte[] Ids(VolumeInfo volume, ClassMap map, int z)
    {
        var ids = new byte[checked((int)((long)volume.Shape.Y * volume.Shape.X))];
        return stacks.Read(volume.Id, StackUse.Labels, () => ImageStack.Open(volume.Labels!, limits, StackUse.Labels), stack =>
        {
            LabelReader.ReadSlice(stack, z, map, ids);
            return ids;
        });
    }

    // Counted once per volume and kept in the store; the number of sections goes before the counts.
    private (VoxelHistogram Histogram, int Sections) Histogram(VolumeInfo volume, CancellationToken ct)
    {
        var file = CacheFile(volume.Id);
        if (File.Exists(file))
        {
            var kept = File.ReadAllBytes(file);
            return (VoxelHistogram.FromBytes(kept.AsSpan(8)), (int)BinaryPrimitives.ReadInt64LittleEndian(kept));
        }

        FaultPoints.Hit("statistics.before-read:" + volume.Raw);
        var count = Math.Min(MostSections, volume.Shape.Z);
        var histogram = stacks.Read(volume.Id, StackUse.Raw, () => ImageStack.Open(volume.Raw, limits), stack =>
        {
            var sum = VoxelHistogram.Empty(volume.Type);
            for (var i = 0; i < count; i++)
            {
                ct.ThrowIfCancellationRequested();
                sum.Add(stack.ReadSlice(count == 1 ? 0 : (int)((long)i * (volume.Shape.Z - 1) / (count - 1))).Data);
            }

            return sum;
        });
        var bytes = new byte[8 + (histogram.Counts.Length * 8)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, count);
        histogram.ToBytes().CopyTo(bytes, 8);
        Directory.CreateDirectory(cacheFolder);
        AtomicFile.WriteAllBytes(file, bytes);
        return (histogram, count);
    }

    private string CacheFile(long volume) => Path.Combine(cacheFolder, $"volume-{volume}.histogram");

    private static uint Colour(string text) => uint.Parse(text.AsSpan(1), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
