// SPDX-License-Identifier: Apache-2.0
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using static TorchSharp.torch;

namespace Teravox.Networks;

/// <summary>
/// The gradient of a 3x3x3 convolution's weight, for processors with AVX2 and without AVX-512: there, oneDNN copies each voxel's neighbours side by side
/// and multiplies matrices when channels lie next to each other, which takes most of a training step. Here it is summed where the features lie:
/// for one tap, dW(o, i) is the sum over all voxels v of g(v, o) x(v + tap, i). Registers hold the sums of 16 channels of one side and 4 of the other, over
/// rows that fit the nearest cache. The parts that are summed apart depend on the shape alone, so the number of threads does not show.
/// </summary>
internal static unsafe class WeightGradient
{
    private const int Vector = 8, Taps = 27, TapsOfRow = 3, MostRows = 64;
    private const int CacheBytes = 24 << 10, VoxelsOfPart = 8192, MostParts = 8;

    /// <summary>Whether it can be used here, for so many channels on both sides.</summary>
    public static bool Fits(long from, long to) => Fma.IsSupported && !Avx512F.IsSupported && (from % Vector == 0 || to % Vector == 0);

    /// <summary>The gradient (out, in, 3, 3, 3).</summary>
    /// <param name="input">(batch, in, z, y, x), float32 on the CPU, channels last in memory.</param>
    /// <param name="gradient">That of the result of a convolution with padding 1: (batch, out, z, y, x), in memory as the input.</param>
    /// <param name="threads">1 or more.</param>
    public static Tensor Of(Tensor input, Tensor gradient, int threads)
    {
        using var scope = NewDisposeScope();
        var (x, g) = (input.permute(0, 2, 3, 4, 1), gradient.permute(0, 2, 3, 4, 1));
        var (from, to) = ((int)x.shape[4], (int)g.shape[4]);

        // The side whose channels fill more registers lies along them.
        var alongInput = to % Vector != 0 || (from % Vector == 0 && (from % (2 * Vector) == 0 || to % (2 * Vector) != 0));
        var parts = Math.Clamp((int)(x.numel() / from / VoxelsOfPart), 1, MostParts);
        var sums = zeros([parts, Taps, alongInput ? to : from, alongInput ? from : to], ScalarType.Float32);
        fixed (byte* px = x.bytes, pg = g.bytes, ps = sums.bytes)
        {
            var work = new Work((float*)px, (float*)pg, (float*)ps, parts, (int)x.shape[0], (int)x.shape[1], (int)x.shape[2], (int)x.shape[3], from, to, alongInput);
            var items = parts * Taps / TapsOfRow;
            if (threads == 1)
            {
                for (var item = 0; item < items; item++)
                    work.Sum(item);
            }
            else
            {
                Parallel.For(0, items, new ParallelOptions { MaxDegreeOfParallelism = threads }, work.Sum);
            }
        }

        sums = sums.sum([0L]);
        return sums.permute(alongInput ? [1, 2, 0] : [2, 1, 0]).reshape(to, from, 3, 3, 3).contiguous().MoveToOuterDisposeScope();
    }

    private sealed class Work(float* x, float* g, float* sums, int parts, int batch, int depth, int height, int width, int from, int to, bool alongInput)
    {
        /// <summary>The taps of one row of the kernel, over one part of the voxels.</summary>
        public void Sum(int item)
        {
            var (part, ofKernel) = (item / (Taps / TapsOfRow), item % (Taps / TapsOfRow));
            var (dz, dy) = ((ofKernel / 3) - 1, (ofKernel % 3) - 1);
            var own = sums + (((long)part * Taps) + (ofKernel * TapsOfRow)) * from * to;
            var all = batch * depth * height;
            var (first, end) = ((int)((long)all * part / parts), (int)((long)all * (part + 1) / parts));
            var most = Math.Clamp(CacheBytes / (sizeof(float) * width * (from + to)), 1, MostRows);
            Span<int> rows = stackalloc int[MostRows];
            var count = 0;
            for (var row = first; row < end; row++)
            {
                var (z, y) = (row / height % depth, row % height);
                if (z + dz >= 0 && z + dz < depth && y + dy >= 0 && y + dy < height)
                    rows[count++] = row;
                if (count == most || (row == end - 1 && count > 0))
                {
                    AddRows(rows[..count], (dz * height) + dy, own);
                    count = 0;
                }
            }
        }

        // The rows are in the cache for all three taps.
        private void AddRows(Span<int> rows, int shift, float* own)
        {
            Span<nint> along = stackalloc nint[MostRows];
            Span<nint> across = stackalloc nint[MostRows];
            for (var dx = -1; dx <= 1; dx++, own += (long)from * to)
            {
                var start = Math.Max(0, -dx);
                for (var i = 0; i < rows.Length; i++)
                {
                    var ofInput = (nint)(x + ((((long)(rows[i] + shift) * width) + start + dx) * from));
                    var ofGradient = (nint)(g + ((((long)rows[i] * width) + start) * to));
                    (along[i], across[i]) = alongInput ? (ofInput, ofGradient) : (ofGradient, ofInput);
                }

                Add(along[..rows.Length], across[..rows.Length], width - Math.Abs(dx), alongInput ? from : to, alongInput ? to : from, own);
            }
        }

        private static void Add(Span<nint> along, Span<nint> across, int count, int wide, int narrow, float* sums)
        {
            for (var a = 0; a < wide; a += 2 * Vector)
            {
                var two = a + (2 * Vector) <= wide;
                for (var b = 0; b < narrow;)
                {
                    var to = sums + ((long)b * wide) + a;
                    if (narrow - b >= 4)
                    {
                        if (two)
                            TwoByFour(along, across, a, b, count, wide, narrow, to);
                        else
                            OneByFour(along, across, a, b, count, wide, narrow, to);
                        b += 4;
                        continue;
                    }

                    One(along, across, a, b, count, wide, narrow, to);
                    if (two)
                        One(along, across, a + Vector, b, count, wide, narrow, to + Vector);
                    b++;
                }
            }
        }

        private static void TwoByFour(Span<nint> along, Span<nint> across, int a, int b, int count, int wide, int narrow, float* to)
        {
            Vector256<float> s00 = default, s01 = default, s10 = default, s11 = default, s20 = default, s21 = default, s30 = default, s31 = default;
            for (var row = 0; row < along.Length; row++)
            {
                var p = (float*)along[row] + a;
                var q = (float*)across[row] + b;
                for (var i = 0; i < count; i++)
                {
                    var (v0, v1) = (Avx.LoadVector256(p), Avx.LoadVector256(p + Vector));
                    var w = Avx.BroadcastScalarToVector256(q);
                    s00 = Fma.MultiplyAdd(v0, w, s00);
                    s01 = Fma.MultiplyAdd(v1, w, s01);
                    w = Avx.BroadcastScalarToVector256(q + 1);
                    s10 = Fma.MultiplyAdd(v0, w, s10);
                    s11 = Fma.MultiplyAdd(v1, w, s11);
                    w = Avx.BroadcastScalarToVector256(q + 2);
                    s20 = Fma.MultiplyAdd(v0, w, s20);
                    s21 = Fma.MultiplyAdd(v1, w, s21);
                    w = Avx.BroadcastScalarToVector256(q + 3);
                    s30 = Fma.MultiplyAdd(v0, w, s30);
                    s31 = Fma.MultiplyAdd(v1, w, s31);
                    p += wide;
                    q += narrow;
                }
            }

            AddTo(to, s00);
            AddTo(to + Vector, s01);
            AddTo(to += wide, s10);
            AddTo(to + Vector, s11);
            AddTo(to += wide, s20);
            AddTo(to + Vector, s21);
            AddTo(to += wide, s30);
            AddTo(to + Vector, s31);
        }

        private static void OneByFour(Span<nint> along, Span<nint> across, int a, int b, int count, int wide, int narrow, float* to)
        {
            Vector256<float> s0 = default, s1 = default, s2 = default, s3 = default;
            for (var row = 0; row < along.Length; row++)
            {
                var p = (float*)along[row] + a;
                var q = (float*)across[row] + b;
                for (var i = 0; i < count; i++)
                {
                    var v = Avx.LoadVector256(p);
                    s0 = Fma.MultiplyAdd(v, Avx.BroadcastScalarToVector256(q), s0);
                    s1 = Fma.MultiplyAdd(v, Avx.BroadcastScalarToVector256(q + 1), s1);
                    s2 = Fma.MultiplyAdd(v, Avx.BroadcastScalarToVector256(q + 2), s2);
                    s3 = Fma.MultiplyAdd(v, Avx.BroadcastScalarToVector256(q + 3), s3);
                    p += wide;
                    q += narrow;
                }
            }

            AddTo(to, s0);
            AddTo(to + wide, s1);
            AddTo(to + (2 * wide), s2);
            AddTo(to + (3 * wide), s3);
        }

        private static void One(Span<nint> along, Span<nint> across, int a, int b, int count, int wide, int narrow, float* to)
        {
            Vector256<float> s = default;
            for (var row = 0; row < along.Length; row++)
            {
                var p = (float*)along[row] + a;
                var q = (float*)across[row] + b;
                for (var i = 0; i < count; i++, p += wide, q += narrow)
                    s = Fma.MultiplyAdd(Avx.LoadVector256(p), Avx.BroadcastScalarToVector256(q), s);
            }

            AddTo(to, s);
        }

        private static void AddTo(float* to, Vector256<float> sum) => Avx.Store(to, Avx.Add(Avx.LoadVector256(to), sum));
    }
}
