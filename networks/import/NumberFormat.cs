// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using Teravox.Contracts;

namespace Teravox.Networks;

/// <summary>How a storage of PyTorch holds its numbers, little-endian, and what a network's file makes of them.</summary>
/// <param name="Bytes">Of one number.</param>
/// <param name="NetworkType">"F32" or "I64".</param>
/// <param name="Convert">From a number's bytes to those of the network's type.</param>
internal sealed record NumberFormat(int Bytes, string NetworkType, NumberFormat.Conversion Convert)
{
    private static readonly Dictionary<string, NumberFormat> All = new(StringComparer.Ordinal)
    {
        ["torch.FloatStorage"] = new(4, "F32", static (from, to) => from.CopyTo(to)),
        ["torch.DoubleStorage"] = new(8, "F32", static (from, to) => BinaryPrimitives.WriteSingleLittleEndian(to, (float)BinaryPrimitives.ReadDoubleLittleEndian(from))),
        ["torch.HalfStorage"] = new(2, "F32", static (from, to) => BinaryPrimitives.WriteSingleLittleEndian(to, (float)BinaryPrimitives.ReadHalfLittleEndian(from))),

        // The upper half of a float32.
        ["torch.BFloat16Storage"] = new(2, "F32", static (from, to) =>
        {
            to.Clear();
            from.CopyTo(to[2..]);
        }),
        ["torch.LongStorage"] = new(8, "I64", static (from, to) => from.CopyTo(to)),
        ["torch.IntStorage"] = new(4, "I64", static (from, to) => BinaryPrimitives.WriteInt64LittleEndian(to, BinaryPrimitives.ReadInt32LittleEndian(from))),
    };

    public delegate void Conversion(ReadOnlySpan<byte> from, Span<byte> to);

    /// <exception cref="InputException">The type is unknown.</exception>
    public static NumberFormat Of(string storage, string tensor, Func<string, InputException> refused) =>
        All.TryGetValue(storage, out var format) ? format : throw refused($"holds tensor {tensor} of the unknown type {storage}");

    /// <summary>The tensor's numbers out of its storage, the last axis fastest.</summary>
    public byte[] Gather(byte[] storage, PickledTensor tensor)
    {
        var size = NetworkType == "I64" ? sizeof(long) : sizeof(float);
        var result = new byte[checked(tensor.Sizes.Aggregate(1L, (a, b) => a * b) * size)];
        var place = new long[tensor.Sizes.Length];
        var at = tensor.Offset;
        for (var to = 0; to < result.Length; to += size)
        {
            Convert(storage.AsSpan((int)(at * Bytes), Bytes), result.AsSpan(to, size));

            // On to the next place: the last axis first, and those that are through begin anew.
            for (var axis = place.Length - 1; axis >= 0; axis--)
            {
                at += tensor.Strides[axis];
                if (++place[axis] < tensor.Sizes[axis])
                    break;
                at -= tensor.Strides[axis] * tensor.Sizes[axis];
                place[axis] = 0;
            }
        }

        return result;
    }
}
