// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using Teravox.Volumes;

namespace Teravox.Grains;

/// <summary>Parts of a block of voxels in memory, given by boxes of the volume.</summary>
internal static class VoxelBox
{
    /// <summary>A run of voxels along x inside a block.</summary>
    /// <param name="Offset">Index of the first voxel in the block.</param>
    /// <param name="Length">Number of voxels.</param>
    public readonly record struct Row(int Offset, int Length);

    /// <summary>The rows of <paramref name="part"/> that lie in <paramref name="block"/>, in order.</summary>
    public static IEnumerable<Row> Rows(Box3 block, Box3 part)
    {
        var both = block.Intersect(part);
        if (both.IsEmpty)
            yield break;
        var start = both.Start - block.Start;
        for (var z = 0; z < both.Shape.Z; z++)
        {
            for (var y = 0; y < both.Shape.Y; y++)
                yield return new Row((((start.Z + z) * block.Shape.Y) + start.Y + y) * block.Shape.X + start.X, both.Shape.X);
        }
    }

    /// <summary>Copies the voxels of <paramref name="part"/> out of a block, one byte each.</summary>
    public static byte[] Cut(ReadOnlySpan<byte> voxels, Box3 block, Box3 part)
    {
        var cut = new byte[checked((int)block.Intersect(part).Count)];
        var at = 0;
        foreach (var row in Rows(block, part))
        {
            voxels.Slice(row.Offset, row.Length).CopyTo(cut.AsSpan(at));
            at += row.Length;
        }

        return cut;
    }
}

/// <summary>Volumes of an experiment; <see cref="OmeVolume.Create"/> lets whichever item comes first make them.</summary>
internal static class VolumeFiles
{
    /// <summary>A volume as large as the original.</summary>
    public static OmeOptions Options(ExperimentPlan plan, VoxelType type) => Options(plan, plan.Volume(VolumeNames.Original), type);

    /// <summary>A volume as large as another one, in chunks of the experiment or its own.</summary>
    public static OmeOptions Options(ExperimentPlan plan, PlannedVolume volume, VoxelType type, int channels = 0, Int3? chunk = null) => new()
    {
        Shape = volume.Shape,
        Channels = channels,
        Type = type,
        Chunk = chunk ?? plan.Chunk,
        VoxelSize = volume.VoxelSize,
        Offset = OffsetOf(plan, volume),
        Compressor = plan.Spec.Storage.Compression == ChunkCompression.Zlib ? Compressor.Zlib() : Compressor.Default,
    };

    /// <summary>Reads voxels of a volume or a view of one, mirrored past its own border.</summary>
    public static void Read(ExperimentPlan plan, ExperimentFolder folder, PlannedVolume volume, Box3 box, Span<byte> into)
    {
        var stored = OmeVolume.Open(folder.Volume(plan, volume));
        if (volume.IsView)
            stored.ReadMirrored(volume.InOriginal(box), volume.Region, into);
        else
            stored.ReadMirrored(box, into);
    }

    // Voxels are as wide as the original's extent demands; the first one's middle moves with them. Null where it stays.
    private static (double Z, double Y, double X)? OffsetOf(ExperimentPlan plan, PlannedVolume volume)
    {
        var (own, original) = (volume.VoxelSize, plan.VoxelSize);
        var offset = (volume.Region.Start.Z * original.Z, (own.Y - original.Y) / 2, (own.X - original.X) / 2);
        return offset == (0, 0, 0) ? null : offset;
    }
}
