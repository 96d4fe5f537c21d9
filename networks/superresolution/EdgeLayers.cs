// SPDX-License-Identifier: Apache-2.0
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Vec = System.Runtime.Intrinsics.Vector256<float>;

namespace Teravox.Networks;

/// <summary>
/// ZSSR's first and last layer, which have one channel on one side. Weights are [tap][channel], taps row by row; images of one channel are
/// given with a border of one zero pixel. No result depends on the number of workers.
/// </summary>
internal static unsafe class EdgeLayers
{
    public const int Taps = 9, Weights = Taps * Channels;

    private const int Channels = Features.Channels, Lanes = 8;

    /// <summary>The image with a border of one zero pixel.</summary>
    public static Plane Bordered(Plane image)
    {
        var result = new Plane(image.Y + 2, image.X + 2);
        for (var y = 0; y < image.Y; y++)
            image.Row(y).CopyTo(result.Row(y + 1)[1..]);
        return result;
    }

    /// <summary>The convolution's transpose has its taps in reverse order.</summary>
    public static float[] Reversed(ReadOnlySpan<float> taps)
    {
        var result = new float[Weights];
        for (var t = 0; t < Taps; t++)
            taps.Slice(t * Channels, Channels).CopyTo(result.AsSpan((Taps - 1 - t) * Channels));
        return result;
    }

    /// <summary>
    /// One channel to 64: to[p] = sum over taps of taps[t] * from[p + t], and then ReLU; or, where features are given, zero where these are
    /// not above zero (ReLU's derivative).
    /// </summary>
    public static void Spread(Workers workers, Plane bordered, float[] taps, Features? kept, Features to) => workers.Run(to.Y, [MethodImpl(MethodImplOptions.AggressiveOptimization)] (_, y) =>
    {
        fixed (float* image = bordered.Pixels, weights = taps)
        {
            for (var c = 0; c < Channels; c += Lanes)
            {
                for (var x = 0; x < to.X; x++)
                {
                    var sum = Vec.Zero;
                    for (var t = 0; t < Taps; t++)
                        sum = Vector256.FusedMultiplyAdd(Vector256.Create(image[((y + (t / 3)) * bordered.X) + x + (t % 3)]), Vector256.Load(weights + (t * Channels) + c), sum);
                    sum = kept is null ? Vector256.Max(sum, Vec.Zero) : sum & Vector256.GreaterThan(Vector256.Load(kept.At(y, x) + c), Vec.Zero);
                    sum.Store(to.At(y, x) + c);
                }
            }
        }
    });

    /// <summary>64 channels to one: to[p] = sum over taps and channels of taps[t][c] * from[p + t][c].</summary>
    public static void Gather(Workers workers, Features from, float[] taps, Plane to) => workers.Run(to.Y, [MethodImpl(MethodImplOptions.AggressiveOptimization)] (_, y) =>
    {
        fixed (float* weights = taps)
        {
            for (var x = 0; x < to.X; x++)
            {
                Vec even = Vec.Zero, odd = Vec.Zero;
                for (var t = 0; t < Taps; t++)
                {
                    float* w = weights + (t * Channels), f = from.At(y - 1 + (t / 3), x - 1 + (t % 3));
                    for (var c = 0; c < Channels; c += 2 * Lanes)
                    {
                        even = Vector256.FusedMultiplyAdd(Vector256.Load(w + c), Vector256.Load(f + c), even);
                        odd = Vector256.FusedMultiplyAdd(Vector256.Load(w + c + Lanes), Vector256.Load(f + c + Lanes), odd);
                    }
                }

                to[y, x] = Vector256.Sum(even + odd);
            }
        }
    });

    /// <summary>Gradient of taps: sum over pixels of features[p][c] * image[p + t].</summary>
    public static float[] Correlate(Workers workers, Features features, Plane bordered)
    {
        // Sums of a row each, added up in the order of the rows.
        var rows = new float[features.Y][];
        workers.Run(features.Y, (_, y) => rows[y] = CorrelateRow(features, bordered, y));
        var result = new float[Weights];
        foreach (var row in rows)
            Rows.AddScaled(result, row, 1);
        return result;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float[] CorrelateRow(Features features, Plane bordered, int y)
    {
        var result = new float[Weights];
        fixed (float* image = bordered.Pixels, to = result)
        {
            for (var c = 0; c < Channels; c += Lanes)
            {
                for (var t = 0; t < Taps; t += 3)
                {
                    var from = image + ((y + (t / 3)) * bordered.X);
                    Vec left = Vec.Zero, middle = Vec.Zero, right = Vec.Zero;
                    for (var x = 0; x < features.X; x++)
                    {
                        var here = Vector256.Load(features.At(y, x) + c);
                        left = Vector256.FusedMultiplyAdd(here, Vector256.Create(from[x]), left);
                        middle = Vector256.FusedMultiplyAdd(here, Vector256.Create(from[x + 1]), middle);
                        right = Vector256.FusedMultiplyAdd(here, Vector256.Create(from[x + 2]), right);
                    }

                    left.Store(to + (t * Channels) + c);
                    middle.Store(to + ((t + 1) * Channels) + c);
                    right.Store(to + ((t + 2) * Channels) + c);
                }
            }
        }

        return result;
    }
}
