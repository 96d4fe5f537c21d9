// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Networks.Tests;

/// <summary>Where patches come from, and how large their blocks are.</summary>
public sealed class AugmentationMapTests
{
    private static readonly Int3 Patch = new(32, 64, 64);

    [Fact]
    public void SourceShape_OfAnyOptions_BoundsEveryPosition()
    {
        var interpolating = 0;
        for (var seed = 0; seed < 400; seed++)
        {
            var (o, random) = (AugmentationTests.AnyOptions(seed), new Random(seed));
            var spacing = new VoxelSize(.5 + (7.5 * random.NextDouble()), .5 + (7.5 * random.NextDouble()), .5 + (7.5 * random.NextDouble()));
            var patch = new Int3(random.Next(1, 13), random.Next(1, 21), random.Next(1, 25));
            var source = Augmentation.SourceShape(o, patch, spacing);
            Assert.All(Axes.All, k => Assert.True(source[k] >= patch[k] && (source[k] - patch[k]) % 2 == 0));
            for (var index = 0UL; index < 6; index++)
            {
                var map = Map(o, spacing, (ulong)seed, index, patch, source);
                interpolating += map.Interpolates ? 1 : 0;
                foreach (var position in Positions(map))
                    Assert.All(Axes.All, k => Assert.InRange(position[k], -1e-3, source[k] - 1 + 1e-3));
            }
        }

        Assert.True(interpolating > 1000);
    }

    [Fact]
    public void SourceShape_OfOneAugmentation_IsAsSmallAsCanBe()
    {
        // Corners lie 31.5 sqrt(2) = 44.5 from the middle, so voxels up to 45.5 from it.
        Assert.Equal(new Int3(32, 92, 92), Source(new() { Rotation = new() { Probability = 1 } }));
        Assert.Equal(Patch, Source(new() { Rotation = new() { Probability = 1, Degrees = [0, 0, 0] } }));
        Assert.Equal(new Int3(32 + (2 * 16), 64 + (2 * 32), 64 + (2 * 32)), Source(new() { Scaling = new() { Probability = 1, Range = [.5, 1] } }));
        Assert.Equal(Patch, Source(new() { Scaling = new() { Probability = 1, Range = [2, 2] } }));  // objects grow, so less is read

        // 3 sigma = 9 x voxels = 1 z voxel.
        Assert.Equal(new Int3(32 + 2, 64 + (2 * 9), 64 + (2 * 9)), Source(new() { Elastic = new() { Probability = 1 } }, new(9, 1, 1)));

        static Int3 Source(AugmentationOptions only, VoxelSize? spacing = null)
        {
            var none = AugmentationOptions.None;
            var o = only with
            {
                Flip = none.Flip,
                Rotation = only.Rotation.Probability == 1 ? only.Rotation : none.Rotation,
                Scaling = only.Scaling.Probability == 1 ? only.Scaling : none.Scaling,
                Elastic = only.Elastic.Probability == 1 ? only.Elastic : none.Elastic,
            };
            return Augmentation.SourceShape(o, Patch, spacing ?? VoxelSize.Unit);
        }
    }

    [Fact]
    public void SourceShape_WhenSectionsAreThick_DependsOnTheVoxelSize()
    {
        var o = AugmentationOptions.None with { Rotation = new() { Probability = 1, Degrees = [0, 0, 30] } };
        var (isotropic, thick) = (Augmentation.SourceShape(o, new(8, 12, 16), VoxelSize.Unit), Augmentation.SourceShape(o, new(8, 12, 16), new(50, 5, 5)));
        Assert.Equal(16, isotropic.X);  // the axis of rotation itself does not grow
        Assert.True(isotropic.Z > thick.Z && thick.Y > isotropic.Y);
    }

    [Fact]
    public void Row_UnderRotationAndScaling_KeepsRealAnglesAndLengths()
    {
        var (spacing, patch) = (new VoxelSize(4, 2, 1), new Int3(9, 9, 9));
        var o = AugmentationOptions.None with
        {
            Rotation = new() { Probability = 1, Degrees = [180, 30, 20] },
            Scaling = new() { Probability = 1, Range = [.8, 1.3] },
        };
        var source = Augmentation.SourceShape(o, patch, spacing);
        var (smallest, largest, widest) = (10.0, 0.0, 0.0);
        for (var index = 0UL; index < 300; index++)
        {
            var draw = AugmentationDraw.Of(o, 1, index);
            (smallest, largest, widest) = (Math.Min(smallest, draw.Scale), Math.Max(largest, draw.Scale), Math.Max(widest, Math.Abs(draw.Angle[0])));
            Assert.InRange(Math.Abs(draw.Angle[1]), 0, 30 * Math.PI / 180);
            Assert.InRange(Math.Abs(draw.Angle[2]), 0, 20 * Math.PI / 180);

            // Two steps in the patch: along x, and along z and y together.
            float[][] at = [.. Positions(Map(o, spacing, 1, index, patch, source))];
            double[] along = [.. Axes.All.Select(k => (at[8][k] - at[0][k]) * spacing.Sizes()[k])];
            double[] across = [.. Axes.All.Select(k => (at[((8 * 9) + 4) * 9][k] - at[0][k]) * spacing.Sizes()[k])];
            Assert.Equal(8 / draw.Scale, Math.Sqrt(along.Sum(d => d * d)), 1e-3);
            Assert.Equal(Math.Sqrt((32 * 32) + (8 * 8)) / draw.Scale, Math.Sqrt(across.Sum(d => d * d)), 1e-3);
            Assert.Equal(0, along.Zip(across, (a, b) => a * b).Sum(), 1e-2);
        }

        Assert.InRange(smallest, .8, .81);
        Assert.InRange(largest, 1.29, 1.3);
        Assert.True(widest > 3);
    }

    [Fact]
    public void Row_UnderElasticDeformation_HasItsAmplitudeAndIsSmooth()
    {
        var (spacing, patch) = (new VoxelSize(3, 1, 1), new Int3(16, 48, 48));
        var o = AugmentationOptions.None with { Elastic = new() { Probability = 1 } };
        var source = Augmentation.SourceShape(o, patch, spacing);
        var (sum, squares, largest, jump, count) = (new double[3], new double[3], new double[3], 0.0, 0);
        for (var index = 0UL; index < 30; index++)
        {
            float[][] at = [.. Positions(Map(o, spacing, 9, index, patch, source))];
            for (var i = 0; i < at.Length; i += 5, count++)
            {
                foreach (var k in Axes.All)
                {
                    var home = Sample.At(i, patch)[k] + ((source[k] - patch[k]) / 2.0);
                    var d = (at[i][k] - home) * spacing.Sizes()[k];  // in x voxels
                    (sum[k], squares[k], largest[k]) = (sum[k] + d, squares[k] + (d * d), Math.Max(largest[k], Math.Abs(d)));
                    if (i % patch.X > 0 && k < 2)
                        jump = Math.Max(jump, Math.Abs(at[i][k] - at[i - 1][k]));
                }
            }
        }

        foreach (var k in Axes.All)
        {
            Assert.Equal(0, sum[k] / count, .6);
            Assert.Equal(3, Math.Sqrt(squares[k] / count), .35);
            Assert.InRange(largest[k], 5, 9.001);
        }

        Assert.True(jump < 1, "it folds");
    }

    private static AugmentationMap Map(AugmentationOptions o, VoxelSize spacing, ulong seed, ulong index, Int3 patch, Int3 source) =>
        new(o, spacing, AugmentationDraw.Of(o, seed, index), seed, index, patch, source);

    /// <summary>Where each voxel of the patch comes from.</summary>
    private static IEnumerable<float[]> Positions(AugmentationMap map)
    {
        for (var z = 0; z < map.Patch.Z; z++)
        {
            for (var y = 0; y < map.Patch.Y; y++)
            {
                var (alongZ, alongY, alongX) = (new float[map.Patch.X], new float[map.Patch.X], new float[map.Patch.X]);
                map.Row(z, y, alongZ, alongY, alongX);
                for (var x = 0; x < map.Patch.X; x++)
                    yield return [alongZ[x], alongY[x], alongX[x]];
            }
        }
    }
}
