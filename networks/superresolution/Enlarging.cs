// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Networks;

/// <summary>A reduction and its way back, between one large and one small shape.</summary>
/// <param name="Down">From large to small, by the reduction.</param>
/// <param name="Up">Back by bicubic.</param>
internal sealed record ScalePair(Resampling Down, Resampling Up)
{
    public static ScalePair Between(Reduction reduction, (int Y, int X) large, (int Y, int X) small) =>
        new(Resampling.Reduce(reduction, large, small), Resampling.Enlarge(small, large));

    /// <summary>
    /// Back-projection (Irani and Peleg 1991): so many times, what the reduced image lacks of the low-resolution one is enlarged and added;
    /// clipped to 0..<paramref name="top"/>.
    /// </summary>
    /// <exception cref="OperationCanceledException"><paramref name="ct"/> asked to stop.</exception>
    public void BackProject(Plane low, float top, int times, Plane high, CancellationToken ct)
    {
        for (var i = 0; i < times; i++)
        {
            ct.ThrowIfCancellationRequested();
            var lacking = low.Copy();
            Rows.AddScaled(lacking.Pixels, Down.Apply(high).Pixels, -1);
            Rows.AddScaled(high.Pixels, Up.Apply(lacking).Pixels, 1);
            high.Clip(top);
        }
    }
}

/// <summary>What ZSSR does with a trained network: the geometric self-ensemble with back-projection.</summary>
/// <param name="Ensemble">False: one output, not turned.</param>
/// <param name="SwapsAxes">True where both axes have the same scale, so that quarter turns keep it.</param>
/// <param name="BackProjections">Times.</param>
/// <param name="Top">The largest grey level.</param>
/// <param name="Tile">Pixels a side that the network sees at once.</param>
internal sealed record Enlarging(bool Ensemble, bool SwapsAxes, int BackProjections, float Top, int Tile)
{
    /// <summary>Turns of a square.</summary>
    public const int Turns = 8;

    /// <summary>
    /// The low-resolution image enlarged: the network on its bicubic enlargement, turned every way that keeps it one (8, or 4 where the
    /// axes' scales differ, or 1 without ensemble), each output back-projected, their median back-projected again. Without a network
    /// bicubic takes its place.
    /// </summary>
    /// <param name="net">A trained network, or null.</param>
    /// <param name="low">The image.</param>
    /// <param name="scales">Between the shape wanted and the image's.</param>
    /// <param name="done">Told the share of outputs that are ready.</param>
    /// <param name="ct">Looked at before every tile and back-projection.</param>
    /// <exception cref="OperationCanceledException"><paramref name="ct"/> asked to stop.</exception>
    public Plane Run(ZssrNet? net, Plane low, ScalePair scales, Action<double> done, CancellationToken ct)
    {
        var start = scales.Up.Apply(low);

        // Bicubic commutes with turns: one output is all of them.
        var turns = net is null || !Ensemble ? 1 : SwapsAxes ? Turns : Turns / 2;
        var outputs = new Plane[turns];
        for (var turn = 0; turn < turns; turn++)
        {
            var output = net is null ? start.Copy() : TurnedBack(net.ForwardTiled(Turned(start, turn), Tile, ct), turn);
            output.Clip(Top);
            scales.BackProject(low, Top, BackProjections, output, ct);
            outputs[turn] = output;
            done((turn + 1.0) / turns);
        }

        var result = Median(outputs);
        scales.BackProject(low, Top, BackProjections, result, ct);
        return result;
    }

    /// <summary>Turn 0..7 of the square: bit 0 mirrors the rows' order, bit 1 the columns', bit 2 then swaps the axes.</summary>
    public static Plane Turned(Plane image, int turn)
    {
        var swaps = (turn & 4) != 0;
        var result = swaps ? new Plane(image.X, image.Y) : new Plane(image.Shape);
        for (var i = 0; i < image.Y; i++)
        {
            var from = image.Row((turn & 1) != 0 ? image.Y - 1 - i : i);
            for (var j = 0; j < image.X; j++)
            {
                var pixel = from[(turn & 2) != 0 ? image.X - 1 - j : j];
                if (swaps)
                    result[j, i] = pixel;
                else
                    result[i, j] = pixel;
            }
        }

        return result;
    }

    /// <summary>Undoes <see cref="Turned"/>.</summary>
    public static Plane TurnedBack(Plane image, int turn)
    {
        var swaps = (turn & 4) != 0;
        var result = swaps ? new Plane(image.X, image.Y) : new Plane(image.Shape);
        for (var i = 0; i < result.Y; i++)
        {
            var to = result.Row((turn & 1) != 0 ? result.Y - 1 - i : i);
            for (var j = 0; j < result.X; j++)
                to[(turn & 2) != 0 ? result.X - 1 - j : j] = swaps ? image[j, i] : image[i, j];
        }

        return result;
    }

    /// <summary>Pixel by pixel the median of the images, the mean of the middle two where their number is even.</summary>
    public static Plane Median(IReadOnlyList<Plane> images)
    {
        var result = new Plane(images[0].Shape);
        Span<float> values = stackalloc float[images.Count];
        for (var k = 0; k < result.Pixels.Length; k++)
        {
            for (var i = 0; i < values.Length; i++)
                values[i] = images[i].Pixels[k];
            values.Sort();
            var middle = values.Length / 2;
            result.Pixels[k] = values.Length % 2 == 1 ? values[middle] : .5f * (values[middle - 1] + values[middle]);
        }

        return result;
    }
}
