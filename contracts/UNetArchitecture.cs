// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Contracts;

/// <summary>Order of the layers of a convolution block.</summary>
public enum LayerOrder
{
    /// <summary>Convolution, batch norm, ReLU. The only order with which tiling can be exact.</summary>
    Cbr,

    /// <summary>Group norm, convolution, ReLU. Its statistics cover the whole tile, so no halo is exact.</summary>
    Gcr,
}

/// <summary>How the decoder gets back to the finer grid.</summary>
public enum Upsampling
{
    /// <summary>Nearest neighbour.</summary>
    Nearest,

    /// <summary>Transposed convolution with kernel = stride = pool factor.</summary>
    Transposed,

    /// <summary>Transposed convolution with kernel 3, as in pytorch-3dunet's checkpoints.</summary>
    Transposed3,
}

/// <summary>A 3D U-Net as pytorch-3dunet builds it (arXiv 1606.06650); see docs/spec.md for the JSON.</summary>
public sealed record UNetArchitecture
{
    /// <summary>Number of resolution levels, 2..8.</summary>
    public int Levels { get; init; } = 4;

    /// <summary>Feature maps at the finest level, 1..512; level k has FMaps * 2^k.</summary>
    public int FMaps { get; init; } = 32;

    /// <summary>Order of the layers.</summary>
    public LayerOrder Order { get; init; } = LayerOrder.Cbr;

    /// <summary>Groups of the group norm; one group where a layer has fewer channels.</summary>
    public int Groups { get; init; } = 8;

    /// <summary>Pooling factors (z, y, x) between level k and k + 1, each 1..4; Levels - 1 entries, or null for 2 x 2 x 2 throughout.</summary>
    public IReadOnlyList<Int3>? Pool { get; init; }

    /// <summary>How the decoder upsamples.</summary>
    public Upsampling Upsample { get; init; } = Upsampling.Nearest;

    /// <summary>True for the residual variant (ResNetBlock, summed skips).</summary>
    public bool Residual { get; init; }

    /// <summary>The pooling factors, defaults filled in: Levels - 1 entries.</summary>
    public IReadOnlyList<Int3> PoolFactors() => Pool ?? [.. Enumerable.Repeat(new Int3(2, 2, 2), Math.Max(0, Levels - 1))];
}
