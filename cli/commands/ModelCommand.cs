// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Teravox.Contracts;
using Teravox.Networks;

namespace Teravox.Cli.Commands;

/// <summary>teravox model: what a model file is, and models from elsewhere.</summary>
internal static class ModelCommand
{
    public static Command Make() => new("model", "Shows a model file, or imports one from pytorch-3dunet.") { Show(), Import() };

    private static Command Show()
    {
        var path = new Argument<string>("model") { Description = "A .safetensors model." };
        return new Command(
            "show",
            """
            Prints a model's architecture, size, reach and card as JSON.

            Example:
              ./teravox model show demo/models/multiclass.safetensors
            """)
        {
            path,
        }.Does((r, _) =>
        {
            using var network = Network.Load(r.GetRequiredValue(path));
            Console.Out.WriteLine(Describe(network).ToJsonString(TeravoxJson.Indented));
            return Task.FromResult(Guarded.Success);
        });
    }

    private static Command Import()
    {
        var path = new Argument<string>("checkpoint") { Description = "best_checkpoint.pytorch or last_checkpoint.pytorch of pytorch-3dunet." };
        var outFile = new Option<string>("--out", "-o") { Description = "The .safetensors file to write.", Required = true };
        var pool = new Option<string[]>("--pool") { Description = "Pooling factors Z,Y,X between two levels, once per pooling, finest first; 2,2,2 throughout when left out.", DefaultValueFactory = _ => [] };
        var classes = new Option<string?>("--classes") { Description = "classes.json that names the outputs." };
        return new Command(
            "import",
            """
            Turns a checkpoint of pytorch-3dunet into a Teravox model. Nothing in the checkpoint is executed.

            Example:
              ./teravox model import best_checkpoint.pytorch --classes classes.json --out model.safetensors
            """)
        {
            path, outFile, pool, classes,
        }.Does((r, _) =>
        {
            var pools = r.GetRequiredValue(pool).Select(p => Options.ParseShape(p, "--pool")).ToList();
            using var network = Network.Import(r.GetRequiredValue(path), pools.Count == 0 ? null : pools);
            string? card = null;
            if (r.GetValue(classes) is { } file)
            {
                var map = Volumes.ClassMapFile.Load(file);
                if (map.Count != network.OutChannels)
                    throw new InputException($"{file}: names {map.Count} classes, but the network has {network.OutChannels} outputs.");
                card = JsonSerializer.Serialize(new ModelCard { Name = "imported", Classes = map.Classes }, TeravoxJson.Compact);
            }

            Volumes.AtomicFile.WriteAllBytes(Path.GetFullPath(r.GetRequiredValue(outFile)), network.ToBytes(card));
            Console.Out.WriteLine(Describe(network).ToJsonString(TeravoxJson.Indented));
            return Task.FromResult(Guarded.Success);
        });
    }

    private static JsonObject Describe(Network network)
    {
        var (reach, grid) = Reach.Of(network.Architecture);
        return new JsonObject
        {
            ["architecture"] = JsonSerializer.SerializeToNode(network.Architecture, TeravoxJson.Compact),
            ["outputs"] = network.OutChannels,
            ["parameters"] = network.ParameterCount,
            ["tensors"] = network.TensorNames.Count,
            ["reach"] = JsonSerializer.SerializeToNode(reach, TeravoxJson.Compact),
            ["grid"] = JsonSerializer.SerializeToNode(grid, TeravoxJson.Compact),
            ["card"] = network.CardJson.Length == 0 ? null : JsonNode.Parse(network.CardJson),
        };
    }
}
