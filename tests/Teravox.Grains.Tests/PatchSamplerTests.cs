// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Grains.Tests;

public sealed class PatchSamplerTests
{
    private static readonly Box3 Region = new(new Int3(5, 0, 0), new Int3(7, 9, 11));

    [Fact]
    public void Place_WhenAskedAgain_IsTheSameAndInsideTheRegion()
    {
        var sampler = Make(out _);
        var again = Make(out _);
        var patch = new Int3(4, 5, 6);
        var seen = new HashSet<Int3>();
        for (var i = 0; i < 3000; i++)
        {
            var place = sampler.Place(i, 0, patch, 0);
            Assert.Equal(place, again.Place(i, 0, patch, 0));
            Assert.True(Box3.Whole(Region.Shape).Contains(new Box3(place, patch)));
            seen.Add(place);
        }

        // All 4 x 5 x 6 places come up: nothing of the region is left out.
        Assert.Equal(120, seen.Count);
    }

    [Fact]
    public void Place_WhenBalanced_CentresOnRareClassesToo()
    {
        var sampler = Make(out var labels);
        var rare = Array.IndexOf(labels, (byte)2);
        var position = new Int3(rare / 99, rare / 11 % 9, rare % 11);
        var patch = new Int3(1, 1, 1);
        var hits = Enumerable.Range(0, 900).Count(i => sampler.Place(i, 0, patch, 1) == position);
        Assert.InRange(hits, 200, 400);
    }

    [Fact]
    public void Read_WhenTheBoxSticksOut_MirrorsTheRegionAndReadsNothingElse()
    {
        var sampler = Make(out var labels);
        var box = new Box3(new Int3(-9, -3, -20), new Int3(30, 20, 50));
        var raw = new byte[box.Count];
        var ids = new byte[box.Count];
        sampler.Read(box, raw, ids);
        var at = 0;
        for (var z = 0; z < box.Shape.Z; z++)
        {
            for (var y = 0; y < box.Shape.Y; y++)
            {
                for (var x = 0; x < box.Shape.X; x++, at++)
                {
                    var from = (((Reflect(z - 9, 7) * 9) + Reflect(y - 3, 9)) * 11) + Reflect(x - 20, 11);
                    Assert.Equal((byte)from, raw[at]);
                    Assert.Equal(labels[from], ids[at]);
                }
            }
        }
    }

    // By walking, not by arithmetic: the rule itself.
    private static int Reflect(int v, int n)
    {
        while (v < 0 || v >= n)
            v = v < 0 ? -v : (2 * (n - 1)) - v;
        return v;
    }

    private static PatchSampler Make(out byte[] labels)
    {
        var raw = new byte[Region.Count];
        labels = new byte[Region.Count];
        for (var i = 0; i < raw.Length; i++)
        {
            raw[i] = (byte)i;
            labels[i] = (byte)(i % 2);
        }

        labels[345] = 2;
        return new PatchSampler(Region, raw, labels, VoxelType.UInt8, seed: 42);
    }
}
