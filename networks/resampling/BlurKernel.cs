// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Networks;

/// <summary>
/// A kernel that an image is convolved with, so that a single bright pixel becomes the kernel as it is written, like a measured point
/// spread. Beyond the borders the image is mirrored, its edge pixels repeated.
/// </summary>
internal sealed class BlurKernel
{
    private const int MostPixels = 129;

    private readonly int _y, _x;
    private readonly float[] _turned;

    /// <exception cref="InputException">It has an even size, rows of different lengths, or another sum than 1.</exception>
    public BlurKernel(IReadOnlyList<IReadOnlyList<double>> rows)
    {
        if (rows.Any(row => row.Count != rows[0].Count))
            throw new InputException("the reduction's kernel has rows of different lengths; give all of them the same number of weights");
        (_y, _x) = (rows.Count, rows.Count == 0 ? 0 : rows[0].Count);
        if (!IsSize(_y) || !IsSize(_x))
            throw new InputException($"the reduction's kernel is {_y}x{_x}, but its sizes must be odd, 1 to {MostPixels}");
        double[] weights = [.. rows.SelectMany(row => row)];
        var sum = weights.Sum();
        if (!(Math.Abs(sum - 1) <= 1e-3))
            throw new InputException(FormattableString.Invariant($"the reduction's kernel has weights whose sum is {sum}, but it must be 1: divide it by its sum"));

        // Turned: the loops below correlate.
        _turned = [.. weights.Reverse().Select(w => (float)(w / sum))];

        static bool IsSize(int size) => size is >= 1 and <= MostPixels && size % 2 == 1;
    }

    /// <summary>The blurred image, as large as the image.</summary>
    public Plane Apply(Plane image)
    {
        var padded = Pad(image);
        var result = new Plane(image.Shape);
        for (var y = 0; y < image.Y; y++)
        {
            var to = result.Row(y);
            for (var ky = 0; ky < _y; ky++)
            {
                for (var kx = 0; kx < _x; kx++)
                    Rows.AddScaled(to, padded.Row(y + ky).Slice(kx, image.X), _turned[(ky * _x) + kx]);
            }
        }

        return result;
    }

    private Plane Pad(Plane image)
    {
        var (ry, rx) = (_y / 2, _x / 2);
        var padded = new Plane(image.Y + (2 * ry), image.X + (2 * rx));
        for (var y = 0; y < padded.Y; y++)
        {
            var from = image.Row(Mirror.AtEdge(y - ry, image.Y));
            var to = padded.Row(y);
            from.CopyTo(to[rx..]);
            for (var i = 1; i <= rx; i++)
            {
                to[rx - i] = from[Mirror.AtEdge(-i, image.X)];
                to[rx + image.X - 1 + i] = from[Mirror.AtEdge(image.X - 1 + i, image.X)];
            }
        }

        return padded;
    }
}
