// SPDX-License-Identifier: Apache-2.0
using FsCheck;
using FsCheck.Fluent;
using Teravox.Contracts.Work;

namespace Teravox.Engine.Tests;

/// <summary>Packed counts.</summary>
public class SumCodecTests
{
    private static Gen<long> Long => from high in Gen.Choose(int.MinValue, int.MaxValue - 1) from low in Gen.Choose(0, int.MaxValue - 1) select ((long)high << 32) | (uint)low;

    private static Arbitrary<long[]> Counts => Gen.OneOf(
            Gen.Constant(0L), Gen.Choose(0, 300).Select(n => (long)n), Long, Gen.Elements(long.MinValue, long.MaxValue, -1L))
        .ArrayOf().ToArbitrary();

    [Fact]
    public void Unpack_WhenPacked_GivesTheCountsBack() =>
        Prop.ForAll(Counts, counts => SumCodec.Unpack(SumCodec.Pack(counts)).SequenceEqual(counts)).QuickCheckThrowOnFailure();

    [Fact]
    public void Pack_WhenMostCountsAreZero_IsShort() => Assert.InRange(SumCodec.Pack(new long[512 * 8]).Length, 1, 6);

    [Fact]
    public void Unpack_WhenBytesAreDamaged_ThrowsOrGivesCounts() => Prop.ForAll(
        Counts,
        Gen.Choose(0, int.MaxValue - 1).Two().ToArbitrary(),
        (counts, at) =>
        {
            var bytes = SumCodec.Pack(counts);
            bytes[at.Item1 % bytes.Length] ^= (byte)(1 + (at.Item2 % 255));
            try
            {
                return SumCodec.Unpack(bytes).Length >= 0;
            }
            catch (FormatException)
            {
                return true;
            }
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Unpack_WhenBytesAreCutOrLeftOver_Throws() => Prop.ForAll(Counts, counts =>
    {
        var bytes = SumCodec.Pack(counts);
        Assert.Throws<FormatException>(() => SumCodec.Unpack(bytes.AsSpan(..^1)));
        Assert.Throws<FormatException>(() => SumCodec.Unpack([.. bytes, 0]));
    }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(new byte[] { 3, 0, 4 })]
    [InlineData(new byte[] { 3, 0, 0 })]
    [InlineData(new byte[] { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff })]
    [InlineData(new byte[] { 0xff, 0xff, 0xff, 0x7f })]
    public void Unpack_WhenLengthsLie_Throws(byte[] bytes) => Assert.Throws<FormatException>(() => SumCodec.Unpack(bytes));

    [Theory]
    [InlineData(long.MaxValue, 1)]
    [InlineData(long.MinValue, -1)]
    public void Add_WhenACountLeaves64Bits_ThrowsAndChangesNothing(long sum, long more)
    {
        long[] into = [1, sum];

        var error = Assert.Throws<InvalidOperationException>(() => SumCodec.Add("n", into, [5, more]));

        Assert.Equal($"Count 1 of sum 'n' does not fit 64 bits.", error.Message);
        Assert.Equal([1, sum], into);
    }

    [Fact]
    public void Add_WhenLengthsDiffer_ThrowsAndChangesNothing()
    {
        long[] into = [1, 2];
        Assert.Throws<InvalidOperationException>(() => SumCodec.Add("n", into, [1, 2, 3]));
        Assert.Equal([1, 2], into);
    }

    [Fact]
    public void Add_WhenTheyFit_AddsEachCount() => Prop.ForAll(Long.Select(n => n / 2).Two().ArrayOf().ToArbitrary(), pairs =>
    {
        var into = pairs.Select(p => p.Item1).ToArray();
        SumCodec.Add("n", into, pairs.Select(p => p.Item2).ToArray());
        return into.SequenceEqual(pairs.Select(p => p.Item1 + p.Item2));
    }).QuickCheckThrowOnFailure();

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
    public void Add_WhenACountAnywhereLeaves64Bits_ThrowsAndChangesNothing(long known, long more)
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
}
