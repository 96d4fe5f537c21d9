// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Networks;

/// <summary>
/// Voxels From .. To - 1 along one axis, and the voxels of a layer's input that they are computed from, on an endless line. The
/// reach of a network and the parts that a tile's core needs are found with these.
/// </summary>
internal readonly record struct Interval(int From, int To)
{
    public int Size => To - From;

    public Interval Hull(Interval other) => new(Math.Min(From, other.From), Math.Max(To, other.To));

    public Interval Clip(int size) => new(Math.Max(From, 0), Math.Min(To, size));

    /// <summary>What a convolution with a kernel of 3 reads.</summary>
    public Interval OfConvolution() => new(From - 1, To + 1);

    /// <summary>What pooling reads.</summary>
    public Interval OfPooling(int factor) => new(From * factor, To * factor);

    /// <summary>What upsampling reads.</summary>
    public Interval OfUpsampling(int factor, Upsampling way)
    {
        if (way != Upsampling.Transposed3)
            return new(FloorDiv(From, factor), FloorDiv(To - 1, factor) + 1);
        if (factor == 1)
            return OfConvolution();

        // Output k is position k - 1 of the transposed convolution (its 2n - 1 outputs are stretched to 2n by repeating the first), and
        // position m takes the inputs floor(m / 2) and ceil(m / 2).
        return new(FloorDiv(From - 1, 2), -FloorDiv(-(To - 2), 2) + 1);
    }

    private static int FloorDiv(int a, int b) => (a - (((a % b) + b) % b)) / b;
}

/// <summary>How far a network looks.</summary>
public static class Reach
{
    /// <summary>
    /// Reach: how many voxels to each side of an output voxel, per axis, can change it. With group norm that of the convolutions only,
    /// since its statistics cover the whole tile. Grid: the product of the pool factors; tile origins, halos, tile sizes and patches
    /// are multiples of it.
    /// </summary>
    /// <exception cref="InputException">The architecture cannot be built.</exception>
    public static (Int3 Reach, Int3 Grid) Of(UNetArchitecture a)
    {
        ArgumentNullException.ThrowIfNull(a);
        a.Check(outChannels: 1);
        var grid = a.Grid();
        return (new(Along(0), Along(1), Along(2)), grid);

        // Where a voxel lies in its cell of the grid decides how far it sees, so every place is tried.
        int Along(int axis) => Enumerable.Range(0, grid[axis]).Max(at =>
        {
            var read = Read(a, axis, at);
            return Math.Max(at - read.From, read.To - 1 - at);
        });
    }

    /// <summary>The input voxels, along one axis, that the output voxel <paramref name="at"/> is computed from.</summary>
    private static Interval Read(UNetArchitecture a, int axis, int at)
    {
        // What the decoder of each level takes of the encoder's features, from the finest to the coarsest.
        var factors = a.PoolFactors();
        var needed = new Interval[a.Levels];
        var output = new Interval(at, at + 1);
        for (var level = 0; level < a.Levels - 1; level++)
        {
            needed[level] = output.OfConvolution().OfConvolution();
            output = needed[level].OfUpsampling(factors[level][axis], a.Upsample);
        }

        needed[^1] = output;
        for (var level = a.Levels - 1; level > 0; level--)
            needed[level - 1] = needed[level - 1].Hull(needed[level].OfConvolution().OfConvolution().OfPooling(factors[level - 1][axis]));
        return needed[0].OfConvolution().OfConvolution();
    }
}
