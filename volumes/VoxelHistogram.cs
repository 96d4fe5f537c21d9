// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using Teravox.Contracts;

namespace Teravox.Volumes;

/// <summary>Mean, standard deviation and range of a volume's grey levels.</summary>
/// <param name="Count">Number of voxels.</param>
/// <param name="Mean">Mean grey level.</param>
/// <param name="Std">Standard deviation of the population (divided by n), in grey levels.</param>
/// <param name="Min">Smallest grey level; 0 without voxels.</param>
/// <param name="Max">Largest grey level; 0 without voxels.</param>
public readonly record struct VolumeStatistics(long Count, double Mean, double Std, int Min, int Max);

/// <summary>
/// Exact counts of grey levels: 256 bins for uint8, 65536 for uint16. Sums of histograms do not depend on the order or
/// the tiling in which the parts were counted, so mean and deviation are the same on any number of silos.
/// </summary>
public sealed class VoxelHistogram
{
    /// <summary>With given counts, one per grey level.</summary>
    /// <exception cref="ArgumentException">Not 256 or 65536 counts, or a count below 0.</exception>
    public VoxelHistogram(long[] counts)
    {
        ArgumentNullException.ThrowIfNull(counts);
        if (counts.Length is not (256 or 65536))
            throw new ArgumentException($"{counts.Length} counts; 256 or 65536 are needed", nameof(counts));
        if (counts.Any(static c => c < 0))
            throw new ArgumentException("a count is negative", nameof(counts));
        Counts = counts;
    }

    /// <summary>Number of voxels per grey level.</summary>
    public long[] Counts { get; }

    /// <summary>What the counted voxels were.</summary>
    public VoxelType Type => Counts.Length == 256 ? VoxelType.UInt8 : VoxelType.UInt16;

    /// <summary>Number of voxels.</summary>
    public long Total => Counts.Sum();

    /// <summary>Mean grey level; 0 without voxels.</summary>
    public double Mean => Statistics().Mean;

    /// <summary>Standard deviation (divided by n) in grey levels; 0 without voxels.</summary>
    public double Std => Statistics().Std;

    /// <summary>No voxels yet.</summary>
    public static VoxelHistogram Empty(VoxelType type) => new(new long[type.Levels()]);

    /// <summary>Counts voxels; uint16 in native byte order, 2 bytes a voxel.</summary>
    public static VoxelHistogram Of(ReadOnlySpan<byte> voxels, VoxelType type)
    {
        var histogram = Empty(type);
        histogram.Add(voxels);
        return histogram;
    }

    /// <summary>Counts more voxels of the same type.</summary>
    public void Add(ReadOnlySpan<byte> voxels)
    {
        var counts = Counts;
        if (counts.Length == 256)
        {
            foreach (var v in voxels)
                counts[v]++;
            return;
        }

        if (voxels.Length % 2 != 0)
            throw new ArgumentException("uint16 voxels take an even number of bytes", nameof(voxels));
        foreach (var v in MemoryMarshal.Cast<byte, ushort>(voxels))
            counts[v]++;
    }

    /// <summary>Adds the counts of another histogram of the same type.</summary>
    public void Merge(VoxelHistogram other)
    {
        ArgumentNullException.ThrowIfNull(other);
        if (other.Counts.Length != Counts.Length)
            throw new ArgumentException($"cannot merge a histogram of {other.Type} into one of {Type}", nameof(other));
        for (var i = 0; i < Counts.Length; i++)
            Counts[i] += other.Counts[i];
    }

    /// <summary>Count, mean, standard deviation, smallest and largest grey level.</summary>
    public VolumeStatistics Statistics()
    {
        long total = 0;
        BigInteger sum = 0, squares = 0;
        int min = -1, max = 0;
        for (var level = 0; level < Counts.Length; level++)
        {
            var n = Counts[level];
            if (n == 0)
                continue;
            if (min < 0)
                min = level;
            max = level;
            total += n;
            sum += (BigInteger)n * level;
            squares += (BigInteger)n * ((long)level * level);
        }

        if (total == 0)
            return new VolumeStatistics(0, 0, 0, 0, 0);

        // n * sum(v^2) - sum(v)^2 is exact in whole numbers: no cancellation however large the volume.
        var numerator = (total * squares) - (sum * sum);
        return new VolumeStatistics(total, (double)sum / total, Math.Sqrt((double)numerator) / total, min, max);
    }

    /// <summary>The counts as little-endian int64, for stored sums: 2048 or 524288 bytes.</summary>
    public byte[] ToBytes()
    {
        var bytes = new byte[Counts.Length * sizeof(long)];
        for (var i = 0; i < Counts.Length; i++)
            BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(i * sizeof(long)), Counts[i]);
        return bytes;
    }

    /// <summary>Reads what <see cref="ToBytes"/> wrote.</summary>
    /// <exception cref="ArgumentException">The length is not that of a histogram, or a count is negative.</exception>
    public static VoxelHistogram FromBytes(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length % sizeof(long) != 0)
            throw new ArgumentException($"{bytes.Length} bytes are not a histogram", nameof(bytes));
        var counts = new long[bytes.Length / sizeof(long)];
        for (var i = 0; i < counts.Length; i++)
            counts[i] = BinaryPrimitives.ReadInt64LittleEndian(bytes[(i * sizeof(long))..]);
        return new VoxelHistogram(counts);
    }
}
