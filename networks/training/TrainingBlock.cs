// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Networks;

/// <summary>A block of a labelled volume, as large as <see cref="Augmentation.SourceShape"/> says for the patch.</summary>
public readonly ref struct TrainingBlock
{
    /// <summary>The voxels, x fastest; 2 bytes each in native order for <see cref="VoxelType.UInt16"/>.</summary>
    public required ReadOnlySpan<byte> Voxels { get; init; }

    /// <summary>Class ids, 255 = ignored; empty only for previews without labels.</summary>
    public required ReadOnlySpan<byte> Labels { get; init; }

    /// <summary>What a voxel is stored as.</summary>
    public required VoxelType Type { get; init; }

    /// <summary>Shape of the block.</summary>
    public required Int3 Shape { get; init; }

    /// <summary>Mean of the whole volume.</summary>
    public required float Mean { get; init; }

    /// <summary>Standard deviation of the whole volume, above 0.</summary>
    public required float Std { get; init; }

    internal void CheckLengths(bool labelsNeeded)
    {
        if (Voxels.Length != Shape.Count * Type.Bytes())
            throw new ArgumentException($"a {Type} block of {Shape} voxels cannot have {Voxels.Length} bytes");
        if (Labels.Length != Shape.Count && (labelsNeeded || !Labels.IsEmpty))
            throw new ArgumentException($"a block of {Shape} voxels cannot have {Labels.Length} labels");
    }
}

/// <summary>A <see cref="TrainingBlock"/> in memory that can be kept: one of a batch.</summary>
public sealed record TrainingBlockMemory
{
    /// <inheritdoc cref="TrainingBlock.Voxels"/>
    public required ReadOnlyMemory<byte> Voxels { get; init; }

    /// <inheritdoc cref="TrainingBlock.Labels"/>
    public required ReadOnlyMemory<byte> Labels { get; init; }

    /// <inheritdoc cref="TrainingBlock.Type"/>
    public required VoxelType Type { get; init; }

    /// <inheritdoc cref="TrainingBlock.Shape"/>
    public required Int3 Shape { get; init; }

    /// <inheritdoc cref="TrainingBlock.Mean"/>
    public required float Mean { get; init; }

    /// <inheritdoc cref="TrainingBlock.Std"/>
    public required float Std { get; init; }

    internal TrainingBlock AsBlock() => new()
    {
        Voxels = Voxels.Span,
        Labels = Labels.Span,
        Type = Type,
        Shape = Shape,
        Mean = Mean,
        Std = Std,
    };
}
