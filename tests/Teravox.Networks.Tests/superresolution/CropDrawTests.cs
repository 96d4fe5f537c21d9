// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Networks.Tests;

public sealed class CropDrawTests
{
    /// <summary>A plane is reproduced exactly by cubic interpolation, and by nothing that is mirrored or black.</summary>
    [Theory]
    [InlineData(512, 512, 128, 128)]
    [InlineData(256, 256, 128, 128)]
    [InlineData(130, 300, 128, 128)]
    [InlineData(90, 400, 90, 128)]
    [InlineData(64, 64, 64, 64)]
    [InlineData(1, 200, 1, 128)]
    public void Cut_OfAPlane_MarksWhatTheFatherMade(int fatherY, int fatherX, int cropY, int cropX)
    {
        var father = TestImages.Of((fatherY, fatherX), (y, x) => Level(y, x));
        var (crop, inside) = (new Plane(cropY, cropX), new Plane(cropY, cropX));
        var (affine, wrong) = (0, 0);
        for (ulong index = 0; index < 200; index++)
        {
            var draw = CropDraw.Draw(7, index, father.Shape, crop.Shape);
            var count = draw.Cut(father, crop, inside);
            affine += draw.Exact ? 0 : 1;
            Assert.Equal(inside.Pixels.Count(p => p == 1), count);
            Assert.Equal(inside.Pixels.Count(p => p == 0), inside.Pixels.Length - count);
            for (var i = 0; i < cropY; i++)
            {
                for (var j = 0; j < cropX; j++)
                {
                    var (v, u) = (i - (.5 * (cropY - 1)), j - (.5 * (cropX - 1)));
                    var y = draw.CentreY + (draw.Turn.YY * v) + (draw.Turn.YX * u);
                    var x = draw.CentreX + (draw.Turn.XY * v) + (draw.Turn.XX * u);
                    var within = y > -1e-9 && y < fatherY - 1 + 1e-9 && x > -1e-9 && x < fatherX - 1 + 1e-9;
                    if (inside[i, j] != 0 && (!within || Math.Abs(crop[i, j] - Level(y, x)) > 2e-5))
                        wrong++;
                }
            }

            Assert.True(2.2 * count >= crop.Pixels.Length);
            if (draw.Exact || fatherY == 512)
                Assert.Equal(crop.Pixels.Length, count);
        }

        Assert.Equal(0, wrong);
        if (fatherY >= 256)
            Assert.True(affine > 70, $"{affine} affine crops of 200");

        static double Level(double y, double x) => 1 + (.003 * y) - (.002 * x);
    }

    [Fact]
    public void Draw_OfMany_HasThePublishedShares()
    {
        var (exact, least, most) = (0, 9.0, 0.0);
        var turns = new int[8];
        for (ulong index = 0; index < 20_000; index++)
        {
            var draw = CropDraw.Draw(3, index, (600, 700), (128, 128));
            var t = draw.Turn;
            if (!draw.Exact)
            {
                // The father's pixels per pixel of the crop, as an area.
                var area = Math.Abs((t.YY * t.XX) - (t.YX * t.XY));
                (least, most) = (Math.Min(least, area), Math.Max(most, area));
                continue;
            }

            exact++;
            var swapped = t.YY == 0;
            turns[((swapped ? t.YX : t.YY) < 0 ? 1 : 0) + ((swapped ? t.XY : t.XX) < 0 ? 2 : 0) + (swapped ? 4 : 0)]++;
        }

        Assert.InRange(exact, 9_700, 10_300);
        Assert.InRange(turns[0] - (exact * 45 / 50 / 8), 850, 1_150);
        Assert.All(turns[1..], turn => Assert.InRange(turn, 975, 1_275));
        Assert.InRange(least, .85, 1.05);
        Assert.InRange(most, 3.9, 5);
    }

    [Fact]
    public void Draw_OfAnotherSeedOrIndex_Differs()
    {
        Assert.Equal(Draw(1, 0), Draw(1, 0));
        Assert.NotEqual(Draw(1, 0), Draw(1, 1));
        Assert.NotEqual(Draw(1, 0), Draw(2, 0));

        static CropDraw Draw(ulong seed, ulong index) => CropDraw.Draw(seed, index, (600, 700), (128, 128));
    }
}
