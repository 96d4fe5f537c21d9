// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using static TorchSharp.torch;

namespace Teravox.Networks;

/// <content>
/// A checkpoint is a safetensors file: the network's tensors, then for each parameter adam.mean.{name} and adam.square.{name}; in the
/// metadata the architecture and <see cref="TrainerKey"/> with iterations, updates and settings. It is all that a run depends on.
/// </content>
public sealed partial class Trainer
{
    private const string TrainerKey = "teravox.trainer", MeanPrefix = "adam.mean.", SquarePrefix = "adam.square.";

    /// <summary>Goes on from a checkpoint exactly as the unbroken trainer would.</summary>
    /// <exception cref="InputException">The file cannot be read or is no checkpoint, or the device is absent.</exception>
    public static Trainer Resume(string checkpoint, string device, int threads)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        Libtorch.Use(threads);
        Devices.Choose(device);  // before a large file is read
        var file = Read(checkpoint);
        if (!file.Metadata.TryGetValue(TrainerKey, out var text) || !file.Metadata.TryGetValue(Network.ArchitectureKey, out var architectureText))
            throw new InputException($"{checkpoint} is not a checkpoint of a Teravox trainer");
        var (architecture, outChannels) = Network.ParseArchitecture(checkpoint, architectureText);
        var state = StoredTraining.Parse(checkpoint, text);
        var moments = file.Tensors.ToLookup(t => t.Name.StartsWith(MeanPrefix, StringComparison.Ordinal) || t.Name.StartsWith(SquarePrefix, StringComparison.Ordinal));
        var module = new UNet3D(architecture, outChannels, seed: 0);
        try
        {
            Network.Fill(module, moments[false], checkpoint);
        }
        catch
        {
            module.Dispose();
            throw;
        }

        var trainer = new Trainer(architecture, outChannels, module, state.Options.Settings(), device, threads, precision: null);
        try
        {
            trainer.FillMoments(moments[true], checkpoint);
            trainer._adam.Resume(state.Updates);
            trainer.Iteration = state.Iteration;
            return trainer;
        }
        catch
        {
            trainer.Dispose();
            throw;
        }
    }

    /// <summary>Weights, optimiser, iteration and options, as a safetensors file that <see cref="Resume"/> reads.</summary>
    public byte[] Checkpoint()
    {
        using var scope = NewDisposeScope();
        using var network = Snapshot();
        var state = new StoredTraining { Iteration = Iteration, Updates = _adam.Updates, Options = StoredOptions.Of(_settings) };
        var metadata = new Dictionary<string, string> { [Network.ArchitectureKey] = network.ArchitectureJson(), [TrainerKey] = state.ToJson() };
        IEnumerable<StoredTensor> tensors =
        [
            .. network.Module.State().Select(t => Network.Stored(t.Name, t.Tensor)),
            .. Moments().Select(m => Network.Stored(m.Name, m.Tensor)),
        ];
        return new Safetensors([.. tensors], metadata).ToBytes();
    }

    private static Safetensors Read(string path)
    {
        try
        {
            return Safetensors.Parse(path, File.ReadAllBytes(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new InputException($"{path} cannot be read: {e.Message}");
        }
    }

    private IEnumerable<(string Name, Tensor Tensor)> Moments() =>
        _adam.Names.Zip(_adam.Means, (name, mean) => (MeanPrefix + name, mean)).Concat(_adam.Names.Zip(_adam.Squares, (name, square) => (SquarePrefix + name, square)));

    private void FillMoments(IEnumerable<StoredTensor> stored, string path)
    {
        using var scope = NewDisposeScope();
        var left = stored.ToDictionary(t => t.Name, StringComparer.Ordinal);
        foreach (var (name, own) in Moments())
        {
            if (!left.Remove(name, out var found))
                throw new InputException($"{path}: tensor {name} is missing");
            if (found.Type != "F32" || !found.Shape.SequenceEqual(own.shape))
                throw new InputException($"{path}: tensor {name} has another shape or type than the weights that it belongs to");
            var plain = empty(own.shape);
            found.Bytes.Span.CopyTo(plain.bytes);
            own.copy_(plain);
        }

        if (left.Count > 0)
            throw new InputException($"{path}: tensor {left.Keys.Order(StringComparer.Ordinal).First()} does not belong to the network");
    }
}
