// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using System.Text.Json.Nodes;
using Teravox.Contracts;
using static TorchSharp.torch;

namespace Teravox.Networks;

/// <summary>
/// A 3D U-Net's weights, immutable: any number of threads and sessions may share one. Sessions and trainers keep what they need, so a
/// network may be disposed of before them.
/// </summary>
public sealed partial class Network : IDisposable
{
    internal const string ArchitectureKey = "teravox.arch";
    private const string CardKey = "teravox.card";

    internal Network(UNetArchitecture architecture, UNet3D module, string card = "")
    {
        Architecture = architecture with { Pool = architecture.PoolFactors() };
        Module = module;
        CardJson = card;
        module.eval();
        foreach (var parameter in module.parameters())
            parameter.requires_grad = false;
    }

    /// <summary>The architecture, pool factors filled in.</summary>
    public UNetArchitecture Architecture { get; }

    /// <summary>Number of classes, or 1 for one class against the rest.</summary>
    public int OutChannels => (int)Module.State().Last().Tensor.shape[0];

    /// <summary>The card that the file carried, as JSON; empty for a network made here or imported.</summary>
    public string CardJson { get; }

    /// <summary>Number of trainable numbers.</summary>
    public long ParameterCount => Module.parameters().Sum(p => p.numel());

    /// <summary>Names of the tensors as in pytorch-3dunet, batch norm's buffers included.</summary>
    public IReadOnlyList<string> TensorNames => [.. Module.State().Select(t => t.Name)];

    internal UNet3D Module { get; }

    /// <summary>Fresh weights by PyTorch's default initialisation; the same seed gives the same weights.</summary>
    /// <exception cref="InputException">The architecture cannot be built.</exception>
    public static Network Create(UNetArchitecture a, int outChannels, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(a);
        Libtorch.Use(1);
        return new Network(a, new UNet3D(a, outChannels, seed));
    }

    /// <summary>Reads a safetensors file that <see cref="ToBytes"/> gave.</summary>
    /// <exception cref="InputException">The file cannot be read or is not a network.</exception>
    public static Network Load(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        try
        {
            return Parse(path, File.ReadAllBytes(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new InputException($"{path} cannot be read: {e.Message}");
        }
    }

    /// <summary>A safetensors file with the weights and a card. The same weights and card give the same bytes.</summary>
    /// <param name="cardJson">JSON to keep beside them, or null.</param>
    /// <exception cref="InputException">The card is not JSON.</exception>
    public byte[] ToBytes(string? cardJson)
    {
        var metadata = new Dictionary<string, string> { [ArchitectureKey] = ArchitectureJson() };
        if (cardJson is not null)
        {
            try
            {
                using var card = JsonDocument.Parse(cardJson);
            }
            catch (JsonException e)
            {
                throw new InputException($"the model's card is not JSON: {e.Message}");
            }

            metadata[CardKey] = cardJson;
        }

        return new Safetensors([.. Module.State().Select(t => Stored(t.Name, t.Tensor))], metadata).ToBytes();
    }

    /// <inheritdoc/>
    public void Dispose() => Module.Dispose();

    private static Network Parse(string path, byte[] bytes)
    {
        var file = Safetensors.Parse(path, bytes);
        if (!file.Metadata.TryGetValue(ArchitectureKey, out var text))
            throw new InputException($"{path} is a safetensors file without {ArchitectureKey}, so not a Teravox model; import a checkpoint of pytorch-3dunet instead");
        var (architecture, outChannels) = ParseArchitecture(path, text);
        Libtorch.Use(1);
        var module = new UNet3D(architecture, outChannels, seed: 0);
        try
        {
            Fill(module, file.Tensors, path);
            return new Network(architecture, module, file.Metadata.GetValueOrDefault(CardKey, ""));
        }
        catch
        {
            module.Dispose();
            throw;
        }
    }

    /// <summary>Every tensor of the network gets its numbers; none is missing, none is left over.</summary>
    internal static void Fill(UNet3D module, IEnumerable<StoredTensor> tensors, string path)
    {
        var left = tensors.ToDictionary(t => t.Name, StringComparer.Ordinal);
        foreach (var (name, own) in module.State())
        {
            if (!left.Remove(name, out var stored))
                throw new InputException($"{path}: tensor {name} is missing");
            if (!stored.Shape.SequenceEqual(own.shape) || stored.Type != TypeName(own))
                throw new InputException($"{path}: tensor {name} is {stored.Type} ({string.Join(", ", stored.Shape)}), the architecture asks for {TypeName(own)} ({string.Join(", ", own.shape)})");
            stored.Bytes.Span.CopyTo(own.bytes);
        }

        if (left.Count > 0)
            throw new InputException($"{path}: tensor {left.Keys.Order(StringComparer.Ordinal).First()} does not belong to the architecture");
    }

    internal static StoredTensor Stored(string name, Tensor tensor)
    {
        using var scope = NewDisposeScope();
        var plain = tensor.detach().cpu().contiguous();
        return new StoredTensor(name, TypeName(plain), plain.shape, plain.bytes.ToArray());
    }

    private static string TypeName(Tensor tensor) => tensor.dtype switch
    {
        ScalarType.Float32 => "F32",
        ScalarType.Int64 => "I64",
        var other => throw new InvalidOperationException($"a network has no tensors of type {other}"),
    };

    internal string ArchitectureJson() => new JsonObject
    {
        ["in_channels"] = 1,
        ["out_channels"] = OutChannels,
        ["levels"] = Architecture.Levels,
        ["f_maps"] = Architecture.FMaps,
        ["order"] = Architecture.Order == LayerOrder.Gcr ? "gcr" : "cbr",
        ["num_groups"] = Architecture.Groups,
        ["upsample"] = Architecture.Upsample.ToString().ToLowerInvariant(),
        ["residual"] = Architecture.Residual,
        ["pool"] = new JsonArray([.. Architecture.PoolFactors().Select(p => new JsonArray(p.Z, p.Y, p.X))]),
    }.ToJsonString();

    internal static (UNetArchitecture Architecture, int OutChannels) ParseArchitecture(string path, string text)
    {
        try
        {
            var json = JsonNode.Parse(text)!.AsObject();
            var architecture = new UNetArchitecture
            {
                Levels = json["levels"]!.GetValue<int>(),
                FMaps = json["f_maps"]!.GetValue<int>(),
                Order = Named<LayerOrder>(json["order"]),
                Groups = json["num_groups"]!.GetValue<int>(),
                Upsample = Named<Upsampling>(json["upsample"]),
                Residual = json["residual"]!.GetValue<bool>(),
                Pool = [.. json["pool"]!.AsArray().Select(p => new Int3(p![0]!.GetValue<int>(), p[1]!.GetValue<int>(), p[2]!.GetValue<int>()))],
            };
            if (json["in_channels"]!.GetValue<int>() != 1)
                throw new InputException($"{path} is of a network for several input channels; Teravox reads grey volumes only");
            return (architecture, json["out_channels"]!.GetValue<int>());
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or NullReferenceException or ArgumentException)
        {
            throw new InputException($"{path}: {ArchitectureKey} cannot be read: {e.Message}");
        }

        static T Named<T>(JsonNode? name)
            where T : struct, Enum => Enum.Parse<T>(name!.GetValue<string>(), ignoreCase: true);
    }
}
