// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using System.Text.Json.Serialization;
using Teravox.Contracts;

namespace Teravox.Networks;

/// <summary>What a checkpoint says about its run, as JSON with names like learning_rate. No field may be missing, none is unknown.</summary>
internal sealed record StoredTraining
{
    private static readonly JsonSerializerOptions Format = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        AllowDuplicateProperties = false,
        RespectNullableAnnotations = true,
    };

    /// <summary>Completed iterations.</summary>
    public required long Iteration { get; init; }

    /// <summary>Updates of the weights: fewer than iterations where patches had no labelled voxel.</summary>
    public required long Updates { get; init; }

    /// <summary>Settings of the run.</summary>
    public required StoredOptions Options { get; init; }

    /// <summary>Reads it.</summary>
    /// <exception cref="InputException">It is damaged.</exception>
    public static StoredTraining Parse(string path, string text)
    {
        try
        {
            var read = JsonSerializer.Deserialize<StoredTraining>(text, Format) ?? throw new JsonException("it is null");
            return read.Updates >= 0 && read.Updates <= read.Iteration && read.Options.Fits
                ? read
                : throw new JsonException("a number is impossible, or a list has another length");
        }
        catch (JsonException e)
        {
            throw new InputException($"{path} is a damaged checkpoint: {e.Message}");
        }
    }

    /// <summary>Writes it.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Format);
}

/// <summary><see cref="TrainerSettings"/> as a checkpoint has them.</summary>
internal sealed record StoredOptions
{
    private const int AllClasses = -1;

    public required double LearningRate { get; init; }

    public required double Beta1 { get; init; }

    public required double Beta2 { get; init; }

    public required double Epsilon { get; init; }

    public required double WeightDecay { get; init; }

    public required ulong Seed { get; init; }

    public required int TargetClass { get; init; }

    public required int[] Patch { get; init; }

    public required StoredAugmentation Augment { get; init; }

    /// <summary>Whether the lists that become numbers have their length; the others are checked with the settings.</summary>
    [JsonIgnore]
    public bool Fits => Patch.Length == 3 && Augment.Spacing.Length == 3;

    public static StoredOptions Of(TrainerSettings s) => new()
    {
        LearningRate = s.LearningRate,
        Beta1 = s.Beta1,
        Beta2 = s.Beta2,
        Epsilon = s.Epsilon,
        WeightDecay = s.WeightDecay,
        Seed = s.Seed,
        TargetClass = s.TargetClass ?? AllClasses,
        Patch = [s.Patch.Z, s.Patch.Y, s.Patch.X],
        Augment = StoredAugmentation.Of(s.Augmentation, s.Spacing),
    };

    public TrainerSettings Settings()
    {
        var (patch, size) = (new Int3(Patch[0], Patch[1], Patch[2]), new VoxelSize(Augment.Spacing[0], Augment.Spacing[1], Augment.Spacing[2]));
        return new(LearningRate, WeightDecay, patch, Augment.Options(), size, Seed, TargetClass == AllClasses ? null : TargetClass)
        {
            Beta1 = Beta1,
            Beta2 = Beta2,
            Epsilon = Epsilon,
        };
    }
}

/// <summary><see cref="AugmentationOptions"/> and the voxel size as a checkpoint has them.</summary>
internal sealed record StoredAugmentation
{
    public required double[] Spacing { get; init; }

    public required double[] FlipProbability { get; init; }

    public required double RotationProbability { get; init; }

    public required double[] RotationDegrees { get; init; }

    public required double ScalingProbability { get; init; }

    public required double[] ScalingRange { get; init; }

    public required double ElasticProbability { get; init; }

    public required double ElasticAmplitude { get; init; }

    public required double ElasticSpacing { get; init; }

    public required double ContrastProbability { get; init; }

    public required double[] ContrastRange { get; init; }

    public required double NoiseProbability { get; init; }

    public required double[] NoiseRange { get; init; }

    public required double BlurProbability { get; init; }

    public required double[] BlurRange { get; init; }

    public required double SharpenProbability { get; init; }

    public required double[] SharpenRange { get; init; }

    public static StoredAugmentation Of(AugmentationOptions o, VoxelSize spacing) => new()
    {
        Spacing = spacing.Sizes(),
        FlipProbability = [.. o.Flip.Probability],
        RotationProbability = o.Rotation.Probability,
        RotationDegrees = [.. o.Rotation.Degrees],
        ScalingProbability = o.Scaling.Probability,
        ScalingRange = [.. o.Scaling.Range],
        ElasticProbability = o.Elastic.Probability,
        ElasticAmplitude = o.Elastic.Amplitude,
        ElasticSpacing = o.Elastic.Spacing,
        ContrastProbability = o.Contrast.Probability,
        ContrastRange = [.. o.Contrast.Range],
        NoiseProbability = o.Noise.Probability,
        NoiseRange = [.. o.Noise.Range],
        BlurProbability = o.Blur.Probability,
        BlurRange = [.. o.Blur.Range],
        SharpenProbability = o.Sharpen.Probability,
        SharpenRange = [.. o.Sharpen.Range],
    };

    public AugmentationOptions Options() => new()
    {
        Flip = new() { Probability = FlipProbability },
        Rotation = new() { Probability = RotationProbability, Degrees = RotationDegrees },
        Scaling = new() { Probability = ScalingProbability, Range = ScalingRange },
        Elastic = new() { Probability = ElasticProbability, Amplitude = ElasticAmplitude, Spacing = ElasticSpacing },
        Contrast = new() { Probability = ContrastProbability, Range = ContrastRange },
        Noise = new() { Probability = NoiseProbability, Range = NoiseRange },
        Blur = new() { Probability = BlurProbability, Range = BlurRange },
        Sharpen = new() { Probability = SharpenProbability, Range = SharpenRange },
    };
}
