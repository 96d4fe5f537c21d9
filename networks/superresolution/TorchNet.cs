// SPDX-License-Identifier: Apache-2.0
using static TorchSharp.torch;

namespace Teravox.Networks;

/// <summary>ZSSR's network as libtorch's operators and gradients compute it, on any device.</summary>
internal sealed class TorchNet : ZssrNet
{
    private readonly Device _device;
    private readonly int _threads;
    private Tensor[] _weights = [], _means = [], _squares = [];
    private int _updates;

    public TorchNet(string device, int threads)
    {
        Libtorch.Use(threads);
        (_device, _threads) = (new Device(device), threads);
    }

    public override IReadOnlyList<float[]> Weights
    {
        get => [.. _weights.Select(Numbers)];
        set
        {
            Dispose(disposing: true);
            _updates = 0;
            _weights = [.. value.Select((numbers, layer) =>
            {
                var (from, to) = ChannelsOf(layer);
                return tensor(numbers, [to, from, 3, 3], device: _device, requires_grad: true);
            })];
            _means = [.. _weights.Select(w => zeros_like(w, requires_grad: false))];
            _squares = [.. _weights.Select(w => zeros_like(w, requires_grad: false))];
        }
    }

    public override IReadOnlyList<float[]> Gradients => [.. _weights.Select(w => Numbers(w.grad!))];

    public override double Learn(Plane input, Plane target, Plane inside, int count)
    {
        Libtorch.Use(_threads);
        using var scope = NewDisposeScope();
        foreach (var w in _weights)
            w.grad = null;
        using var gradients = enable_grad();
        var outside = ToTensor(inside).eq(0);
        var loss = (Run(ToTensor(input)) - ToTensor(target)).masked_fill(outside, 0).abs().sum() / count;
        loss.backward();
        var sum = loss.detach().to(float64);
        foreach (var w in _weights)
            sum += w.grad!.sum(float64);
        return double.IsFinite(sum.item<double>()) ? loss.item<float>() : double.NaN;
    }

    public override void Update(double rate)
    {
        Libtorch.Use(_threads);
        using var scope = NewDisposeScope();
        using var still = no_grad();
        _updates++;
        var step = rate / (1 - Math.Pow(FlatAdam.Beta1, _updates));
        var rootCorrection = Math.Sqrt(1 - Math.Pow(FlatAdam.Beta2, _updates));
        foreach (var (w, (mean, square)) in _weights.Zip(_means.Zip(_squares)))
        {
            mean.mul_(FlatAdam.Beta1).add_(w.grad!, alpha: 1 - FlatAdam.Beta1);
            square.mul_(FlatAdam.Beta2).addcmul_(w.grad!, w.grad!, 1 - FlatAdam.Beta2);
            w.addcdiv_(mean, square.sqrt().div_(rootCorrection).add_(FlatAdam.Epsilon), -step);
        }
    }

    public override Plane Forward(Plane input)
    {
        Libtorch.Use(_threads);
        using var scope = NewDisposeScope();
        using var still = no_grad();
        var result = new Plane(input.Shape);
        Numbers(Run(ToTensor(input))).CopyTo(result.Pixels, 0);
        return result;
    }

    protected override void Dispose(bool disposing)
    {
        foreach (var tensor in _weights.Concat(_means).Concat(_squares))
            tensor.Dispose();
    }

    private static float[] Numbers(Tensor tensor)
    {
        using var plain = tensor.detach().cpu().contiguous();
        return plain.data<float>().ToArray();
    }

    private Tensor ToTensor(Plane plane) => tensor(plane.Pixels, [1, 1, plane.Y, plane.X], device: _device);

    private Tensor Run(Tensor input)
    {
        var x = input;
        for (var layer = 0; layer < Layers; layer++)
        {
            x = nn.functional.conv2d(x, _weights[layer], padding: [1, 1]);
            if (layer + 1 < Layers)
                x = x.relu_();
        }

        return x + input;
    }
}
