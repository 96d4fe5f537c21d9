// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using Teravox.Volumes;

namespace Teravox.Grains;

/// <summary>
/// The labelled region that a network learns from, in memory, and where its random patches lie. The place of patch k of
/// iteration i is a pure function of (seed, i, k), so a resumed training draws on exactly as the unbroken one.
/// Nothing outside the region is ever read: past its border it is mirrored, so the test region cannot leak in.
/// </summary>
/// <param name="region">The region in the volume.</param>
/// <param name="raw">Its voxels (z, y, x), <paramref name="type"/>.</param>
/// <param name="labels">Its class ids (z, y, x).</param>
/// <param name="type">What a voxel of raw is.</param>
/// <param name="seed">Seed of the places.</param>
internal sealed class PatchSampler(Box3 region, byte[] raw, byte[] labels, VoxelType type, ulong seed)
{
    private const int KeptPerClass = 4096;
    private int[][]? _places;

    /// <summary>The training region of an experiment, as a volume of the original's resolution shows it.</summary>
    public static PatchSampler Of(ExperimentPlan plan, ExperimentFolder folder, PlannedVolume volume)
    {
        var raw = new byte[checked((int)(plan.Train.Count * plan.Type.Bytes()))];
        var labels = new byte[plan.Train.Count];
        VolumeFiles.Read(plan, folder, volume, volume.Own(plan.Train), raw);
        OmeVolume.Open(folder.Truth).Read(plan.Train, labels);
        return new PatchSampler(plan.Train, raw, labels, plan.Type, plan.Spec.Seed);
    }

    /// <summary>Where the patch lies, in voxels of the region.</summary>
    /// <param name="iteration">Iteration, from 0.</param>
    /// <param name="k">Patch of the batch, from 0.</param>
    /// <param name="patch">Shape of the patch.</param>
    /// <param name="balanced">Share of patches that are centred on a voxel of a class drawn evenly.</param>
    public Int3 Place(long iteration, int k, Int3 patch, double balanced)
    {
        var random = new CountedRandom(seed, (ulong)iteration * 64 + (ulong)k);
        var free = Int3.Max(region.Shape - patch, Int3.Zero);
        if (balanced > 0 && random.Unit() < balanced && Places() is { Length: > 0 } classes)
        {
            var kept = classes[random.Below(classes.Length)];
            var voxel = kept[random.Below(kept.Length)];
            var centre = new Int3(voxel / (region.Shape.Y * region.Shape.X), voxel / region.Shape.X % region.Shape.Y, voxel % region.Shape.X);
            return Int3.Min(Int3.Max(centre - patch.Map(n => n / 2), Int3.Zero), free);
        }

        return new Int3(random.Below(free.Z + 1), random.Below(free.Y + 1), random.Below(free.X + 1));
    }

    /// <summary>Copies a box of the region, mirrored past its border (the border voxel is not repeated).</summary>
    /// <param name="box">In voxels of the region; may stick out.</param>
    /// <param name="rawInto">Box voxels times bytes per voxel.</param>
    /// <param name="labelsInto">Box voxels.</param>
    public void Read(Box3 box, Span<byte> rawInto, Span<byte> labelsInto)
    {
        var bytes = type.Bytes();
        var (zs, ys, xs) = (Mirror(box, 0), Mirror(box, 1), Mirror(box, 2));
        var straight = xs[^1] - xs[0] == xs.Length - 1 && box.Start.X >= 0;
        var at = 0;
        foreach (var z in zs)
        {
            foreach (var y in ys)
            {
                var row = ((z * region.Shape.Y) + y) * region.Shape.X;
                if (straight)
                {
                    raw.AsSpan((row + xs[0]) * bytes, xs.Length * bytes).CopyTo(rawInto[(at * bytes)..]);
                    labels.AsSpan(row + xs[0], xs.Length).CopyTo(labelsInto[at..]);
                    at += xs.Length;
                    continue;
                }

                foreach (var x in xs)
                {
                    raw.AsSpan((row + x) * bytes, bytes).CopyTo(rawInto[(at * bytes)..]);
                    labelsInto[at++] = labels[row + x];
                }
            }
        }
    }

    private int[] Mirror(Box3 box, int axis)
    {
        var n = region.Shape[axis];
        var indices = new int[box.Shape[axis]];
        var period = Math.Max(1, 2 * (n - 1));
        for (var i = 0; i < indices.Length; i++)
        {
            var v = (((box.Start[axis] + i) % period) + period) % period;
            indices[i] = v < n ? v : period - v;
        }

        return indices;
    }

    // An even sample of each class's voxels: reservoirs filled in scan order by a generator of their own.
    private int[][] Places()
    {
        if (_places is not null)
            return _places;
        var reservoirs = new List<int>[256];
        var seen = new long[256];
        var random = new CountedRandom(seed, ulong.MaxValue);
        for (var i = 0; i < labels.Length; i++)
        {
            var id = labels[i];
            if (id == ClassMap.Ignored)
                continue;
            var kept = reservoirs[id] ??= [];
            seen[id]++;
            if (kept.Count < KeptPerClass)
                kept.Add(i);
            else if (random.Below(seen[id]) is var at && at < KeptPerClass)
                kept[(int)at] = i;
        }

        return _places = [.. reservoirs.Where(r => r is not null).Select(r => r.ToArray())];
    }
}

/// <summary>Random numbers that depend on a seed and a counter alone (SplitMix64, Steele et al. 2014, OOPSLA).</summary>
internal sealed class CountedRandom(ulong seed, ulong stream)
{
    private ulong state = Mix(seed ^ Mix(stream + 0x9E3779B97F4A7C15));

    /// <summary>Even on 0..n-1.</summary>
    public int Below(int n) => (int)Below((long)n);

    /// <summary>Even on 0..n-1.</summary>
    public long Below(long n) => (long)Math.BigMul(Next(), (ulong)n, out _);

    /// <summary>A stream for one section and one purpose, which meets that of no other.</summary>
    public static CountedRandom OfSection(ulong seed, int section, uint purpose) => new(Mix(seed + 0x9E3779B97F4A7C15), ((ulong)purpose << 32) | (uint)section);

    /// <summary>Even on [0, 1).</summary>
    public double Unit() => (Next() >> 11) * (1.0 / (1UL << 53));

    /// <summary>64 random bits.</summary>
    public ulong Bits() => Next();

    /// <summary>Of the normal distribution, mean 0 and deviation 1 (Box and Muller 1958).</summary>
    public double Normal() => Math.Sqrt(-2 * Math.Log(1 - Unit())) * Math.Cos(2 * Math.PI * Unit());

    private ulong Next() => Mix(state += 0x9E3779B97F4A7C15);

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
