// SPDX-License-Identifier: Apache-2.0
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Vec = System.Runtime.Intrinsics.Vector256<float>;

namespace Teravox.Networks;

/// <summary>
/// Winograd's convolution F(4 x 4, 3 x 3) of 64 to 64 channels (Lavin and Gray, "Fast algorithms for convolutional neural networks",
/// arXiv 1509.09308). Tiles of 4 x 4 outputs, their patches of 6 x 6 inputs and the 3 x 3 taps become 36 elements each, and in these the
/// convolution is 36 products of matrices, with a quarter of the multiplications:
/// <code>
/// output = A' [(G taps G') . (B' patch B)] A        gradient of the taps = G' [(B' patch B) . (A pull A')] G
/// </code>
/// Tiles are numbered row by row and worked on in blocks, which stay in the processor's cache: [element][tile of the block][channel].
/// Methods are optimised at once: one section would be half done before the runtime has seen that they are worth it.
/// </summary>
internal static unsafe class Winograd
{
    /// <summary>Sides of a tile and its patch, and the elements of a patch.</summary>
    public const int Tile = 4, Patch = 6, Elements = Patch * Patch;

    /// <summary>Tiles of a block at most.</summary>
    public const int Block = 32;

    /// <summary>From one element of a block to the next: 64 bytes more than it takes, so that elements do not share places in the cache.</summary>
    public const int BlockStride = (Block * Channels) + 16;

    /// <summary>From one element of the taps to the next, and from one tap to the next.</summary>
    public const int MatrixSize = Channels * Channels;

    private const int Channels = Features.Channels, Lanes = 8;

    /// <summary>From 6 or fewer numbers to 6 or fewer: one of the method's matrices along one axis.</summary>
    private interface IMatrix
    {
        static abstract int In { get; }

        static abstract int Out { get; }

        static abstract void Apply(float* from, nint fromStep, float* to, nint toStep);
    }

    /// <summary>Tiles of an image.</summary>
    public static int TilesOf(Features features) => TilesAlong(features.Y) * TilesAlong(features.X);

    /// <summary>G taps G': [9][in][out] to [36][in][out].</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void OfTaps(float* taps, float* elements)
    {
        for (var at = 0; at < MatrixSize; at += Lanes)
            BothWays<G>(taps + at, 3 * MatrixSize, MatrixSize, elements + at, Patch * MatrixSize, MatrixSize);
    }

    /// <summary>G' elements G: what the gradient of the elements means for the taps.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ToTaps(float* elements, float* taps)
    {
        for (var at = 0; at < MatrixSize; at += Lanes)
            BothWays<GTransposed>(elements + at, Patch * MatrixSize, MatrixSize, taps + at, 3 * MatrixSize, MatrixSize);
    }

    /// <summary>B' patch B of so many tiles from the first on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void OfPatches(Features from, int first, int count, float* block)
    {
        for (var t = 0; t < count; t++)
        {
            var (y, x) = PlaceOf(from, first + t);
            for (var c = 0; c < Channels; c += Lanes)
                BothWays<BTransposed>(from.At(y - 1, x - 1) + c, (nint)from.RowStride, Channels, block + (t * Channels) + c, Patch * BlockStride, BlockStride);
        }
    }

    /// <summary>A pull A' of so many tiles from the first on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void OfPulls(Features pull, int first, int count, float* block)
    {
        for (var t = 0; t < count; t++)
        {
            var (y, x) = PlaceOf(pull, first + t);
            for (var c = 0; c < Channels; c += Lanes)
                BothWays<A>(pull.At(y, x) + c, (nint)pull.RowStride, Channels, block + (t * Channels) + c, Patch * BlockStride, BlockStride);
        }
    }

    /// <summary>A' block A, and then ReLU; or, where features are given, zero where these are not above zero (ReLU's derivative).</summary>
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void ToTiles(float* block, int first, int count, Features to, Features? kept)
    {
        var tile = stackalloc float[Tile * Tile * Lanes];
        for (var t = 0; t < count; t++)
        {
            var (y, x) = PlaceOf(to, first + t);
            var (rows, columns) = (Math.Min(Tile, to.Y - y), Math.Min(Tile, to.X - x));
            for (var c = 0; c < Channels; c += Lanes)
            {
                BothWays<ATransposed>(block + (t * Channels) + c, Patch * BlockStride, BlockStride, tile, Tile * Lanes, Lanes);
                for (var i = 0; i < rows; i++)
                {
                    for (var j = 0; j < columns; j++)
                    {
                        var sum = Vector256.Load(tile + (((i * Tile) + j) * Lanes));
                        sum = kept is null ? Vector256.Max(sum, Vec.Zero) : sum & Vector256.GreaterThan(Vector256.Load(kept.At(y + i, x + j) + c), Vec.Zero);
                        sum.Store(to.At(y + i, x + j) + c);
                    }
                }
            }
        }
    }

    /// <summary>Element by element the block's rows times the taps' matrix.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(float* block, float* taps, float* product, int count)
    {
        for (var e = 0; e < Elements; e++)
        {
            // Rows beyond the count are computed as well; nobody reads them.
            for (var t = 0; t < count; t += 4)
            {
                for (var o = 0; o < Channels; o += 2 * Lanes)
                    Multiply4x16(block + (e * BlockStride) + (t * Channels), taps + (e * MatrixSize) + o, product + (e * BlockStride) + (t * Channels) + o);
            }
        }
    }

    /// <summary>Element by element adds the block's columns times the pulls' to the gradient: sums over tiles.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Accumulate(float* block, float* pulls, int count, float* gradient)
    {
        for (var e = 0; e < Elements; e++)
        {
            for (var i = 0; i < Channels; i += 4)
            {
                for (var o = 0; o < Channels; o += 2 * Lanes)
                    Accumulate4x16(block + (e * BlockStride) + i, pulls + (e * BlockStride) + o, count, gradient + (e * MatrixSize) + (i * Channels) + o);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply4x16(float* rows, float* matrix, float* product)
    {
        Vec a0 = default, a1 = default, b0 = default, b1 = default, c0 = default, c1 = default, d0 = default, d1 = default;
        for (var k = 0; k < Channels; k++)
        {
            var (left, right) = (Vector256.Load(matrix), Vector256.Load(matrix + Lanes));
            var (a, b) = (Vector256.Create(rows[k]), Vector256.Create(rows[Channels + k]));
            (a0, a1) = (Vector256.FusedMultiplyAdd(a, left, a0), Vector256.FusedMultiplyAdd(a, right, a1));
            (b0, b1) = (Vector256.FusedMultiplyAdd(b, left, b0), Vector256.FusedMultiplyAdd(b, right, b1));
            var (c, d) = (Vector256.Create(rows[(2 * Channels) + k]), Vector256.Create(rows[(3 * Channels) + k]));
            (c0, c1) = (Vector256.FusedMultiplyAdd(c, left, c0), Vector256.FusedMultiplyAdd(c, right, c1));
            (d0, d1) = (Vector256.FusedMultiplyAdd(d, left, d0), Vector256.FusedMultiplyAdd(d, right, d1));
            matrix += Channels;
        }

        Store(a0, a1, product);
        Store(b0, b1, product + Channels);
        Store(c0, c1, product + (2 * Channels));
        Store(d0, d1, product + (3 * Channels));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Accumulate4x16(float* columns, float* pulls, int count, float* gradient)
    {
        var (a0, a1) = Load(gradient);
        var (b0, b1) = Load(gradient + Channels);
        var (c0, c1) = Load(gradient + (2 * Channels));
        var (d0, d1) = Load(gradient + (3 * Channels));
        for (var t = 0; t < count; t++)
        {
            var (left, right) = (Vector256.Load(pulls), Vector256.Load(pulls + Lanes));
            var (a, b) = (Vector256.Create(columns[0]), Vector256.Create(columns[1]));
            (a0, a1) = (Vector256.FusedMultiplyAdd(a, left, a0), Vector256.FusedMultiplyAdd(a, right, a1));
            (b0, b1) = (Vector256.FusedMultiplyAdd(b, left, b0), Vector256.FusedMultiplyAdd(b, right, b1));
            var (c, d) = (Vector256.Create(columns[2]), Vector256.Create(columns[3]));
            (c0, c1) = (Vector256.FusedMultiplyAdd(c, left, c0), Vector256.FusedMultiplyAdd(c, right, c1));
            (d0, d1) = (Vector256.FusedMultiplyAdd(d, left, d0), Vector256.FusedMultiplyAdd(d, right, d1));
            columns += Channels;
            pulls += Channels;
        }

        Store(a0, a1, gradient);
        Store(b0, b1, gradient + Channels);
        Store(c0, c1, gradient + (2 * Channels));
        Store(d0, d1, gradient + (3 * Channels));
    }

    private static (Vec Left, Vec Right) Load(float* from) => (Vector256.Load(from), Vector256.Load(from + Lanes));

    private static void Store(Vec left, Vec right, float* to)
    {
        left.Store(to);
        right.Store(to + Lanes);
    }

    private static int TilesAlong(int n) => (n + Tile - 1) / Tile;

    private static (int Y, int X) PlaceOf(Features features, int tile)
    {
        var across = TilesAlong(features.X);
        return (tile / across * Tile, tile % across * Tile);
    }

    // M square M' of 8 channels: along the columns, then along the rows.
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void BothWays<M>(float* from, nint rowStep, nint columnStep, float* to, nint rowStepTo, nint columnStepTo)
        where M : struct, IMatrix
    {
        var middle = stackalloc float[Elements * Lanes];
        for (var column = 0; column < M.In; column++)
            M.Apply(from + (column * columnStep), rowStep, middle + (column * Lanes), M.In * Lanes);
        for (var row = 0; row < M.Out; row++)
            M.Apply(middle + (row * M.In * Lanes), Lanes, to + (row * rowStepTo), columnStepTo);
    }

    private struct BTransposed : IMatrix
    {
        public static int In => 6;

        public static int Out => 6;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Apply(float* from, nint fromStep, float* to, nint toStep)
        {
            Vec d0 = Vector256.Load(from), d1 = Vector256.Load(from + fromStep), d2 = Vector256.Load(from + (2 * fromStep));
            Vec d3 = Vector256.Load(from + (3 * fromStep)), d4 = Vector256.Load(from + (4 * fromStep)), d5 = Vector256.Load(from + (5 * fromStep));
            ((4 * d0) - (5 * d2) + d4).Store(to);
            Vec even = d4 - (4 * d2), odd = d3 - (4 * d1);
            (even + odd).Store(to + toStep);
            (even - odd).Store(to + (2 * toStep));
            (even, odd) = (d4 - d2, 2 * (d3 - d1));
            (even + odd).Store(to + (3 * toStep));
            (even - odd).Store(to + (4 * toStep));
            ((4 * d1) - (5 * d3) + d5).Store(to + (5 * toStep));
        }
    }

    private struct G : IMatrix
    {
        public static int In => 3;

        public static int Out => 6;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Apply(float* from, nint fromStep, float* to, nint toStep)
        {
            Vec g0 = Vector256.Load(from), g1 = Vector256.Load(from + fromStep), g2 = Vector256.Load(from + (2 * fromStep));
            (g0 * (1 / 4f)).Store(to);
            Vec even = (g0 + g2) * (-1 / 6f), odd = g1 * (-1 / 6f);
            (even + odd).Store(to + toStep);
            (even - odd).Store(to + (2 * toStep));
            (even, odd) = ((g0 * (1 / 24f)) + (g2 * (1 / 6f)), g1 * (1 / 12f));
            (even + odd).Store(to + (3 * toStep));
            (even - odd).Store(to + (4 * toStep));
            g2.Store(to + (5 * toStep));
        }
    }

    private struct GTransposed : IMatrix
    {
        public static int In => 6;

        public static int Out => 3;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Apply(float* from, nint fromStep, float* to, nint toStep)
        {
            Vec u0 = Vector256.Load(from), u1 = Vector256.Load(from + fromStep), u2 = Vector256.Load(from + (2 * fromStep));
            Vec u3 = Vector256.Load(from + (3 * fromStep)), u4 = Vector256.Load(from + (4 * fromStep)), u5 = Vector256.Load(from + (5 * fromStep));
            Vec near = (u1 + u2) * (-1 / 6f), far = u3 + u4;
            ((u0 * (1 / 4f)) + near + (far * (1 / 24f))).Store(to);
            (((u2 - u1) * (1 / 6f)) + ((u3 - u4) * (1 / 12f))).Store(to + toStep);
            (near + (far * (1 / 6f)) + u5).Store(to + (2 * toStep));
        }
    }

    private struct ATransposed : IMatrix
    {
        public static int In => 6;

        public static int Out => 4;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Apply(float* from, nint fromStep, float* to, nint toStep)
        {
            Vec m0 = Vector256.Load(from), m1 = Vector256.Load(from + fromStep), m2 = Vector256.Load(from + (2 * fromStep));
            Vec m3 = Vector256.Load(from + (3 * fromStep)), m4 = Vector256.Load(from + (4 * fromStep)), m5 = Vector256.Load(from + (5 * fromStep));
            Vec near = m1 + m2, nearOdd = m1 - m2, far = m3 + m4, farOdd = m3 - m4;
            (m0 + near + far).Store(to);
            (nearOdd + (2 * farOdd)).Store(to + toStep);
            (near + (4 * far)).Store(to + (2 * toStep));
            (nearOdd + (8 * farOdd) + m5).Store(to + (3 * toStep));
        }
    }

    private struct A : IMatrix
    {
        public static int In => 4;

        public static int Out => 6;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Apply(float* from, nint fromStep, float* to, nint toStep)
        {
            Vec p0 = Vector256.Load(from), p1 = Vector256.Load(from + fromStep), p2 = Vector256.Load(from + (2 * fromStep)), p3 = Vector256.Load(from + (3 * fromStep));
            p0.Store(to);
            Vec even = p0 + p2, odd = p1 + p3;
            (even + odd).Store(to + toStep);
            (even - odd).Store(to + (2 * toStep));
            (even, odd) = (p0 + (4 * p2), (2 * p1) + (8 * p3));
            (even + odd).Store(to + (3 * toStep));
            (even - odd).Store(to + (4 * toStep));
            p3.Store(to + (5 * toStep));
        }
    }
}
