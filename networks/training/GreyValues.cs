// SPDX-License-Identifier: Apache-2.0
using System.Numerics;
using System.Runtime.InteropServices;
using Teravox.Contracts;

namespace Teravox.Networks;

/// <summary>Changes of a patch's grey values, in place: contrast, noise, blur, sharpening.</summary>
internal static class GreyValues
{
    private const double SharpenSigma = 1;  // in x voxels: the scale whose detail is raised

    // Below a tenth of a voxel the kernel's neighbours weigh less than 2e-22: nothing changes.
    private const double LeastSigma = 0.1;

    /// <summary>Stretches about the patch's mean.</summary>
    public static void ChangeContrast(Span<float> raw, double factor)
    {
        double sum = 0;
        foreach (var value in raw)
            sum += value;
        var (mean, f) = ((float)(sum / raw.Length), (float)factor);
        foreach (ref var value in raw)
            value = mean + (f * (value - mean));
    }

    /// <summary>Adds Gaussian noise.</summary>
    public static void AddNoise(Span<float> raw, double sigma, RandomStream stream)
    {
        var s = (float)sigma;
        for (var i = 0; i < raw.Length; i += 2)
        {
            var (first, second) = stream.NormalPair((ulong)i / 2);
            raw[i] += s * first;
            if (i + 1 < raw.Length)
                raw[i + 1] += s * second;
        }
    }

    /// <summary>Adds the patch's difference from its blurred self.</summary>
    public static void Sharpen(Span<float> raw, Int3 shape, VoxelSize spacing, double strength)
    {
        var blurred = raw.ToArray();
        Blur(blurred, shape, spacing, SharpenSigma);
        var s = (float)strength;
        for (var i = 0; i < raw.Length; i++)
            raw[i] += s * (raw[i] - blurred[i]);
    }

    /// <summary>Gaussian blur in real space, mirrored about the edge voxels.</summary>
    /// <param name="raw">The patch.</param>
    /// <param name="shape">Its shape.</param>
    /// <param name="spacing">Voxel size.</param>
    /// <param name="sigma">In x voxels.</param>
    public static void Blur(Span<float> raw, Int3 shape, VoxelSize spacing, double sigma)
    {
        // Along z the planes are weighted and added, along y the rows of each plane, along x the voxels of each row.
        Along(raw, shape.Z, shape.Y * shape.X, sigma * spacing.XVoxelsTo(0));
        Along(raw, shape.Y, shape.X, sigma * spacing.XVoxelsTo(1));
        AlongX(raw, shape.X, sigma);
    }

    /// <summary>to += weight * from.</summary>
    public static void AddScaled(Span<float> to, ReadOnlySpan<float> from, float weight)
    {
        var toVectors = MemoryMarshal.Cast<float, Vector<float>>(to);
        var fromVectors = MemoryMarshal.Cast<float, Vector<float>>(from);
        for (var i = 0; i < toVectors.Length; i++)
            toVectors[i] += weight * fromVectors[i];
        for (var i = toVectors.Length * Vector<float>.Count; i < to.Length; i++)
            to[i] += weight * from[i];
    }

    // Groups of `count` parts, each part `size` voxels.
    private static void Along(Span<float> raw, int count, int size, double sigma)
    {
        if (sigma <= LeastSigma)
            return;
        var kernel = Kernel(sigma);
        var radius = kernel.Length / 2;
        var before = new float[count * size];
        for (var group = raw; !group.IsEmpty; group = group[before.Length..])
        {
            group[..before.Length].CopyTo(before);
            for (var i = 0; i < count; i++)
            {
                var part = group.Slice(i * size, size);
                part.Clear();
                for (var k = 0; k < kernel.Length; k++)
                    AddScaled(part, before.AsSpan(MirrorAtCentre(i + k - radius, count) * size, size), kernel[k]);
            }
        }
    }

    private static void AlongX(Span<float> raw, int width, double sigma)
    {
        if (sigma <= LeastSigma)
            return;
        var kernel = Kernel(sigma);
        var radius = kernel.Length / 2;
        var padded = new float[width + (2 * radius)];
        for (var row = raw; !row.IsEmpty; row = row[width..])
        {
            var part = row[..width];
            part.CopyTo(padded.AsSpan(radius));
            for (var i = 1; i <= radius; i++)
            {
                padded[radius - i] = part[MirrorAtCentre(-i, width)];
                padded[radius + width - 1 + i] = part[MirrorAtCentre(width - 1 + i, width)];
            }

            part.Clear();
            for (var k = 0; k < kernel.Length; k++)
                AddScaled(part, padded.AsSpan(k, width), kernel[k]);
        }
    }

    private static float[] Kernel(double sigma)
    {
        var radius = Math.Max(1, (int)Math.Ceiling(3 * sigma));
        double[] weights = [.. Enumerable.Range(-radius, (2 * radius) + 1).Select(i => Math.Exp(-0.5 * i * i / (sigma * sigma)))];
        return [.. weights.Select(w => (float)(w / weights.Sum()))];
    }

    // The mirror stands at the edge voxel's centre, so that voxel is not repeated: 2 1 | 0 1 2.
    private static int MirrorAtCentre(int i, int n)
    {
        if (n == 1)
            return 0;
        var period = 2 * (n - 1);
        i = ((i % period) + period) % period;
        return i < n ? i : period - i;
    }
}
