// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts.Work;

namespace Teravox.Grains.Tests;

public class SumCodecTests
{
    [Fact]
    public void Unpack_WhenCountsWerePacked_GivesThemBack()
    {
        long[] counts = [0, 0, 1, 127, 128, long.MaxValue, 0, -5, 300, 0];

        Assert.Equal(counts, SumCodec.Unpack(SumCodec.Pack(counts)));
    }

    [Fact]
    public void Unpack_WhenTheMemoryWasUsedBefore_LeavesNothingOfIt()
    {
        long[] into = [9, 9, 9, 9];

        SumCodec.Unpack(SumCodec.Pack([0, 0, 3, 0]), into);

        Assert.Equal([0, 0, 3, 0], into);
    }

    [Theory]
    [InlineData(long.MaxValue, 1)]
    [InlineData(long.MinValue, -1)]
    [InlineData(-2, long.MinValue)]
    public void Add_WhenOneCountLeaves64Bits_ThrowsAndChangesNothing(long known, long more)
    {
        // Each place of a vector, and the rest behind the last one.
        for (var place = 0; place < 11; place++)
        {
            var (into, added) = (new long[11], Enumerable.Repeat(1L, 11).ToArray());
            (into[place], added[place]) = (known, more);
            var before = into.ToArray();

            Assert.Throws<InvalidOperationException>(() => SumCodec.Add("grey", into, added));
            Assert.Equal(before, into);
        }
    }

    [Fact]
    public void Add_WhenCountsAreNegative_AddsThem()
    {
        long[] into = [5, -7, long.MaxValue, 0, 1];

        SumCodec.Add("grey", into, [-6, -1, -1, 2, 3]);

        Assert.Equal([-1, -8, long.MaxValue - 1, 2, 4], into);
    }
}
