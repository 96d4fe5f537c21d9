// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Runtime.InteropServices;
using Teravox.Contracts;

namespace Teravox.Networks;

/// <summary>
/// Zero-shot super-resolution of one section at a time (ZSSR; Shocher, Cohen, Irani 2018, arXiv 1712.06087): a small network
/// learns from the section itself how its own reductions are undone, then enlarges it. Used by one thread at a time.
/// </summary>
public sealed class SuperResolver : IDisposable
{
    private const int MostPixels = 1 << 20;

    private readonly SuperResolveOptions _options;
    private readonly Scale _scale;
    private readonly Reduction _reduction;
    private readonly ZssrNet _net;
    private bool _trained;

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
        (_options, _scale, _reduction) = (options, options.Scale ?? Scale.Two, reduction);
        Check();
        _net = ZssrNet.Best(Devices.Choose(device), threads);
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
            throw new ArgumentException($"a {type} section of {y} x {x} pixels cannot have {voxels.Length} bytes");
        RequireSize("y", y);
        RequireSize("x", x);
        var shape = enlarged ?? Resampler.EnlargedShape(y, x, _scale);
        RequireScale("y", y, shape.Y, _scale.Y);
        RequireScale("x", x, shape.X, _scale.X);

        var watch = Stopwatch.StartNew();
        var section = Read(voxels, type, y, x);
        var run = new ZssrRun(_options, _reduction, _net, seed, progress, ct);
        var warmStart = warm && _trained;
        _trained = false;
        var result = run.Enlarge(section, shape, type == VoxelType.UInt16 ? ushort.MaxValue : byte.MaxValue, warmStart);
        _trained = run.State is { Step: > 0, FellBack: false };
        return new SuperResolution(Write(result, type), shape.Y, shape.X, run.State, watch.Elapsed);
    }

    /// <inheritdoc/>
    public void Dispose() => _net.Dispose();

    private static void RequireSize(string axis, int size)
    {
        if (size is < 1 or > MostPixels)
            throw new InputException($"the image has {size} pixels along axis {axis}, but must have 1 to {MostPixels}");
    }

    // An image of n pixels may have been n * scale before, give or take half a pixel of its own: a size that the scale does not divide
    // was rounded. Beyond that the shape belongs to another scale.
    private static void RequireScale(string axis, int size, int enlarged, double scale)
    {
        var margin = scale == 1 ? 0 : Math.Max(1, scale / 2);
        if (Math.Abs(enlarged - (size * scale)) > margin + 1e-6)
            throw new InputException(FormattableString.Invariant($"{size} pixels along axis {axis} cannot become {enlarged} by a scale of {scale}"));
    }

    private static Plane Read(ReadOnlySpan<byte> voxels, VoxelType type, int y, int x)
    {
        var image = new Plane(y, x);
        if (type == VoxelType.UInt16)
        {
            var wide = MemoryMarshal.Cast<byte, ushort>(voxels);
            for (var i = 0; i < wide.Length; i++)
                image.Pixels[i] = wide[i];
        }
        else
        {
            for (var i = 0; i < voxels.Length; i++)
                image.Pixels[i] = voxels[i];
        }

        return image;
    }

    private static byte[] Write(Plane image, VoxelType type)
    {
        var bytes = new byte[image.Pixels.Length * type.Bytes()];
        if (type == VoxelType.UInt16)
        {
            var wide = MemoryMarshal.Cast<byte, ushort>(bytes.AsSpan());
            for (var i = 0; i < wide.Length; i++)
                wide[i] = (ushort)MathF.Round(image.Pixels[i], MidpointRounding.AwayFromZero);
        }
        else
        {
            for (var i = 0; i < bytes.Length; i++)
                bytes[i] = (byte)MathF.Round(image.Pixels[i], MidpointRounding.AwayFromZero);
        }

        return bytes;
    }

    // Comparisons are written so that NaN fails them.
    private void Check()
    {
        var o = _options;
        Require(_scale.IsInRange, "scale", "1.2 to 4 per axis, or 1 for one of the two");
        Require(o.Noise is >= 0 and <= 65535, "noise", "0 to 65535 grey levels");
        Require(o.LearningRate is > 0 and <= 1, "learning_rate", "above 0 and at most 1");
        Require(o.MinLearningRate > 0 && o.MinLearningRate <= o.LearningRate, "min_learning_rate", "above 0 and at most the learning rate");
        Require(o.MaxIterations is >= 1 and <= 1_000_000, "max_iterations", "1 to 1000000");
        Require(o.Crop is >= 16 and <= 1024, "crop", "16 to 1024 pixels");
        Require(o.BackProjections is >= 0 and <= 1000, "back_projections", "0 to 1000");
        if (_reduction.Kind == ReductionKind.Kernel)
            _ = new BlurKernel(_reduction.Kernel!);

        static void Require(bool good, string field, string range)
        {
            if (!good)
                throw new InputException($"super-resolution: {field} must be {range}");
        }
    }
}
