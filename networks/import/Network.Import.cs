// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Networks;

/// <content>Networks of others.</content>
public sealed partial class Network
{
    /// <summary>
    /// Reads a checkpoint of pytorch-3dunet. The architecture is found from the tensors; <paramref name="pool"/> gives the
    /// pooling factors (z, y, x) per level, which the file does not hold, and is 2 x 2 x 2 throughout when null. Nothing in
    /// the file is executed.
    /// </summary>
    /// <exception cref="InputException">The file cannot be read or is no such checkpoint, or the factors do not fit.</exception>
    public static Network Import(string path, IReadOnlyList<Int3>? pool)
    {
        ArgumentNullException.ThrowIfNull(path);
        using var checkpoint = Checkpoint.Open(path);
        var tensors = checkpoint.Tensors();
        var (architecture, outChannels) = new Recognition(path, tensors.ToDictionary(t => t.Key, t => t.Value.Sizes)).Find(pool);
        Libtorch.Use(1);
        var module = new UNet3D(architecture, outChannels, seed: 0);
        try
        {
            Fill(module, tensors.Select(t => checkpoint.Read(t.Key, t.Value)), path);
            return new Network(architecture, module);
        }
        catch
        {
            module.Dispose();
            throw;
        }
    }
}
