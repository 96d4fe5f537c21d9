// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Teravox.Networks;

/// <summary>
/// A network over a block, of which only what reaches the core is computed. The way of the data:
/// <list type="number">
/// <item>the finest encoder, slab by slab: its features over the whole block would be by far the largest tensors;</item>
/// <item>the coarser encoders; of each level's features, the decoder keeps its part as a skip;</item>
/// <item>the decoders, from the coarsest to the finest, the finest one slab by slab;</item>
/// <item>the last convolution, to logits.</item>
/// </list>
/// </summary>
internal sealed class InferenceEngine(Network network, Device device, Operators operators, long decoderElements = 1L << 30) : IDisposable
{
    private readonly UNetArchitecture _a = network.Architecture;
    private readonly FoldedNetwork _net = new(network, device, operators);
    private readonly int _classes = network.OutChannels;
    private readonly List<Tensor> _watched = [];

    public void Dispose() => _net.Dispose();

    /// <summary>The core's logits, or what <paramref name="quantise"/> makes of them, as (classes, z, y, x).</summary>
    /// <param name="voxels">The block as stored, (z, y, x), on the engine's device.</param>
    /// <param name="core">What is wanted.</param>
    /// <param name="mean">Of the volume.</param>
    /// <param name="std">Of the volume.</param>
    /// <param name="quantise">From float32 logits to values of its type, or null.</param>
    /// <param name="ct">Asked between layers.</param>
    /// <returns>
    /// The values; and a number that is finite when all weights and features were: what float16 cannot hold makes it infinite. Null where features are float32.
    /// </returns>
    /// <exception cref="InputException">The tile is too large for a GPU.</exception>
    public (Tensor Values, Tensor? Largest) Run(Tensor voxels, Region core, float mean, float std, Func<Tensor, Tensor>? quantise, CancellationToken ct)
    {
        try
        {
            return RunWatched(voxels, core, mean, std, quantise, ct);
        }
        finally
        {
            _watched.ForEach(t => t.Dispose());
            _watched.Clear();
        }
    }

    private (Tensor Values, Tensor? Largest) RunWatched(Tensor voxels, Region core, float mean, float std, Func<Tensor, Tensor>? quantise, CancellationToken ct)
    {
        using var scope = NewDisposeScope();
        var plan = CorePlan.Make(_a, new((int)voxels.shape[0], (int)voxels.shape[1], (int)voxels.shape[2]), core);
        var factors = _a.PoolFactors();
        var skips = new Feature[_a.Levels - 1];
        CheckSize(plan);
        if (operators.Type == ScalarType.Float16 && !_net.IsFinite)
            _watched.Add(tensor(float.PositiveInfinity, device: device).DetachFromDisposeScope());

        // 1. The finest encoder.
        var (skip, x) = FinestEncoder(voxels, mean, std, plan, ct);
        skips[0] = skip;
        Watch(x.Values);

        // 2. The coarser ones.
        for (var level = 1; level < _a.Levels; level++)
        {
            x = Block(_net.Encoders[level], x, plan[level].EncoderOut, plan[level].Size, ct);
            Watch(x.Values);
            if (level == _a.Levels - 1)
                break;
            skips[level] = new(x.Part(plan[level].Joined).clone(), plan[level].Joined);
            x = Replace(x, new(Pool(x.Part(Pooled(plan, level)), factors[level]), plan[level + 1].EncoderIn));
        }

        // 3. The decoders.
        for (var level = _a.Levels - 2; level > 0; level--)
        {
            var decoded = Decode(level, skips[level], x, plan[level], ct);
            skips[level].Values.Dispose();
            x = Replace(x, decoded);
            Watch(x.Values);
        }

        // 4. The finest one, and the classes.
        var shape = core.Shape;
        Tensor? values = null;
        foreach (var planes in DecoderSlabs(plan[0]))
        {
            using var slab = NewDisposeScope();
            var decoded = Decode(0, skips[0], x, plan[0] with { DecoderOut = planes, Joined = Joined(planes, plan[0]) }, ct);
            var part = core with { Z = new(Math.Max(core.Z.From, planes.Z.From), Math.Min(core.Z.To, planes.Z.To)) };
            var logits = Convolve(decoded, _net.Final, part, plan[0].Size, relu: false);
            if (operators.Type == ScalarType.Float16)
                _watched.Add(logits.sum(ScalarType.Float32).DetachFromDisposeScope());
            logits = logits.to(ScalarType.Float32);
            var result = quantise?.Invoke(logits) ?? logits;
            values ??= empty([_classes, .. shape.Sizes()], result.dtype, device).MoveToOuterDisposeScope();
            values.narrow(1, part.Z.From - core.Z.From, part.Z.Size).copy_(result.permute(3, 0, 1, 2));
        }

        return (values!.MoveToOuterDisposeScope(), _watched.Count == 0 ? null : stack(_watched).sum().MoveToOuterDisposeScope());
    }

    // The fused operators make 0 of what is no number, so every convolution's result is looked at, or what is pooled of it. Of features that are clipped
    // at 0, the largest is enough: what is below -65504 is 0 in any case.
    private Tensor Watch(Tensor features, bool isClipped = true)
    {
        if (operators.Type == ScalarType.Float16)
        {
            using var scope = NewDisposeScope();
            _watched.Add((isClipped ? features : features.abs()).max().to(ScalarType.Float32).DetachFromDisposeScope());
        }

        return features;
    }

    // cuDNN and the pooling of GPUs count a tensor's elements in 32 bits. The finest level of a network with batch norm goes in slabs.
    private void CheckSize(LevelPlan[] plan)
    {
        if (device.type == TorchSharp.DeviceType.CPU)
            return;
        for (var level = _a.Order == LayerOrder.Gcr ? 0 : 1; level < _a.Levels; level++)
        {
            if (!GpuTile.FitsLevel(_a, level, plan[level].EncoderOut.Shape))
                throw new InputException($"a tile whose level {level + 1} has {plan[level].EncoderOut.Shape} voxels is too large for a GPU; make inference.tile smaller");
        }
    }

    // Group norm takes its statistics over the whole layer.
    private IEnumerable<Region> DecoderSlabs(LevelPlan finest)
    {
        var whole = finest.DecoderOut;
        if (_a.Order == LayerOrder.Gcr)
            return [whole];
        var plane = (long)finest.Joined.Y.Size * finest.Joined.X.Size * _a.Channels(0) * (_a.Residual || _a.Upsample == Upsampling.Nearest ? 1 : 2);
        var most = (int)Math.Max(1, Math.Min(int.MaxValue, (decoderElements / plane) - 4));
        var slabs = (whole.Z.Size + most - 1) / most;
        var each = (whole.Z.Size + slabs - 1) / slabs;
        return Enumerable.Range(0, slabs).Select(i => whole with { Z = new(whole.Z.From + (i * each), Math.Min(whole.Z.To, whole.Z.From + ((i + 1) * each))) });
    }

    private Region Joined(Region output, LevelPlan plan) => _a.Order == LayerOrder.Gcr ? plan.Joined : output.OfConvolution(plan.Size).OfConvolution(plan.Size);

    private (Feature Skip, Feature Pooled) FinestEncoder(Tensor voxels, float mean, float std, LevelPlan[] plan, CancellationToken ct)
    {
        var (own, factor, pooled) = (plan[0], _a.PoolFactors()[0], Pooled(plan, 0));
        var plane = (long)own.EncoderOut.Y.Size * own.EncoderOut.X.Size * _a.Channels(0);
        var slab = _a.Order == LayerOrder.Gcr ? own.Size.Z : factor.Z * (int)Math.Max(1, operators.EncoderElements / plane / factor.Z);
        var (skips, pools) = (new List<Tensor>(), new List<Tensor>());
        for (var z = pooled.Z.From; z < pooled.Z.To; z += slab)
        {
            using var scope = NewDisposeScope();
            var planes = new Interval(z, Math.Min(z + slab, pooled.Z.To));
            var to = own.EncoderOut with { Z = planes };
            var from = to.OfConvolution(own.Size).OfConvolution(own.Size);
            var x = new Feature(Standardise(voxels, from, mean, std), from);
            x = Block(_net.Encoders[0], x, to, own.Size, ct);
            pools.Add(Pool(x.Part(pooled with { Z = planes }), factor).MoveToOuterDisposeScope());
            var kept = new Interval(Math.Max(planes.From, own.Joined.Z.From), Math.Min(planes.To, own.Joined.Z.To));
            if (kept.Size > 0)
                skips.Add(x.Part(own.Joined with { Z = kept }).clone().MoveToOuterDisposeScope());
        }

        return (new(Together(skips), own.Joined), new(Together(pools), plan[1].EncoderIn));
    }

    /// <summary>What of a level's features the next coarser level reads.</summary>
    private Region Pooled(LevelPlan[] plan, int level) => plan[level + 1].EncoderIn.Map((interval, axis) => interval.OfPooling(_a.PoolFactors()[level][axis]));

    private Feature Decode(int level, Feature skip, Feature coarse, LevelPlan plan, CancellationToken ct)
    {
        using var scope = NewDisposeScope();
        ct.ThrowIfCancellationRequested();
        var decoder = _net.Decoders[level];
        if (decoder.OfCoarse is not { } ofCoarse)
        {
            var fine = Watch(Upsample(coarse, decoder.Transposed, _a.PoolFactors()[level], plan.Joined), isClipped: false);
            var own = skip.Part(plan.Joined);
            var joined = _a.Residual ? Watch(own + fine, isClipped: false) : cat([own, fine], 3);
            fine.Dispose();
            var result = Block(decoder.Block, new(joined, plan.Joined), plan.DecoderOut, plan.Size, ct);
            result.Values.MoveToOuterDisposeScope();
            return result;
        }

        // The first convolution over skip and upsampled features is the sum of two.
        var middle = plan.DecoderOut.OfConvolution(plan.Size);
        var (reads, padding) = Reads(skip, decoder.Block.First, middle, plan.Size);
        var x = Watch(ofCoarse.Join(operators, reads, decoder.Block.First, padding, coarse, middle));
        ct.ThrowIfCancellationRequested();
        return new(Convolve(new(x, middle), decoder.Block.Second, plan.DecoderOut, plan.Size).MoveToOuterDisposeScope(), plan.DecoderOut);
    }

    /// <summary>Two convolutions; consumes what goes in.</summary>
    private Feature Block(FoldedBlock block, Feature x, Region to, Int3 size, CancellationToken ct)
    {
        using var scope = NewDisposeScope();
        var middle = to.OfConvolution(size);
        ct.ThrowIfCancellationRequested();
        if (!_a.Residual)
        {
            var first = new Feature(Watch(Convolve(x, block.First, middle, size)), middle);
            x.Values.Dispose();
            ct.ThrowIfCancellationRequested();
            return new(Convolve(first, block.Second, to, size).MoveToOuterDisposeScope(), to);
        }

        var input = block.Projection is { } projection ? x with { Values = Watch(operators.Convolve(x.Values, projection, Int3.Zero, relu: false), isClipped: false) } : x;
        var inner = new Feature(Watch(Convolve(input, block.First, middle, size)), middle);
        ct.ThrowIfCancellationRequested();
        var (reads, padding) = Reads(inner, block.Second, to, size);
        var sum = operators.ConvolveAndAdd(reads, block.Second, padding, input.Part(to));
        x.Values.Dispose();
        return new(sum.MoveToOuterDisposeScope(), to);
    }

    /// <summary>A convolution with kernel 3 or 1 of what <paramref name="to"/> needs.</summary>
    private Tensor Convolve(Feature x, FoldedConv conv, Region to, Int3 size, bool relu = true)
    {
        using var scope = NewDisposeScope();
        var (reads, padding) = Reads(x, conv, to, size);
        return operators.Convolve(reads, conv, padding, relu).MoveToOuterDisposeScope();
    }

    /// <summary>What a convolution reads, normed if it has a norm, and how many zeros it takes itself.</summary>
    private static (Tensor Part, Int3 Padding) Reads(Feature x, FoldedConv conv, Region to, Int3 size)
    {
        var reach = (int)conv.Weight.shape[2] / 2;
        var reads = to.Map((interval, _) => new Interval(interval.From - reach, interval.To + reach));
        if (conv.Norm is { } norm)
            x = x with { Values = Feature.OfTorch(functional.group_norm(Feature.ToTorch(x.Values), norm.Groups, norm.Weight, norm.Bias)) };

        // Where the block ends on both sides of an axis, the convolution itself takes zeros.
        var padding = new Int3(Both(0), Both(1), Both(2));
        return (x.WithZeros(reads.Map((interval, axis) => padding[axis] == 0 ? interval : interval.Clip(size[axis]))), padding);

        int Both(int axis) => reads[axis].From < 0 && reads[axis].To > size[axis] ? reach : 0;
    }

    /// <summary>Coarse features on the finer level's grid, where the decoder joins them with the skip.</summary>
    private Tensor Upsample(Feature coarse, Tensor? transposed, Int3 factors, Region fine)
    {
        var stretched = _a.Upsample == Upsampling.Transposed3;
        var needed = fine.Map((interval, axis) => interval.OfUpsampling(factors[axis], _a.Upsample).Clip(coarse.Box[axis].To));
        coarse = new(coarse.Part(needed).contiguous(), needed);
        var values = coarse.Values;
        if (transposed is not null)
        {
            var padding = stretched ? 1 : 0;
            values = Feature.OfTorch(functional.conv_transpose3d(Feature.ToTorch(values), transposed, strides: factors.Sizes(), padding: [padding, padding, padding]));
        }

        for (var axis = 0; axis < 3; axis++)
        {
            var (factor, first, part) = (factors[axis], coarse.Box[axis].From * factors[axis], fine[axis]);
            if (transposed is null && factor > 1)
                values = values.repeat_interleave(factor, axis);
            if (!stretched || factor == 1)
            {
                values = values.narrow(axis, part.From - first, part.Size);
                continue;
            }

            // 2n - 1 results are stretched to 2n by repeating the first one.
            var rest = new Interval(Math.Max(part.From, 1), part.To);
            var shifted = values.narrow(axis, rest.From - 1 - first, rest.Size);
            values = part.From == 0 ? cat([values.narrow(axis, 0, 1), shifted], axis) : shifted;
        }

        return values;
    }

    private Tensor Standardise(Tensor voxels, Region part, float mean, float std)
    {
        using var scope = NewDisposeScope();
        var values = new Feature(voxels.unsqueeze(3), Region.Whole(new((int)voxels.shape[0], (int)voxels.shape[1], (int)voxels.shape[2]))).Part(part);

        // libtorch has no arithmetic of unsigned 16 bit: the same bits come as signed ones.
        if (values.dtype == ScalarType.Int16)
            values = values.to(ScalarType.Int32).bitwise_and(0xFFFF);
        return values.to(ScalarType.Float32).sub_(mean).div_(std).to(operators.Type).contiguous().MoveToOuterDisposeScope();
    }

    private static Tensor Pool(Tensor x, Int3 factor) => Feature.OfTorch(functional.max_pool3d(Feature.ToTorch(x), factor.Sizes()));

    private static Feature Replace(Feature old, Feature by)
    {
        old.Values.Dispose();
        return by;
    }

    private static Tensor Together(List<Tensor> slabs)
    {
        if (slabs.Count == 1)
            return slabs[0];
        var whole = cat(slabs, 0);
        slabs.ForEach(slab => slab.Dispose());
        return whole;
    }
}
