// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Networks;

/// <summary>
/// Grey images (y, x) of any scale made smaller and larger on the CPU. Both images always cover the same extent: a size's
/// factor is the ratio of the two sizes, so an enlarged image lies exactly over the one that was reduced, whether or not
/// the sizes divide. Nothing is clipped: bicubic overshoots at edges, by up to 7 % of a step along an axis.
/// </summary>
public static class Resampler
{
    /// <summary>Sizes divided by the scale and rounded, halves to even, 1 at least: what scikit-image's <c>rescale</c> gives.</summary>
    public static (int Y, int X) ReducedShape(int y, int x, Scale scale)
    {
        return (Reduced(y, scale.Y), Reduced(x, scale.X));

        // The product with 1 / factor is scikit-image's; a quotient would fall on other sides of some halves.
        static int Reduced(int size, double factor) => Math.Max(1, checked((int)Math.Round(size * (1 / factor), MidpointRounding.ToEven)));
    }

    /// <summary>Sizes times the scale, rounded up; a product within 1e-6 of a whole number counts as that number.</summary>
    public static (int Y, int X) EnlargedShape(int y, int x, Scale scale)
    {
        return (Enlarged(y, scale.Y), Enlarged(x, scale.X));

        static int Enlarged(int size, double factor) => checked((int)Math.Ceiling((size * factor) - 1e-6));
    }

    /// <summary>
    /// A smaller image: each axis of <paramref name="to"/> at most as long as in <paramref name="from"/>, and at least 1/64.
    /// <list type="bullet">
    /// <item>Bicubic: cubic convolution (Keys 1981, a = -1/2), widened by the factor against aliasing, its weights normalised;
    /// beyond the borders the image is mirrored, its edge pixels repeated.</item>
    /// <item>Gaussian: scikit-image 0.19's <c>rescale(anti_aliasing=True)</c>, so sigma (factor - 1) / 2, cut at 4 sigma, then linear
    /// interpolation; mirrored about the centres of the edge pixels.</item>
    /// <item>A kernel: convolved with the image, mirrored as for bicubic, then read at the smaller image's pixel centres. Where
    /// these lie between pixels, as with an even factor, it is read by cubic convolution, which blurs far less than linear
    /// interpolation would.</item>
    /// </list>
    /// </summary>
    /// <exception cref="InputException">The kernel has an even size, rows of different lengths, or another sum than 1.</exception>
    /// <exception cref="ArgumentException">A buffer's length is not that of its shape, or a shape does not suit the other.</exception>
    public static void Reduce(ReadOnlySpan<float> image, (int Y, int X) from, (int Y, int X) to, Reduction reduction, Span<float> result)
    {
        ArgumentNullException.ThrowIfNull(reduction);
        Check(image, from, to, result);
        Apply(Resampling.Reduce(reduction, from, to), image, result);
    }

    /// <summary>
    /// A larger image, by cubic convolution (Keys 1981, a = -1/2): each axis of <paramref name="to"/> at least as long as in
    /// <paramref name="from"/>, and at most 64 times. Beyond the borders the image is mirrored, its edge pixels repeated.
    /// </summary>
    /// <exception cref="ArgumentException">A buffer's length is not that of its shape, or a shape does not suit the other.</exception>
    public static void Enlarge(ReadOnlySpan<float> image, (int Y, int X) from, (int Y, int X) to, Span<float> result)
    {
        Check(image, from, to, result);
        Apply(Resampling.Enlarge(from, to), image, result);
    }

    private static void Apply(Resampling plan, ReadOnlySpan<float> image, Span<float> result)
    {
        var plane = new Plane(plan.From);
        image.CopyTo(plane.Pixels);
        plan.Apply(plane).Pixels.CopyTo(result);
    }

    private static void Check(ReadOnlySpan<float> image, (int Y, int X) from, (int Y, int X) to, Span<float> result)
    {
        if (image.Length != (long)from.Y * from.X || result.Length != (long)to.Y * to.X)
            throw new ArgumentException($"{image.Length} and {result.Length} pixels are not images of {from} and {to} (y, x)");
    }
}
