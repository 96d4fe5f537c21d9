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

/// <summary>
/// A network on one device. Tiles are started by one thread at a time. On the CPU a tile is computed when it is started; a GPU has
/// several in flight, and computes one while the next is copied to it and the last one back.
/// </summary>
public sealed class InferenceSession : IDisposable
{
    private readonly InferenceEngine _engine;
    private readonly InferenceEngine? _wide;
    private readonly CudaCopies? _copies;
    private readonly Device _device;
    private readonly Int3 _grid;
    private readonly int _classes, _threads;
    private readonly bool _isCut;
    private readonly Lock _onlyOneWide = new();

    // The session itself and its tiles in flight: the last of them frees the weights.
    private int _users = 1;

    /// <summary>Puts the network on a device ("cpu", "cuda:0"); threads, 1 or more, are for calls on the CPU.</summary>
    /// <exception cref="InputException">The device is absent.</exception>
    public InferenceSession(Network n, string device, int threads)
    {
        ArgumentNullException.ThrowIfNull(n);
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        Libtorch.Use(threads);
        device = Devices.Choose(device);
        (_device, _grid, _classes, _threads) = (new Device(device), n.Architecture.Grid(), n.OutChannels, threads);
        if (_device.type == TorchSharp.DeviceType.CPU)
        {
            _engine = new InferenceEngine(n, _device, new CpuOperators());
            return;
        }

        _copies = new CudaCopies(_device);
        _engine = new InferenceEngine(n, _device, new CudaOperators(fused: true, ScalarType.Float16));
        _wide = new InferenceEngine(n, _device, new CudaOperators(fused: false, ScalarType.Float32));
        _isCut = n.Architecture.Order == LayerOrder.Cbr;
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
        CheckLength(tile, probabilities.Length, nameof(probabilities));
        using var started = Start(tile, ct);
        started.Finish(probabilities);
    }

    /// <summary>Starts a tile. It may outlive the session.</summary>
    /// <inheritdoc cref="Infer"/>
    public TileInFlight Start(in Tile tile, CancellationToken ct)
    {
        Check(tile);
        Libtorch.Use(_threads);
        ct.ThrowIfCancellationRequested();
        Interlocked.Increment(ref _users);
        try
        {
            return _copies is null ? StartHere(tile, ct) : StartOnCuda(tile, _copies, ct);
        }
        catch
        {
            Leave();
            throw;
        }
    }

    /// <summary>The logits, before sigmoid and quantisation, for comparisons.</summary>
    /// <exception cref="ArgumentException">A buffer's length does not fit the tile.</exception>
    /// <exception cref="InputException">The tile cannot be computed.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="ct"/> asked to stop.</exception>
    public void Logits(in Tile tile, Span<float> logits, CancellationToken ct)
    {
        Check(tile);
        CheckLength(tile, logits.Length, nameof(logits));
        Libtorch.Use(_threads);
        using var scope = NewDisposeScope();
        using var still = inference_mode();
        var voxels = OnHost(tile).to(_device);
        var (values, largest) = _engine.Run(voxels, Core(tile), tile.Mean, tile.Std, null, ct);
        if (largest is not null && !float.IsFinite(largest.item<float>()))
            values = _wide!.Run(voxels, Core(tile), tile.Mean, tile.Std, null, ct).Values;
        values.cpu().data<float>().CopyTo(logits);
    }

    /// <inheritdoc/>
    public void Dispose() => Leave();

    private TileInFlight StartHere(in Tile tile, CancellationToken ct)
    {
        using var scope = NewDisposeScope();
        using var still = inference_mode();
        var values = _engine.Run(OnHost(tile), Core(tile), tile.Mean, tile.Std, Quantise, ct).Values.DetachFromDisposeScope();
        return new TileInFlight(probabilities => values.bytes.CopyTo(probabilities), () =>
        {
            values.Dispose();
            Leave();
        });
    }

    private TileInFlight StartOnCuda(in Tile tile, CudaCopies copies, CancellationToken ct)
    {
        var (core, mean, std) = (new Box3(tile.CoreStart, tile.CoreShape), tile.Mean, tile.Std);
        var farthest = Math.Max(Math.Abs(mean), Math.Abs((tile.Type == VoxelType.UInt16 ? ushort.MaxValue : byte.MaxValue) - mean)) / std;

        // 1. The block goes to the device while the last tile is computed.
        var voxels = copies.ToDevice(tile.Voxels, [.. tile.Shape.Sizes()], StoredAs(tile));

        // 2. Its work is queued behind that of the last tile; the results come back while the next one is computed.
        var back = DeviceThread.Of(_device.index).Run(() =>
        {
            using var scope = NewDisposeScope();
            using var still = inference_mode();
            try
            {
                var (values, largest) = _engine.Run(voxels.Tensor, Region.Of(core), mean, std, Quantise, ct);
                return copies.ToHost(values, largest!, voxels);
            }
            catch
            {
                copies.Drop(voxels);
                throw;
            }
        });
        return new TileInFlight(Finish, () =>
        {
            back.Dispose();
            Leave();
        });

        // What float16 cannot hold is computed once more, in float32.
        void Finish(Span<byte> probabilities)
        {
            if (float.IsFinite(back.Wait()) && farthest < (float)Half.MaxValue)
                back.Bytes.CopyTo(probabilities);
            else
                InFloat32(back.Voxels, core, mean, std, probabilities);
        }
    }

    // Part by part: features take twice the memory, and the next tile is computed at the same time.
    private void InFloat32(Tensor block, Box3 core, float mean, float std, Span<byte> probabilities)
    {
        lock (_onlyOneWide)
        {
            using var scope = NewDisposeScope();
            using var still = inference_mode();
            var voxels = block.to(_device);
            var whole = empty([_classes, .. core.Shape.Sizes()], ScalarType.Byte);
            var half = _isCut ? core.Shape.Map(n => (n + 1) / 2) : core.Shape;
            foreach (var part in Parts(core.Shape, half))
            {
                using var own = NewDisposeScope();
                var (values, _) = _wide!.Run(voxels, Region.Of(part with { Start = part.Start + core.Start }), mean, std, Quantise, CancellationToken.None);
                var place = whole;
                for (var axis = 0; axis < 3; axis++)
                    place = place.narrow(axis + 1, part.Start[axis], part.Shape[axis]);
                place.copy_(values);
            }

            whole.bytes.CopyTo(probabilities);
        }
    }

    private static IEnumerable<Box3> Parts(Int3 shape, Int3 most)
    {
        for (var z = 0; z < shape.Z; z += most.Z)
        {
            for (var y = 0; y < shape.Y; y += most.Y)
            {
                for (var x = 0; x < shape.X; x += most.X)
                    yield return new Box3(new(z, y, x), most).Intersect(Box3.Whole(shape));
            }
        }
    }

    // The probabilities of float32 logits, which it takes for itself.
    private static Tensor Quantise(Tensor logits) => logits.sigmoid_().mul_(255).add_(0.5).nan_to_num_(0).to(ScalarType.Byte);

    private static Tensor OnHost(in Tile tile)
    {
        var voxels = empty(tile.Shape.Sizes(), StoredAs(tile));
        tile.Voxels.CopyTo(voxels.bytes);
        return voxels;
    }

    private static ScalarType StoredAs(in Tile tile) => tile.Type == VoxelType.UInt16 ? ScalarType.Int16 : ScalarType.Byte;

    private static Region Core(in Tile tile) => Region.Of(new(tile.CoreStart, tile.CoreShape));

    private void Leave()
    {
        if (Interlocked.Decrement(ref _users) > 0)
            return;
        _engine.Dispose();
        _wide?.Dispose();
        _copies?.Dispose();
    }

    private void CheckLength(in Tile tile, int outputLength, string outputName)
    {
        if (outputLength != _classes * tile.CoreShape.Count)
            throw new ArgumentException($"{_classes} classes of {tile.CoreShape} voxels do not fit {outputLength} elements", outputName);
    }

    private void Check(in Tile tile)
    {
        if (tile.Voxels.Length != tile.Shape.Count * tile.Type.Bytes())
            throw new ArgumentException($"a {tile.Type} block of {tile.Shape} voxels cannot have {tile.Voxels.Length} bytes", nameof(tile));
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

/// <summary>A tile that is computed, or that a GPU has among its work. Used by one thread; dispose it in any case.</summary>
public sealed class TileInFlight : IDisposable
{
    private readonly TakeProbabilities _finish;
    private Action? _leave;

    internal TileInFlight(TakeProbabilities finish, Action leave) => (_finish, _leave) = (finish, leave);

    internal delegate void TakeProbabilities(Span<byte> probabilities);

    /// <summary>Waits until it is computed and copies its probabilities, as for <see cref="InferenceSession.Infer"/>.</summary>
    public void Finish(Span<byte> probabilities) => _finish(probabilities);

    /// <inheritdoc/>
    public void Dispose() => Interlocked.Exchange(ref _leave, null)?.Invoke();
}
