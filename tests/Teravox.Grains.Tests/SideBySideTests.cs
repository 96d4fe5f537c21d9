// SPDX-License-Identifier: Apache-2.0
using Teravox.Grains.Report;

namespace Teravox.Grains.Tests;

/// <summary>Original, bicubic and boosted beside each other: every panel shows the same extent, whatever the sizes.</summary>
public sealed class SideBySideTests
{
    [Fact]
    public void Of_WhenASectionIsSmall_ShowsItsPixelsAsEqualSquares()
    {
        // 2 x 3 pixels, enlarged to 4 x 6: each becomes 64 x 64, and one of the original four times as many.
        var original = new GreySection([10, 20, 30, 40, 50, 60], 2, 3);
        var fine = new GreySection([.. Enumerable.Range(0, 24).Select(v => (byte)(v * 10))], 4, 6);
        var whole = SideBySide.Of(7, original, fine, fine, 1).Whole;
        Assert.Equal((7, 384, 256), (whole.Section, whole.Width, whole.Height));
        for (var y = 0; y < 256; y++)
        {
            for (var x = 0; x < 384; x++)
            {
                Assert.Equal(original.Pixels[(y / 128 * 3) + (x / 128)], whole.Original[(y * 384) + x]);
                Assert.Equal(fine.Pixels[(y / 64 * 6) + (x / 64)], whole.Lr[(y * 384) + x]);
            }
        }
    }

    [Fact]
    public void Of_WhenASectionIsLarge_ShowsMeansAndTheMiddlePixelByPixel()
    {
        // A ramp along x: the mean over any run of columns is the ramp again.
        var fine = new GreySection([.. Enumerable.Range(0, 1536 * 768).Select(i => (byte)(i % 1536 / 8))], 768, 1536);
        var coarse = new GreySection([.. Enumerable.Range(0, 768 * 384).Select(i => (byte)(i % 768 / 4))], 384, 768);
        var views = SideBySide.Of(0, coarse, fine, fine, 1);
        Assert.Equal((384, 192, 384, 384), (views.Whole.Width, views.Whole.Height, views.Detail.Width, views.Detail.Height));
        Assert.All(Enumerable.Range(0, 384 * 192), i => Assert.Equal(i % 384 / 2, views.Whole.Boosted[i]));
        Assert.Equal(views.Whole.Original, views.Whole.Lr);

        // The detail: 96 columns from 720 on, each four wide.
        Assert.All(Enumerable.Range(0, 384 * 384), i => Assert.Equal((720 + (i % 384 / 4)) / 8, views.Detail.Boosted[i]));
        var picture = views.Picture();
        Assert.Equal(((3 * 384) + 16, 192 + 8 + 384), (picture.Width, picture.Height));
    }

    [Theory]
    [InlineData(1, 50, 2, 100)]
    [InlineData(50, 1, 60, 2)]
    [InlineData(1, 1, 2, 2)]
    [InlineData(48, 49, 97, 98)]
    [InlineData(2, 3000, 3, 4000)]
    public void Of_WhateverTheShape_FillsEveryPanelWithTheSectionsGrey(int y, int x, int fineY, int fineX)
    {
        var original = new GreySection([.. Enumerable.Repeat((byte)77, y * x)], y, x);
        var fine = new GreySection([.. Enumerable.Repeat((byte)77, fineY * fineX)], fineY, fineX);
        var views = SideBySide.Of(0, original, fine, fine, 1);
        foreach (var crop in (RestoredCrop[])[views.Whole, views.Detail])
        {
            Assert.True(crop is { Width: > 0 and <= SideBySide.Side, Height: > 0 and <= SideBySide.Side });
            Assert.All((byte[][])[crop.Original, crop.Lr, crop.Boosted], panel => Assert.All(panel, v => Assert.Equal(77, v)));
        }
    }

    [Fact]
    public void Of_WhenPixelsAreNotSquare_KeepsTrueProportions()
    {
        // 60 x 60 pixels of twice the width that they have in height are as wide as two of them.
        var section = new GreySection(new byte[3600], 60, 60);
        var whole = SideBySide.Of(0, section, section, section, .5).Whole;
        Assert.Equal((360, 180), (whole.Width, whole.Height));
    }
}
