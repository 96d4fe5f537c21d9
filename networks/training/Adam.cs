// SPDX-License-Identifier: Apache-2.0
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Teravox.Networks;

/// <summary>
/// Adam (Kingma and Ba 2015, algorithm 1) as torch.optim.Adam has it, weight decay as an L2 penalty. The arithmetic is libtorch's own fused
/// kernel: one pass over memory on the CPU, one launch on a GPU. TorchSharp's Adam is eight passes, and its state has no names.
/// </summary>
internal sealed class Adam : IDisposable
{
    // TorchScript, since TorchSharp has no such functions. A mistake in the text ends the process, so a test runs each of them. A function
    // without a result cannot be called, so one is given.
    private static readonly Lazy<jit.CompilationUnit> Script = new(() => jit.compile(
        """
        def finite(gradients: List[Tensor]) -> Tensor:
            return torch.stack(torch._foreach_norm(gradients)).isfinite().all()

        def update(values: List[Tensor], gradients: List[Tensor], means: List[Tensor], squares: List[Tensor], counts: List[Tensor],
                   rate: float, beta1: float, beta2: float, decay: float, epsilon: float) -> Tensor:
            torch._foreach_add_(counts, 1.0)
            torch._fused_adam_(values, gradients, means, squares, [], counts, lr=rate, beta1=beta1, beta2=beta2, weight_decay=decay,
                               eps=epsilon, amsgrad=False, maximize=False)
            return counts[0]

        """));

    private readonly Tensor[] _values, _counts;

    // Kept as objects: TorchSharp hands on no more than their address, so one made for the call could be collected before its end.
    private readonly Scalar _beta1, _beta2, _decay, _epsilon;

    public Adam(IReadOnlyList<(string Name, Parameter Value)> parameters, TrainerSettings o)
    {
        Names = [.. parameters.Select(p => p.Name)];
        _values = [.. parameters.Select(p => p.Value)];
        Means = [.. _values.Select(Zeros)];
        Squares = [.. _values.Select(Zeros)];
        _counts = [.. _values.Select(v => zeros([], device: v.device).DetachFromDisposeScope())];
        (_beta1, _beta2, _decay, _epsilon) = (o.Beta1, o.Beta2, o.WeightDecay, o.Epsilon);
    }

    /// <summary>Names of the parameters.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>Running means of the gradients, in the parameters' order.</summary>
    public Tensor[] Means { get; }

    /// <summary>Running means of the gradients' squares.</summary>
    public Tensor[] Squares { get; }

    /// <summary>Number of updates.</summary>
    public long Updates { get; private set; }

    /// <summary>Sets the number of updates, as a checkpoint tells it.</summary>
    public void Resume(long updates)
    {
        using var still = no_grad();
        Updates = updates;
        foreach (var count in _counts)
            count.fill_(updates);
    }

    /// <summary>Whether every number of every gradient is finite.</summary>
    public bool GradientsAreFinite()
    {
        using var scope = NewDisposeScope();
        using var still = no_grad();
        return Script.Value.invoke<Tensor>("finite", (object)Gradients()).item<bool>();
    }

    /// <summary>Moves the parameters by their gradients.</summary>
    /// <param name="learningRate">The step size, above 0.</param>
    public void Update(double learningRate)
    {
        using var scope = NewDisposeScope();
        using var still = no_grad();
        using Scalar rate = learningRate;
        Script.Value.invoke("update", _values, Gradients(), Means, Squares, _counts, rate, _beta1, _beta2, _decay, _epsilon);
        Updates++;
    }

    /// <summary>Frees the gradients.</summary>
    public void DropGradients()
    {
        foreach (var value in _values)
            value.grad = null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var tensor in (IEnumerable<Tensor>)[.. Means, .. Squares, .. _counts])
            tensor.Dispose();
        foreach (var number in (Scalar[])[_beta1, _beta2, _decay, _epsilon])
            number.Dispose();
    }

    private Tensor[] Gradients() => [.. _values.Select(v => v.grad ?? throw new InvalidOperationException("a parameter has no gradient"))];

    private static Tensor Zeros(Tensor like)
    {
        using var still = no_grad();
        return zeros_like(like).DetachFromDisposeScope();
    }
}
