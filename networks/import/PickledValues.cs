// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Networks;

/// <summary>One of the few names that a checkpoint may call, "module.name". It is a name only: there is nothing behind it.</summary>
internal sealed record PickledGlobal(string Name)
{
    public const string OrderedDict = "collections.OrderedDict", RebuildTensor = "torch._utils._rebuild_tensor_v2";

    private static readonly HashSet<string> Known = new(StringComparer.Ordinal)
    {
        OrderedDict, RebuildTensor, "torch.Size", "numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar", "numpy.dtype", "_codecs.encode",
    };

    /// <summary>torch.FloatStorage and the like.</summary>
    public bool IsStorage => Name.StartsWith("torch.", StringComparison.Ordinal) && Name.EndsWith("Storage", StringComparison.Ordinal) && Name.IndexOf('.', 6) < 0 && Name.Length > 13;

    public bool IsKnown => IsStorage || Known.Contains(Name);
}

/// <summary>Where a tensor's numbers lie.</summary>
/// <param name="Type">Its class: "torch.FloatStorage", ...</param>
/// <param name="Key">Its record in the file.</param>
/// <param name="Count">Numbers in it, 0 or more.</param>
internal sealed record PickledStorage(string Type, string Key, long Count);

/// <summary>A view of a storage, as the file claims; nothing of it is checked but that there are as many strides as sizes.</summary>
internal sealed record PickledTensor(PickledStorage Storage, long Offset, long[] Sizes, long[] Strides);

/// <summary>A tuple or, when it can grow, a list.</summary>
internal sealed class PickledList(bool isTuple, IEnumerable<object?> items)
{
    public bool IsTuple { get; } = isTuple;

    public List<object?> Items { get; } = [.. items];
}

/// <summary>A dict: keys and values in the order in which they were set.</summary>
internal sealed class PickledDict
{
    public List<(object? Key, object? Value)> Entries { get; } = [];

    /// <summary>The value of a text key, or null; as in Python, the last of equal keys counts.</summary>
    public object? Find(string key) => Entries.LastOrDefault(e => e.Key is string text && text == key).Value;
}

/// <summary>Something harmless that is of no interest, such as a numpy scalar.</summary>
internal sealed class PickledOther
{
    public static PickledOther Instance { get; } = new();
}
