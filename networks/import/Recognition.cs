// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Networks;

/// <summary>Finds the architecture that a checkpoint's names and shapes tell. What contradicts it is found when the tensors are filled in.</summary>
/// <param name="path">Named in errors.</param>
/// <param name="sizes">The tensors' shapes by their names.</param>
internal sealed class Recognition(string path, IReadOnlyDictionary<string, long[]> sizes)
{
    private const int MostLevels = 8;
    private const string First = "encoders.0.basic_module.", Transposed = ".upsampling.upsample.conv_transposed.weight";

    /// <param name="pool">The pool factors, which no tensor tells; null: 2 x 2 x 2 throughout.</param>
    /// <exception cref="InputException">It is no 3D U-Net, or one that is not supported, or the factors do not fit.</exception>
    public (UNetArchitecture Architecture, int OutChannels) Find(IReadOnlyList<Int3>? pool)
    {
        // 1. Levels and maps.
        var last = Sizes("final_conv.weight", 5);
        var residual = Has(First + "conv2.conv.weight");
        var levels = 0;
        while (levels <= MostLevels && Has(Block(levels) + (residual ? "conv2" : "SingleConv1") + ".conv.weight"))
            levels++;
        if (levels is < 2 or > MostLevels)
            throw Refused($"is not a 3D U-Net of pytorch-3dunet with 2 to {MostLevels} levels");
        if (pool is not null && pool.Count != levels - 1)
            throw new InputException($"{path} has {levels} levels and needs {levels - 1} pool factors, but {pool.Count} were given");

        // 2. The order of a block's layers.
        var single = First + (residual ? "conv2" : "SingleConv1");
        var conv = Sizes(single + ".conv.weight", 5);
        var (group, batch) = (Has(single + ".groupnorm.weight"), Has(single + ".batchnorm.weight"));
        if (group == batch)
            throw Refused("has layers that are neither in the order gcr nor cbr, and only those are read");
        var normed = Sizes(single + (group ? ".groupnorm.weight" : ".batchnorm.weight"), 1)[0];

        // For a residual block both are the same number, and the order of its layers cannot be told from its tensors.
        if (!residual && normed != conv[group ? 1 : 0])
            throw Refused($"has {(group ? "group norm behind" : "batch norm before")} its convolutions; only the orders gcr and cbr are read");
        var inChannels = !residual ? conv[1] : Has(First + "conv1.weight") ? Sizes(First + "conv1.weight", 5)[1] : 1;
        if (inChannels != 1)
            throw Refused($"reads {inChannels} channels; only networks for one grey channel are used here");

        // 3. The decoder.
        var architecture = new UNetArchitecture
        {
            Levels = levels,
            FMaps = (int)Math.Min(last[1], int.MaxValue),
            Order = group ? LayerOrder.Gcr : LayerOrder.Cbr,
            Residual = residual,
            Pool = pool,
        };
        if (Has("decoders.0" + Transposed))
        {
            var asPool = architecture.PoolFactors().Reverse().Index().All(p => Sizes($"decoders.{p.Index}{Transposed}", 5).AsSpan(2).SequenceEqual(p.Item.Sizes()));
            architecture = architecture with { Upsample = asPool ? Upsampling.Transposed : Upsampling.Transposed3 };
        }

        var outChannels = (int)Math.Min(last[0], int.MaxValue);
        try
        {
            architecture.Check(outChannels);
        }
        catch (InputException e)
        {
            throw Refused($"has an architecture that is not supported: {e.Message}");
        }

        RequireMaps(architecture);
        return (architecture, outChannels);
    }

    // A few small tensors could tell of a network larger than any memory: the largest one of each level must really be there.
    private void RequireMaps(UNetArchitecture a)
    {
        for (var level = 0; level < a.Levels; level++)
        {
            var name = Block(level) + (a.Residual ? "conv3" : "SingleConv2") + ".conv.weight";
            var (maps, found) = (a.Channels(level), Sizes(name, 5));
            if (found[0] != maps || found[1] != (a.Residual ? maps : a.EncoderBlock(level).Middle))
                throw Refused($"tensor {name} has {found[1]} and {found[0]} channels, which does not fit {a.FMaps} maps at the finest level");
        }
    }

    private static string Block(int level) => $"encoders.{level}.basic_module.";

    private bool Has(string name) => sizes.ContainsKey(name);

    private long[] Sizes(string name, int axes)
    {
        if (!sizes.TryGetValue(name, out var found))
            throw Refused($"is not a 3D U-Net of pytorch-3dunet: tensor {name} is missing");
        return found.Length == axes ? found : throw Refused($"tensor {name} does not have {axes} dimensions");
    }

    private InputException Refused(string why) => new($"{path} {why}");
}
