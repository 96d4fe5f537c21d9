// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using Teravox.Grains.Report;
using Teravox.Volumes;

namespace Teravox.Scoring.Tests;

public sealed class OverlaysTests
{
    private static readonly OverlaySet Section = new() { Title = "xy", Width = 4, Height = 2, Raw = [0, 64, 128, 255, 10, 20, 30, 40] };

    [Fact]
    public void AllOutcomes_WhenCallsDiffer_TintsEachByWhatItIs()
    {
        byte[] truth = [0, 1, 0, 1, 2, 255, 2, 0];
        byte[] calls = [0, 1, 1, 0, 1, 1, 2, 0];
        var image = Overlays.AllOutcomes(Section, truth, calls);
        Assert.Equal([0, 1, 2, 3, 4, 0, 1, 0], Bands(image, 5));
        var one = Overlays.ClassOutcomes(Section, truth, calls, 1);
        Assert.Equal([0, 1, 2, 3, 2, 0, 0, 0], Bands(one, 4));
    }

    [Fact]
    public void Classes_WhenUntinted_StayGreyToWithinALevel()
    {
        var image = Overlays.Classes(Section, [0, 0, 0, 0, 255, 0, 1, 2], ScoreBuilderTests.Map("a", "b", "c"));
        for (var i = 0; i < 6; i++)
        {
            var colour = image.Palette![image.Data[i]];
            Assert.Equal(colour & 255, (colour >> 16) & 255);
            Assert.InRange((int)(colour & 255), Section.Raw[i] - 4, Section.Raw[i] + 4);
        }

        Assert.NotEqual(image.Palette![image.Data[6]] & 255, (image.Palette[image.Data[6]] >> 16) & 255);
    }

    [Fact]
    public void Classes_WhenThereAreManyClasses_IsRgb()
    {
        var map = ScoreBuilderTests.Map([.. Enumerable.Range(0, 40).Select(static i => $"c{i}")]);
        Assert.Equal(PixelKind.Rgb8, Overlays.Classes(Section, [0, 1, 2, 3, 4, 39, 6, 7], map).Kind);
    }

    [Fact]
    public void Sections_WhenCutFromAVolume_AreItsVoxels()
    {
        var shape = new Int3(3, 4, 5);
        var raw = Enumerable.Range(0, 60).Select(static i => (byte)i).ToArray();
        var xy = OverlaySet.Xy(shape, new(40, 8, 4), 2, raw);
        Assert.Equal((5, 4, 2.0), (xy.Width, xy.Height, xy.PixelAspect));
        Assert.Equal(raw[40..], xy.Raw);
        var yz = OverlaySet.Yz(shape, new(40, 8, 4), 3, raw, raw, [new("p", raw)]);
        Assert.Equal((4, 3, 5.0), (yz.Width, yz.Height, yz.PixelAspect));
        Assert.Equal([3, 8, 13, 18, 23, 28, 33, 38, 43, 48, 53, 58], yz.Raw);
        Assert.Equal(yz.Raw, yz.Predicted[0].Ids);
    }

    /// <summary>Which of n equal parts of the palette each pixel uses.</summary>
    private static int[] Bands(SliceImage image, int n) => [.. image.Data.Select(v => v / (image.Palette!.Count / n))];
}
