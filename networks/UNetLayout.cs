// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Networks;

/// <summary>Channels of a block: in, between its two 3x3x3 convolutions, and out.</summary>
internal readonly record struct BlockChannels(int In, int Middle, int Out);

/// <summary>What follows from an architecture alone: whether it is sound, and the channels of its layers.</summary>
internal static class UNetLayout
{
    private const int MostLevels = 8, MostChannels = 8192;

    /// <summary>Feature maps of a level: those of the finest, doubled with every level.</summary>
    public static int Channels(this UNetArchitecture a, int level) => a.FMaps << level;

    /// <summary>Product of the pool factors.</summary>
    public static Int3 Grid(this UNetArchitecture a) =>
        a.PoolFactors().Aggregate(new Int3(1, 1, 1), (grid, p) => new Int3(grid.Z * p.Z, grid.Y * p.Y, grid.X * p.X));

    /// <summary>Channels of the encoder's block of a level.</summary>
    public static BlockChannels EncoderBlock(this UNetArchitecture a, int level)
    {
        var (from, to) = (level == 0 ? 1 : a.Channels(level - 1), a.Channels(level));
        return new(from, Math.Max(to / 2, from), to);
    }

    /// <summary>Channels of the decoder's block that gives a level's features.</summary>
    public static BlockChannels DecoderBlock(this UNetArchitecture a, int level)
    {
        var to = a.Channels(level);
        if (a.Residual)
            return new(to, to, to);
        return new(to + (a.Upsample == Upsampling.Nearest ? a.Channels(level + 1) : to), to, to);
    }

    /// <summary>Group norm's groups for so many channels, as pytorch-3dunet has them: one where there are fewer channels than groups.</summary>
    public static int GroupsFor(this UNetArchitecture a, int channels) => channels < a.Groups ? 1 : a.Groups;

    /// <summary>Kernel of the transposed convolution that joins a level to the next coarser one.</summary>
    public static Int3 TransposedKernel(this UNetArchitecture a, int level) => a.Upsample == Upsampling.Transposed3 ? new Int3(3, 3, 3) : a.PoolFactors()[level];

    /// <summary>Refuses what cannot be built.</summary>
    /// <exception cref="InputException">A field is out of its range, or fields do not fit each other.</exception>
    public static void Check(this UNetArchitecture a, int outChannels)
    {
        Within("classes", outChannels, 1, 255);
        Within("levels", a.Levels, 2, MostLevels);
        Within("fMaps", a.FMaps, 1, 1024);
        Within("groups", a.Groups, 1, 1024);
        Within("fMaps * 2^(levels - 1)", a.Channels(a.Levels - 1), 1, MostChannels);
        var factors = a.PoolFactors();
        if (factors.Count != a.Levels - 1)
            throw new InputException($"{a.Levels} levels need {a.Levels - 1} pool factors, not {factors.Count}");
        foreach (var factor in factors.SelectMany(p => (long[])[p.Z, p.Y, p.X]))
        {
            Within("a pool factor", factor, 1, 4);
            if (a.Upsample == Upsampling.Transposed3 && factor > 2)
                throw new InputException($"upsample transposed3 takes pool factors 1 and 2 only, not {factor}; use transposed");
        }

        if (a.Residual && a.Upsample == Upsampling.Nearest)
            throw new InputException("a residual network adds its skips, so upsample must be transposed or transposed3, not nearest");
        if (a.Order != LayerOrder.Gcr)
            return;
        foreach (var block in Enumerable.Range(0, a.Levels).Select(a.EncoderBlock).Concat(Enumerable.Range(0, a.Levels - 1).Select(a.DecoderBlock)))
        {
            // Group norm comes before the convolution: it sees the channels that go in.
            foreach (var channels in a.Residual ? (int[])[block.Out] : [block.In, block.Middle])
            {
                if (channels % a.GroupsFor(channels) != 0)
                    throw new InputException($"groups {a.GroupsFor(channels)} does not divide the {channels} channels of a layer; choose fMaps as a multiple of groups");
            }
        }
    }

    private static void Within(string field, long value, long least, long most)
    {
        if (value < least || value > most)
            throw new InputException($"{field} is {value}, but must be {least}..{most}");
    }
}
