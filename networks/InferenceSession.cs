// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using static TorchSharp.torch;

namespace Teravox.Networks;

/// <summary>A core box and the block of voxels around it that the network reads.</summary>
public readonly ref struct Tile
{
    /// <summary>The block's voxels, x fastest; 2 bytes each in native order for <see cref="VoxelType.UInt16"/>.</summary>
    public required ReadOnlySpan<byte> Voxels { get; init; }

    /// <summary>What a voxel is stored as.</summary>
    public required VoxelType Type { get; init; }

    /// <summary>Shape of the block, halo included; multiples of the grid.</summary>
    public required Int3 Shape { get; init; }

    /// <summary>Where the core begins inside the block.</summary>
    public required Int3 CoreStart { get; init; }

    /// <summary>Shape of the core.</summary>
    public required Int3 CoreShape { get; init; }

    /// <summary>Mean of the whole volume, never of the tile.</summary>
    public required float Mean { get; init; }

    /// <summary>Standard deviation of the whole volume, above 0.</summary>
    public required float Std { get; init; }
}

/// <summary>A network on one device. Used by one thread at a time.</summary>
public sealed class InferenceSession : IDisposable
{
    private readonly InferenceEngine _engine;
    private readonly Device _device;
    private readonly Int3 _grid;
    private readonly int _classes, _threads;

    /// <summary>Puts the network on a device ("cpu", "cuda:0"); threads, 1 or more, are for calls on the CPU.</summary>
    /// <exception cref="InputException">The device is absent.</exception>
    public InferenceSession(Network n, string device, int threads)
    {
        ArgumentNullException.ThrowIfNull(n);
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        Libtorch.Use(threads);
        device = Devices.Choose(device);
        (_device, _grid, _classes, _threads) = (new Device(device), n.Architecture.Grid(), n.OutChannels, threads);
        _engine = new InferenceEngine(n, _device);
    }

    /// <summary>
    /// The core's class probabilities, round(255 sigmoid(logit)), into <paramref name="probabilities"/> of shape
    /// (classes, core z, core y, core x). A logit that is not a number counts as 0.
    /// </summary>
    /// <exception cref="ArgumentException">A buffer's length does not fit the tile.</exception>
    /// <exception cref="InputException">The tile cannot be computed.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="ct"/> asked to stop.</exception>
    public void Infer(in Tile tile, Span<byte> probabilities, CancellationToken ct)
    {
        Check(tile, probabilities.Length, nameof(probabilities));
        using var scope = NewDisposeScope();
        using var still = inference_mode();
        var levels = Run(tile, ct).sigmoid_().mul_(255).add_(0.5).nan_to_num_(0).to(ScalarType.Byte);
        InOrder(levels).bytes.CopyTo(probabilities);
    }

    /// <summary>The same before sigmoid and quantisation, for comparisons.</summary>
    /// <exception cref="ArgumentException">A buffer's length does not fit the tile.</exception>
    /// <exception cref="InputException">The tile cannot be computed.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="ct"/> asked to stop.</exception>
    public void Logits(in Tile tile, Span<float> logits, CancellationToken ct)
    {
        Check(tile, logits.Length, nameof(logits));
        using var scope = NewDisposeScope();
        using var still = inference_mode();
        InOrder(Run(tile, ct)).data<float>().CopyTo(logits);
    }

    /// <inheritdoc/>
    public void Dispose() => _engine.Dispose();

    private Tensor Run(in Tile tile, CancellationToken ct)
    {
        Libtorch.Use(_threads);
        ct.ThrowIfCancellationRequested();
        var voxels = empty(tile.Shape.Sizes(), tile.Type == VoxelType.UInt16 ? ScalarType.Int16 : ScalarType.Byte);
        tile.Voxels.CopyTo(voxels.bytes);
        return _engine.Run(voxels.to(_device), Region.Of(new(tile.CoreStart, tile.CoreShape)), tile.Mean, tile.Std, ct);
    }

    // (z, y, x, classes) on a device, as (classes, z, y, x) here.
    private static Tensor InOrder(Tensor values) => values.permute(3, 0, 1, 2).contiguous().cpu();

    private void Check(in Tile tile, int outputLength, string outputName)
    {
        if (tile.Voxels.Length != tile.Shape.Count * tile.Type.Bytes())
            throw new ArgumentException($"a {tile.Type} block of {tile.Shape} voxels cannot have {tile.Voxels.Length} bytes", nameof(tile));
        if (outputLength != _classes * tile.CoreShape.Count)
            throw new ArgumentException($"{_classes} classes of {tile.CoreShape} voxels do not fit {outputLength} elements", outputName);
        if (!float.IsFinite(tile.Mean))
            throw new InputException("the volume's mean must be a finite number");
        if (!float.IsFinite(tile.Std) || tile.Std <= 0)
            throw new InputException("the volume's standard deviation must be a finite number above 0");
        for (var axis = 0; axis < 3; axis++)
        {
            var (size, start, extent) = (tile.Shape[axis], tile.CoreStart[axis], tile.CoreShape[axis]);
            if (size < 1 || size % _grid[axis] != 0)
                throw new InputException($"axis {"zyx"[axis]}: the block's size {size} is not a multiple of {_grid[axis]}, the product of the pool factors");
            if (extent < 1 || start < 0 || start > size || extent > size - start)
                throw new InputException($"axis {"zyx"[axis]}: the core (start {start}, size {extent}) does not lie in the block of size {size}");
        }
    }
}
