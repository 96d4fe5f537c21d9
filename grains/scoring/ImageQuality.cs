// SPDX-License-Identifier: Apache-2.0
using System.Numerics;
using System.Runtime.InteropServices;
using Teravox.Contracts;

namespace Teravox.Grains.Scoring;

/// <summary>
/// How near a section is to the true one. Grey levels are related to the range of their type (255 or 65535), so 16-bit
/// sections that use a part of it only have a PSNR and an SSIM that are comparable among themselves alone.
/// </summary>
public static class ImageQuality
{
    /// <summary>Side of the window of <see cref="Ssim"/>, in pixels.</summary>
    public const int Window = 11;

    private static readonly double[] Gaussian = Normalised(sigma: 1.5);

    /// <summary>
    /// Peak signal-to-noise ratio in dB, 10 log10(range^2 / mean squared difference); null where the sections are equal, which
    /// no number of decibels says.
    /// </summary>
    /// <param name="image">A section (y, x).</param>
    /// <param name="truth">The true section, of the same shape.</param>
    /// <param name="type">Voxel type of both.</param>
    /// <param name="y">Height in pixels.</param>
    /// <param name="x">Width in pixels.</param>
    /// <param name="border">Pixels that are left out along each side, as is usual where borders were made up.</param>
    /// <exception cref="ArgumentException">A length that does not fit, or a border that leaves nothing.</exception>
    public static double? Psnr(ReadOnlySpan<byte> image, ReadOnlySpan<byte> truth, VoxelType type, int y, int x, int border = 0)
    {
        Check(image, truth, type, y, x, border);
        var sum = 0L;
        for (var row = border; row < y - border; row++)
        {
            var (from, count) = ((row * x) + border, x - (2 * border));
            sum += type == VoxelType.UInt8
                ? SquaredDifferences(image.Slice(from, count), truth.Slice(from, count))
                : SquaredDifferences(MemoryMarshal.Cast<byte, ushort>(image).Slice(from, count), MemoryMarshal.Cast<byte, ushort>(truth).Slice(from, count));
        }

        var mean = sum / ((y - (2.0 * border)) * (x - (2.0 * border)));
        return sum == 0 ? null : 10 * Math.Log10(Range(type) * Range(type) / mean);
    }

    /// <summary>
    /// Mean structural similarity, 1 for equal sections (Wang, Bovik, Sheikh, Simoncelli 2004): Gaussian window of 11 x 11 pixels
    /// and sigma 1.5, K1 = .01, K2 = .03, variances of the population; over all places where the window lies inside. This is
    /// scikit-image's <c>structural_similarity(gaussian_weights=True, use_sample_covariance=False)</c>. Null where no window fits.
    /// </summary>
    /// <inheritdoc cref="Psnr"/>
    public static double? Ssim(ReadOnlySpan<byte> image, ReadOnlySpan<byte> truth, VoxelType type, int y, int x, int border = 0)
    {
        Check(image, truth, type, y, x, border);
        var (width, height) = (x - (2 * border), y - (2 * border));
        var places = width - Window + 1;
        if (places < 1 || height < Window)
            return null;

        var c1 = Math.Pow(.01 * Range(type), 2);
        var c2 = Math.Pow(.03 * Range(type), 2);

        // Each row is weighted along x once and kept until the window has passed it.
        var rows = new Moments[Window];
        for (var k = 0; k < Window; k++)
            rows[k] = new Moments(places);
        var pixels = new Moments(width);
        var window = new Moments(places);
        var sum = 0.0;
        for (var row = 0; row < height; row++)
        {
            var from = ((row + border) * x) + border;
            Widen(image, type, from, pixels.A);
            Widen(truth, type, from, pixels.B);
            pixels.Multiply();
            var newest = rows[row % Window];
            newest.Clear();
            for (var k = 0; k < Window; k++)
                newest.Add(pixels, k, Gaussian[k]);
            if (row < Window - 1)
                continue;
            window.Clear();
            for (var k = 0; k < Window; k++)
                window.Add(rows[(row - Window + 1 + k) % Window], 0, Gaussian[k]);
            sum += window.Similarity(c1, c2);
        }

        return sum / ((double)places * (height - Window + 1));
    }

    private static double Range(VoxelType type) => type == VoxelType.UInt8 ? byte.MaxValue : ushort.MaxValue;

    private static void Check(ReadOnlySpan<byte> image, ReadOnlySpan<byte> truth, VoxelType type, int y, int x, int border)
    {
        var bytes = (long)y * x * type.Bytes();
        if (image.Length != bytes || truth.Length != bytes)
            throw new ArgumentException($"{image.Length} and {truth.Length} bytes are not two sections of {y} x {x} pixels of {type}");
        if (border < 0 || 2L * border >= Math.Min(y, x))
            throw new ArgumentException($"a border of {border} pixels leaves nothing of a section of {y} x {x}");
    }

    private static long SquaredDifferences<T>(ReadOnlySpan<T> a, ReadOnlySpan<T> b)
        where T : unmanaged, INumber<T>
    {
        var sum = 0L;
        for (var i = 0; i < a.Length; i++)
        {
            long d = int.CreateTruncating(a[i]) - int.CreateTruncating(b[i]);
            sum += d * d;
        }

        return sum;
    }

    private static void Widen(ReadOnlySpan<byte> image, VoxelType type, int from, double[] row)
    {
        for (var i = 0; i < row.Length; i++)
            row[i] = type == VoxelType.UInt8 ? image[from + i] : MemoryMarshal.Cast<byte, ushort>(image)[from + i];
    }

    private static double[] Normalised(double sigma)
    {
        var weights = Enumerable.Range(-(Window / 2), Window).Select(i => Math.Exp(-.5 * i * i / (sigma * sigma))).ToArray();
        var sum = weights.Sum();
        return [.. weights.Select(w => w / sum)];
    }

    /// <summary>A row of each mean that SSIM is made of: a, b, a^2 + b^2 and ab.</summary>
    private sealed class Moments(int width)
    {
        private readonly double[] _squares = new double[width];
        private readonly double[] _products = new double[width];

        public double[] A { get; } = new double[width];

        public double[] B { get; } = new double[width];

        public void Clear()
        {
            Array.Clear(A);
            Array.Clear(B);
            Array.Clear(_squares);
            Array.Clear(_products);
        }

        /// <summary>Makes squares and products of a and b.</summary>
        public void Multiply()
        {
            for (var i = 0; i < A.Length; i++)
            {
                _squares[i] = (A[i] * A[i]) + (B[i] * B[i]);
                _products[i] = A[i] * B[i];
            }
        }

        /// <summary>Adds another's row from place <paramref name="from"/> on, weighted.</summary>
        public void Add(Moments other, int from, double weight)
        {
            AddRow(A, other.A, from, weight);
            AddRow(B, other.B, from, weight);
            AddRow(_squares, other._squares, from, weight);
            AddRow(_products, other._products, from, weight);
        }

        /// <summary>The sum of SSIM (eq. 13 of the publication) over the row.</summary>
        public double Similarity(double c1, double c2)
        {
            var sum = 0.0;
            for (var i = 0; i < A.Length; i++)
            {
                var product = A[i] * B[i];
                var squares = (A[i] * A[i]) + (B[i] * B[i]);
                var numerator = ((2 * product) + c1) * ((2 * (_products[i] - product)) + c2);
                sum += numerator / ((squares + c1) * (_squares[i] - squares + c2));
            }

            return sum;
        }

        private static void AddRow(double[] sum, double[] row, int from, double weight)
        {
            var i = 0;
            var weights = new Vector<double>(weight);
            for (; i <= sum.Length - Vector<double>.Count; i += Vector<double>.Count)
                (new Vector<double>(sum, i) + (weights * new Vector<double>(row, from + i))).CopyTo(sum, i);
            for (; i < sum.Length; i++)
                sum[i] += weight * row[from + i];
        }
    }
}
