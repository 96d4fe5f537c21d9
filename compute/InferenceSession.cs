// SPDX-License-Identifier: Apache-2.0
using Teravox.Compute.Interop;
using Teravox.Contracts;

namespace Teravox.Compute;

/// <summary>A network on one device. Used by one thread at a time.</summary>
public sealed unsafe class InferenceSession : IDisposable
{
    private readonly SessionHandle _handle;
    private readonly int _outChannels;

    /// <summary>Puts the network on a device ("cpu", "cuda:0"); threads, 1 or more, are for calls on the CPU.</summary>
    /// <exception cref="InputException">The device is absent.</exception>
    public InferenceSession(Network n, string device, int threads)
    {
        ArgumentNullException.ThrowIfNull(n);
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        NativeStatus.Check(NativeMethods.SessionCreate(n.Handle, device, threads, out _handle), Arguments.Users);
        _outChannels = n.OutChannels;
    }

    /// <summary>
    /// The core's class probabilities, round(255 sigmoid(logit)), into <paramref name="probabilities"/> of shape
    /// (classes, core z, core y, core x).
    /// </summary>
    /// <exception cref="ArgumentException">A buffer's length does not fit the tile.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="ct"/> asked to stop.</exception>
    public void Infer(in Tile tile, Span<byte> probabilities, CancellationToken ct)
    {
        Expect(tile, probabilities.Length, nameof(probabilities));
        using var abort = new AbortFlag(ct);
        var callbacks = abort.Callbacks;
        fixed (void* voxels = tile.Voxels)
        fixed (byte* output = probabilities)
        {
            var status = NativeMethods.SessionInfer(_handle, ToNative(tile, voxels), output, &callbacks);
            NativeStatus.Check(status, cancellationToken: ct);
        }
    }

    /// <summary>The same before sigmoid and quantisation, for comparisons.</summary>
    /// <exception cref="ArgumentException">A buffer's length does not fit the tile.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="ct"/> asked to stop.</exception>
    public void Logits(in Tile tile, Span<float> logits, CancellationToken ct)
    {
        Expect(tile, logits.Length, nameof(logits));
        using var abort = new AbortFlag(ct);
        var callbacks = abort.Callbacks;
        fixed (void* voxels = tile.Voxels)
        fixed (float* output = logits)
        {
            var status = NativeMethods.SessionLogits(_handle, ToNative(tile, voxels), output, &callbacks);
            NativeStatus.Check(status, cancellationToken: ct);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    private static TvxTile ToNative(in Tile tile, void* voxels) => new()
    {
        Voxels = voxels,
        VoxelType = (int)tile.Type,
        Shape = tile.Shape,
        CoreStart = tile.CoreStart,
        CoreShape = tile.CoreShape,
        Mean = tile.Mean,
        Std = tile.Std,
    };

    // The library sees pointers only: lengths are checked while they are known.
    private void Expect(in Tile tile, int outputLength, string outputName)
    {
        if (tile.Voxels.Length != tile.Shape.Count * tile.Type.Bytes())
        {
            throw new ArgumentException(
                $"a {tile.Type} block of {tile.Shape} voxels cannot have {tile.Voxels.Length} bytes", nameof(tile));
        }

        if (outputLength != _outChannels * tile.CoreShape.Count)
        {
            throw new ArgumentException(
                $"{_outChannels} classes of {tile.CoreShape} voxels do not fit {outputLength} elements", outputName);
        }
    }
}
