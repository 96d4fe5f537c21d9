// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Networks;

/// <summary>One section on its way: the scales one after the other, each learnt and then applied.</summary>
/// <param name="options">Checked ones.</param>
/// <param name="reduction">What made the section.</param>
/// <param name="net">Learns; for a warm start it holds what a neighbour taught it.</param>
/// <param name="seed">Of weights, crops and noise.</param>
/// <param name="progress">Told after every iteration and output.</param>
/// <param name="ct">Looked at between iterations and tiles.</param>
internal sealed class ZssrRun(SuperResolveOptions options, Reduction reduction, ZssrNet net, ulong seed, Action<ZssrProgress>? progress, CancellationToken ct)
{
    private const ulong NoisePurpose = 0x4015e, FatherPurpose = 0xfa7e4;

    /// <summary>The noise of the reconstruction error's son: the same at every test, so that errors differ by the network alone.</summary>
    private const ulong TestDraw = ulong.MaxValue;

    private const int TileSize = 512;

    /// <summary>Of the learning rate, for a network that has learnt from a neighbour; and training's share of the progress.</summary>
    private const double WarmRate = .1, TrainingShare = .9;

    // Grey levels of what the network sees as 1, the largest grey level and the noise in that unit.
    private float _unit = 1, _top, _noise;

    /// <summary>How far it is.</summary>
    public ZssrState State { get; private set; } = new(0, options.LearningRate, 0, 0, 0, 0, false);

    /// <summary>
    /// The image, in grey levels of which <paramref name="top"/> is the largest that can be, in the shape asked for; 0..top, not rounded.
    /// </summary>
    /// <exception cref="OperationCanceledException">The token asked to stop.</exception>
    public Plane Enlarge(Plane image, (int Y, int X) shape, float top, bool warm)
    {
        var (low, high) = (image.Pixels.Min(), image.Pixels.Max());
        if (low == high)
        {
            // Nothing to learn, and the network, which has no bias, could only spoil it.
            var flat = new Plane(shape);
            Array.Fill(flat.Pixels, low);
            return flat;
        }

        // 8-bit levels become 0..1 as published. Of 16-bit images many use a part of the range only, so there the largest level becomes 1:
        // the same image gives the same network whatever it is stored as.
        _unit = top > byte.MaxValue ? high : top;
        (_top, _noise) = (top / _unit, (float)(options.Noise / _unit));
        var own = image.Copy();
        foreach (ref var pixel in own.Pixels.AsSpan())
            pixel /= _unit;

        var scales = ScalesTo(options.Scale ?? Scale.Two, options.Gradual);
        State = State with { Steps = scales.Count };
        if (!warm)
            net.Weights = ZssrNet.InitialWeights(seed);

        // What is made at one scale is a father of those that follow.
        var fathers = new List<Plane> { own };
        Plane? result = null;
        foreach (var scale in scales)
        {
            State = State with { Step = State.Step + 1, FellBack = false };
            Train(own, fathers, scale, warm);
            var isLast = State.Step == State.Steps;
            result = Apply(own, scale, isLast ? shape : Resampler.EnlargedShape(own.Y, own.X, scale));
            fathers.Add(result);
        }

        foreach (ref var pixel in result!.Pixels.AsSpan())
            pixel *= _unit;
        result.Clip(top);
        Tell(1);
        return result;
    }

    /// <summary>
    /// The scales on the way to the last one. Gradual: half the way along one axis, along the other, along both, then the whole way along
    /// each and both ([1,1.5] [1.5,1] [1.5,1.5] [1.5,2] [2,1.5] [2,2] for a scale of 2).
    /// </summary>
    internal static IReadOnlyList<Scale> ScalesTo(Scale last, bool gradual)
    {
        if (!gradual)
            return [last];
        var half = new Scale((1 + last.Y) / 2, (1 + last.X) / 2);
        var all = (Scale[])[new(1, half.X), new(half.Y, 1), half, new(half.Y, last.X), new(last.Y, half.X), last];
        return [.. all.Where(s => s != new Scale(1, 1)).Distinct()];
    }

    private void Train(Plane image, List<Plane> fathers, Scale scale, bool warm)
    {
        var crop = new Plane(Math.Min(options.Crop, image.Y), Math.Min(options.Crop, image.X));
        var inside = new Plane(crop.Shape);
        var cropScales = ScalePair.Between(reduction, crop.Shape, Resampler.ReducedShape(crop.Y, crop.X, scale));
        var imageScales = ScalePair.Between(reduction, image.Shape, Resampler.ReducedShape(image.Y, image.X, scale));
        var test = SonEnlarged(imageScales, image, TestDraw);
        var plainError = MeanSquare(test, image);
        State = State with { BicubicError = Math.Sqrt(plainError) * _unit };

        var rule = new LearningRateRule(options.LearningRate * (warm ? WarmRate : 1), options.MinLearningRate);
        var good = net.Weights;
        for (var iteration = 0; iteration < options.MaxIterations && !rule.Ended; iteration++)
        {
            ct.ThrowIfCancellationRequested();
            var index = (ulong)State.Iterations;
            var father = fathers[(int)(new RandomStream(seed, index, FatherPurpose).Bits(0) % (ulong)fathers.Count)];
            var count = CropDraw.Draw(seed, index, father.Shape, crop.Shape).Cut(father, crop, inside);
            crop.Clip(_top);
            var finite = double.IsFinite(net.Learn(SonEnlarged(cropScales, crop, index), crop, inside, count));
            if (finite)
                net.Update(rule.Rate);
            State = State with { Iterations = State.Iterations + 1 };
            if (finite && iteration % LearningRateRule.TestEvery == 0)
            {
                var error = Measure(test, image);
                finite = double.IsFinite(error);
                if (finite)
                {
                    good = net.Weights;
                    rule.Report(iteration, error);
                    State = State with { Error = Math.Sqrt(error) * _unit };
                }
            }

            if (!finite)
            {
                net.Weights = good;
                rule.Lower(iteration);
            }

            rule.Consider(iteration);
            State = State with { LearningRate = rule.Rate };
            Tell((iteration + 1.0) / options.MaxIterations * TrainingShare);
        }

        var last = Measure(test, image);
        State = last <= plainError ? State with { Error = Math.Sqrt(last) * _unit } : State with { FellBack = true };
    }

    private Plane Apply(Plane image, Scale scale, (int Y, int X) shape)
    {
        var scales = ScalePair.Between(reduction, shape, image.Shape);
        var enlarging = new Enlarging(options.Ensemble, scale.Y == scale.X, options.BackProjections, _top, TileSize);
        return enlarging.Run(State.FellBack ? null : net, image, scales, share => Tell(TrainingShare + ((1 - TrainingShare) * share)), ct);
    }

    // A son of the father, brought back to the father's size: what the network starts from.
    private Plane SonEnlarged(ScalePair scales, Plane father, ulong index)
    {
        var son = scales.Down.Apply(father);
        if (_noise > 0)
            AddNoise(son, index);
        son.Clip(_top);
        return scales.Up.Apply(son);
    }

    private void AddNoise(Plane image, ulong index)
    {
        var random = new RandomStream(seed, index, NoisePurpose);
        for (var i = 0; i < image.Pixels.Length; i += 2)
        {
            var (first, second) = random.NormalPair((ulong)i / 2);
            image.Pixels[i] += _noise * first;
            if (i + 1 < image.Pixels.Length)
                image.Pixels[i + 1] += _noise * second;
        }
    }

    private double Measure(Plane test, Plane image)
    {
        var output = net.ForwardTiled(test, TileSize, ct);
        output.Clip(_top);
        return MeanSquare(output, image);
    }

    private static double MeanSquare(Plane a, Plane b)
    {
        double sum = 0;
        for (var i = 0; i < a.Pixels.Length; i++)
        {
            var d = (double)a.Pixels[i] - b.Pixels[i];
            sum += d * d;
        }

        return sum / a.Pixels.Length;
    }

    private void Tell(double ofStep) => progress?.Invoke(new ZssrProgress((State.Step - 1 + ofStep) / State.Steps, State));
}
