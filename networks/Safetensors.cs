// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Teravox.Contracts;

namespace Teravox.Networks;

/// <summary>A tensor as it lies in a file.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">"F32", "I64", ...</param>
/// <param name="Shape">Sizes of its axes; none for a single number.</param>
/// <param name="Bytes">Its numbers, little-endian, the last axis fastest.</param>
internal sealed record StoredTensor(string Name, string Type, long[] Shape, ReadOnlyMemory<byte> Bytes);

/// <summary>
/// The safetensors format of Hugging Face: 8 bytes with the length of a JSON header, the header, the numbers. A file is read strictly:
/// the tensors lie one behind the other and fill it, no name stands twice, nothing is executed. The same content gives the same bytes.
/// </summary>
/// <param name="Tensors">In the order in which they lie in the file.</param>
/// <param name="Metadata">Texts beside them.</param>
internal sealed record Safetensors(IReadOnlyList<StoredTensor> Tensors, IReadOnlyDictionary<string, string> Metadata)
{
    private const string MetadataKey = "__metadata__";
    private const int PrefixBytes = 8, Alignment = 8, MostHeaderBytes = 100_000_000, MostDepth = 4;

    private static readonly Dictionary<string, int> TypeBytes = new(StringComparer.Ordinal)
    {
        ["F64"] = 8,
        ["F32"] = 4,
        ["F16"] = 2,
        ["BF16"] = 2,
        ["I64"] = 8,
        ["I32"] = 4,
        ["I16"] = 2,
        ["I8"] = 1,
        ["U8"] = 1,
        ["BOOL"] = 1,
    };

    /// <summary>The file's bytes.</summary>
    public byte[] ToBytes()
    {
        var header = new JsonObject();
        if (Metadata.Count > 0)
            header[MetadataKey] = new JsonObject(Metadata.OrderBy(m => m.Key, StringComparer.Ordinal).Select(m => KeyValuePair.Create(m.Key, (JsonNode?)m.Value)));
        long end = 0;
        foreach (var tensor in Tensors)
        {
            header.Add(tensor.Name, new JsonObject
            {
                ["dtype"] = tensor.Type,
                ["shape"] = new JsonArray([.. tensor.Shape.Select(size => (JsonNode)size)]),
                ["data_offsets"] = new JsonArray(end, end += tensor.Bytes.Length),
            });
        }

        // The numbers begin at a multiple of 8, as readers that map the file expect.
        var text = Encoding.UTF8.GetBytes(header.ToJsonString());
        var headerBytes = (text.Length + Alignment - 1) / Alignment * Alignment;
        var bytes = new byte[PrefixBytes + headerBytes + end];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, headerBytes);
        text.CopyTo(bytes, PrefixBytes);
        bytes.AsSpan(PrefixBytes + text.Length, headerBytes - text.Length).Fill((byte)' ');
        var at = PrefixBytes + headerBytes;
        foreach (var tensor in Tensors)
        {
            tensor.Bytes.CopyTo(bytes.AsMemory(at));
            at += tensor.Bytes.Length;
        }

        return bytes;
    }

    /// <summary>Reads a file's bytes; the tensors are views of them.</summary>
    /// <param name="path">Named in errors.</param>
    /// <param name="file">The whole file.</param>
    /// <exception cref="InputException">It is no safetensors file, or a damaged one.</exception>
    public static Safetensors Parse(string path, ReadOnlyMemory<byte> file)
    {
        // 1. The header.
        var headerBytes = file.Length < PrefixBytes ? -1 : BinaryPrimitives.ReadInt64LittleEndian(file.Span);
        if (headerBytes is < 0 or > MostHeaderBytes || headerBytes > file.Length - PrefixBytes)
            throw new InputException($"{path} is truncated or not a safetensors file: its header would be {headerBytes} bytes long");
        var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
        var entries = new List<(string Name, string Type, long[] Shape, long Begin, long End)>();
        try
        {
            using var header = JsonDocument.Parse(file.Slice(PrefixBytes, (int)headerBytes), new JsonDocumentOptions { MaxDepth = MostDepth, AllowDuplicateProperties = false });
            foreach (var property in header.RootElement.EnumerateObject())
            {
                if (property.Name == MetadataKey)
                {
                    foreach (var text in property.Value.EnumerateObject())
                        metadata.Add(text.Name, text.Value.GetString() ?? throw new FormatException($"{MetadataKey} holds something other than text"));
                }
                else
                {
                    entries.Add(Entry(property));
                }
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or KeyNotFoundException)
        {
            throw new InputException($"{path} is not a safetensors file, or a damaged one: {e.Message}");
        }

        // 2. The tensors: one behind the other, to the end.
        var numbers = file[(int)(PrefixBytes + headerBytes)..];
        var tensors = new List<StoredTensor>();
        long expected = 0;
        foreach (var (name, type, shape, begin, end) in entries.OrderBy(e => e.Begin).ThenBy(e => e.End))
        {
            if (begin != expected)
                throw new InputException($"{path} is damaged: tensor {name} overlaps another or leaves a hole");
            if (end > numbers.Length)
                throw new InputException($"{path} is truncated: tensor {name} ends beyond the file");
            tensors.Add(new StoredTensor(name, type, shape, numbers[(int)begin..(int)end]));
            expected = end;
        }

        if (expected != numbers.Length)
            throw new InputException($"{path} has {numbers.Length} bytes of tensors where its header tells of {expected}");
        return new Safetensors(tensors, metadata);
    }

    private static (string Name, string Type, long[] Shape, long Begin, long End) Entry(JsonProperty property)
    {
        var type = property.Value.GetProperty("dtype").GetString() ?? "";
        if (!TypeBytes.TryGetValue(type, out var bytes))
            throw new FormatException($"tensor {property.Name} has the unknown type {type}");
        long[] shape = [.. property.Value.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64())];
        long[] offsets = [.. property.Value.GetProperty("data_offsets").EnumerateArray().Select(offset => offset.GetInt64())];
        var size = (Int128)bytes;
        foreach (var axis in shape)
            size = axis >= 0 && size <= int.MaxValue ? size * axis : throw new FormatException($"tensor {property.Name} is too large, or has an axis below 0");
        if (offsets is not [var begin, var end] || begin < 0 || end - begin != size)
            throw new FormatException($"tensor {property.Name} has offsets that do not fit its shape");
        return (property.Name, type, shape, begin, end);
    }
}
