// SPDX-License-Identifier: Apache-2.0
using FsCheck;
using FsCheck.Fluent;
using Teravox.Contracts;

namespace Teravox.Networks.Tests;

/// <summary>What a checkpoint says about its run comes back bit for bit, and nothing else is taken for it.</summary>
public sealed class StoredTrainingTests
{
    [Fact]
    public void Parse_OfWhatWasWritten_GivesItBackExactly()
    {
        var number = ArbMap.Default.GeneratorFor<NormalFloat>().Select(n => n.Get);
        var cases = from seed in ArbMap.Default.GeneratorFor<ulong>()
                    from n in number.ListOf(12)
                    from count in Gen.Choose(0, int.MaxValue - 1).Two()
                    from target in Gen.Choose(-1, 254)
                    select (seed, n, count, target);
        Prop.ForAll(cases.ToArbitrary(), c =>
        {
            var n = c.n;
            var o = new AugmentationOptions
            {
                Flip = new() { Probability = [n[0], n[1], n[2]] },
                Rotation = new() { Probability = n[3], Degrees = [n[4], n[5], n[6]] },
                Elastic = new() { Probability = n[7], Amplitude = n[8], Spacing = n[9] },
                Blur = new() { Probability = n[10], Range = [n[11], n[0]] },
            };
            var settings = new TrainerSettings(n[1], n[2], new(8, 16, 32), o, new(n[3], n[4], n[5]), c.seed, c.target < 0 ? null : c.target) { Beta1 = n[6], Epsilon = n[7] };
            var stored = new StoredTraining { Iteration = Math.Max(c.count.Item1, c.count.Item2), Updates = Math.Min(c.count.Item1, c.count.Item2), Options = StoredOptions.Of(settings) };
            var read = StoredTraining.Parse("x", stored.ToJson());
            return read.ToJson() == stored.ToJson()
                && (read.Iteration, read.Updates) == (stored.Iteration, stored.Updates)
                && StoredOptions.Of(read.Options.Settings()) is var again
                && (again.Seed, again.LearningRate, again.Beta1, again.Epsilon, again.TargetClass) == (c.seed, n[1], n[6], n[7], c.target)
                && again.Augment.FlipProbability.SequenceEqual([n[0], n[1], n[2]])
                && again.Augment.BlurRange.SequenceEqual([n[11], n[0]])
                && again.Augment.Spacing.SequenceEqual([n[3], n[4], n[5]]);
        }).QuickCheckThrowOnFailure();
    }

    [Theory]
    [InlineData("\"updates\":2", "\"updates\":4")]
    [InlineData("\"updates\":2", "\"updates\":-1")]
    [InlineData("\"updates\":2,", "")]
    [InlineData("\"updates\":2", "\"updates\":2,\"updates\":2")]
    [InlineData("\"updates\":2", "\"updates\":2,\"other\":2")]
    [InlineData("[8,16,16]", "[8,16]")]
    [InlineData("\"blur_range\":[", "\"blur_range\":[[")]
    [InlineData("\"spacing\":[1,1,1]", "\"spacing\":null")]
    [InlineData("\"seed\":0", "\"seed\":-1")]
    [InlineData("}", "")]
    public void Parse_OfADamagedText_NamesTheFile(string from, string to)
    {
        var whole = new StoredTraining { Iteration = 3, Updates = 2, Options = StoredOptions.Of(TrainerSamples.Settings()) }.ToJson();
        Assert.Contains(from, whole, StringComparison.Ordinal);
        var e = Assert.Throws<InputException>(() => StoredTraining.Parse("run.safetensors", whole.Replace(from, to, StringComparison.Ordinal)));
        Assert.StartsWith("run.safetensors is a damaged checkpoint", e.Message, StringComparison.Ordinal);
    }
}
