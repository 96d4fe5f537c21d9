// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Compute.Interop;

/// <summary>Contracts to structs of the interface and back.</summary>
internal static class Converting
{
    /// <exception cref="InputException">The levels or the pool factors do not fit the interface.</exception>
    public static TvxArch ToNative(this UNetArchitecture a, int outChannels)
    {
        if (a.Levels is < 2 or > NativeConstants.MaxLevels)
        {
            throw new InputException($"the architecture has {a.Levels} levels, but must have 2 to {NativeConstants.MaxLevels}");
        }

        var factors = a.PoolFactors();
        if (factors.Count != a.Levels - 1)
        {
            throw new InputException(
                $"the architecture has {factors.Count} pool factors, but {a.Levels} levels need {a.Levels - 1}");
        }

        return new TvxArch
        {
            InChannels = 1,
            OutChannels = outChannels,
            Levels = a.Levels,
            FMaps = a.FMaps,
            Order = a.Order == LayerOrder.Gcr ? NativeConstants.OrderGcr : NativeConstants.OrderCbr,
            NumGroups = a.Groups,
            Upsample = a.Upsample switch
            {
                Upsampling.Transposed => NativeConstants.UpsampleTransposed,
                Upsampling.Transposed3 => NativeConstants.UpsampleTransposed3,
                _ => NativeConstants.UpsampleNearest,
            },
            Residual = a.Residual ? 1 : 0,
            Pool = ToNative(factors),
        };
    }

    public static UNetArchitecture ToContract(this in TvxArch a)
    {
        var factors = new Int3[a.Levels - 1];
        for (var k = 0; k < factors.Length; k++)
        {
            factors[k] = a.Pool[k].ToInt3();
        }

        return new UNetArchitecture
        {
            Levels = a.Levels,
            FMaps = a.FMaps,
            Order = a.Order == NativeConstants.OrderGcr ? LayerOrder.Gcr : LayerOrder.Cbr,
            Groups = a.NumGroups,
            Upsample = a.Upsample switch
            {
                NativeConstants.UpsampleTransposed => Upsampling.Transposed,
                NativeConstants.UpsampleTransposed3 => Upsampling.Transposed3,
                _ => Upsampling.Nearest,
            },
            Residual = a.Residual != 0,
            Pool = factors,
        };
    }

    /// <summary>The factors, and 2 x 2 x 2 in the entries that are left.</summary>
    public static PoolFactors ToNative(IReadOnlyList<Int3> factors)
    {
        PoolFactors result = default;
        for (var k = 0; k < NativeConstants.MaxLevels - 1; k++)
        {
            var f = k < factors.Count ? factors[k] : new Int3(2, 2, 2);
            (result[k][0], result[k][1], result[k][2]) = (f.Z, f.Y, f.X);
        }

        return result;
    }

    /// <exception cref="InputException">A list has another length than its axes.</exception>
    public static TvxAugmentOptions ToNative(this AugmentationOptions o, VoxelSize spacing)
    {
        TvxAugmentOptions result = default;
        (result.Spacing[0], result.Spacing[1], result.Spacing[2]) = (spacing.Z, spacing.Y, spacing.X);
        Copy(o.Flip.Probability, result.FlipProbability, "flip.probability");
        result.RotationProbability = o.Rotation.Probability;
        Copy(o.Rotation.Degrees, result.RotationDegrees, "rotation.degrees");
        result.ScalingProbability = o.Scaling.Probability;
        Copy(o.Scaling.Range, result.ScalingRange, "scaling.range");
        result.ElasticProbability = o.Elastic.Probability;
        result.ElasticAmplitude = o.Elastic.Amplitude;
        result.ElasticSpacing = o.Elastic.Spacing;
        result.ContrastProbability = o.Contrast.Probability;
        Copy(o.Contrast.Range, result.ContrastRange, "contrast.range");
        result.NoiseProbability = o.Noise.Probability;
        Copy(o.Noise.Range, result.NoiseRange, "noise.range");
        result.BlurProbability = o.Blur.Probability;
        Copy(o.Blur.Range, result.BlurRange, "blur.range");
        result.SharpenProbability = o.Sharpen.Probability;
        Copy(o.Sharpen.Range, result.SharpenRange, "sharpen.range");
        return result;
    }

    /// <summary>The kernel's weights row by row; empty for the reductions that have none.</summary>
    /// <exception cref="InputException">The rows differ in length.</exception>
    public static double[] Weights(this Reduction reduction)
    {
        var rows = reduction.Kernel ?? [];
        if (rows.Any(row => row.Count != rows[0].Count))
        {
            throw new InputException("the reduction's kernel has rows of different lengths; give all of them the same number of weights");
        }

        return [.. rows.SelectMany(static row => row)];
    }

    /// <param name="reduction">What to convert.</param>
    /// <param name="weights">What <see cref="Weights"/> gave, pinned for as long as the result is used.</param>
    public static unsafe TvxReduction ToNative(this Reduction reduction, double* weights)
    {
        TvxReduction result = default;
        result.Kind = reduction.Kind switch
        {
            ReductionKind.Gaussian => NativeConstants.ReduceGaussian,
            ReductionKind.Kernel => NativeConstants.ReduceKernel,
            _ => NativeConstants.ReduceBicubic,
        };
        if (reduction.Kernel is { Count: > 0 } rows)
        {
            (result.KernelShape[0], result.KernelShape[1]) = (rows.Count, rows[0].Count);
            result.Kernel = weights;
        }

        return result;
    }

    public static TvxZssrOptions ToNative(this SuperResolveOptions o)
    {
        var scale = o.Scale ?? Scale.Two;
        var result = new TvxZssrOptions
        {
            Noise = o.Noise,
            LearningRate = o.LearningRate,
            MinLearningRate = o.MinLearningRate,
            MaxIterations = o.MaxIterations,
            Crop = o.Crop,
            BackProjections = o.BackProjections,
            Ensemble = o.Ensemble ? 1 : 0,
            Gradual = o.Gradual ? 1 : 0,
        };
        (result.Scale[0], result.Scale[1]) = (scale.Y, scale.X);
        return result;
    }

    private static void Copy(IReadOnlyList<double> from, Span<double> to, string field)
    {
        if (from.Count != to.Length)
        {
            throw new InputException($"augmentation.{field} has {from.Count} numbers, but needs {to.Length}");
        }

        for (var i = 0; i < to.Length; i++)
        {
            to[i] = from[i];
        }
    }
}
