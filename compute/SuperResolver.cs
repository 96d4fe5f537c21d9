// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using Teravox.Compute.Interop;
using Teravox.Contracts;

namespace Teravox.Compute;

/// <summary>
/// Zero-shot super-resolution of one section at a time (ZSSR; Shocher, Cohen, Irani 2018, arXiv 1712.06087): a small network
/// learns from the section itself how its own reductions are undone, then enlarges it. Used by one thread at a time.
/// </summary>
public sealed unsafe class SuperResolver : IDisposable
{
    private readonly ZssrHandle _handle;

    /// <summary>
    /// For sections that came from finer ones by <paramref name="reduction"/>: the network learns to undo that one and no other.
    /// The options' own kernel is not read; a scale that they leave out is 2.
    /// </summary>
    /// <exception cref="InputException">An option or the kernel cannot be used, or the device is absent.</exception>
    public SuperResolver(SuperResolveOptions options, Reduction reduction, string device, int threads)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(reduction);
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        fixed (double* weights = reduction.Weights())
        {
            var status = NativeMethods.ZssrCreate(options.ToNative(), reduction.ToNative(weights), device, threads, out _handle);
            NativeStatus.Check(status, Arguments.Users);
        }
    }

    /// <summary>
    /// Enlarges a section of <paramref name="y"/> x <paramref name="x"/> pixels (x fastest; 2 bytes each in native order for
    /// <see cref="VoxelType.UInt16"/>). On the CPU the same section, options, seed and threads give the same bytes, unless
    /// <paramref name="warm"/>: then the run starts from what the last one learnt, at a tenth of the learning rate.
    /// <paramref name="enlarged"/> is the result's shape where it is known, as the one that the section was reduced from: it may
    /// differ from the section's times the scale by what rounding lost. Null: the product, rounded up.
    /// </summary>
    /// <exception cref="InputException">The section has no pixels or too many, or the shape asked for is of another scale.</exception>
    /// <exception cref="ArgumentException"><paramref name="voxels"/> is not as long as the shape says.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="ct"/> asked to stop; asked between iterations.</exception>
    public SuperResolution Run(
        ReadOnlySpan<byte> voxels,
        VoxelType type,
        int y,
        int x,
        ulong seed,
        Action<ZssrProgress>? progress,
        CancellationToken ct,
        bool warm = false,
        (int Y, int X)? enlarged = null)
    {
        if (voxels.Length != (long)y * x * type.Bytes())
        {
            throw new ArgumentException($"a {type} section of {y} x {x} pixels cannot have {voxels.Length} bytes");
        }

        var watch = Stopwatch.StartNew();
        NativeStatus.Check(NativeMethods.ZssrShape(_handle, (y, x), out var shape), Arguments.Users);
        if (enlarged is { } wanted)
            shape = wanted;
        var pixels = new byte[checked(shape[0] * shape[1] * type.Bytes())];
        using var callbacks = new ProgressCallbacks(progress is null ? null : fraction => progress(new ZssrProgress(fraction, State())), ct);
        fixed (void* from = voxels)
        fixed (void* to = pixels)
        {
            var native = callbacks.Native;
            var status = NativeMethods.ZssrRun(_handle, from, (int)type, (y, x), shape, seed, warm ? 1 : 0, to, &native);
            callbacks.ThrowIfFailed();
            NativeStatus.Check(status, Arguments.Users, ct);
        }

        return new SuperResolution(pixels, (int)shape[0], (int)shape[1], State(), watch.Elapsed);
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    private ZssrState State()
    {
        NativeStatus.Check(NativeMethods.ZssrGetState(_handle, out var s));
        return new ZssrState(s.Iterations, s.LearningRate, s.BicubicError, s.Error, s.Step, s.Steps, s.FellBack != 0);
    }
}
