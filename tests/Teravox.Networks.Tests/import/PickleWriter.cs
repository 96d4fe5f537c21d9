// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Text;

namespace Teravox.Networks.Tests;

/// <summary>Writes pickles by hand, such as no honest program would.</summary>
internal sealed class PickleWriter
{
    private readonly List<byte> _bytes = [0x80, 2];

    public static byte[] Dict(string key, Action<PickleWriter> value)
    {
        var writer = new PickleWriter();
        writer.Op('}').Text(key);
        value(writer);
        return writer.Op('s').End();
    }

    public PickleWriter Op(params char[] instructions)
    {
        _bytes.AddRange(instructions.Select(i => (byte)i));
        return this;
    }

    public PickleWriter Text(string text)
    {
        Op('X');
        var bytes = Encoding.UTF8.GetBytes(text);
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
        _bytes.AddRange(length);
        _bytes.AddRange(bytes);
        return this;
    }

    public PickleWriter Number(long number)
    {
        _bytes.AddRange([0x8a, 8, .. BitConverter.GetBytes(number)]);
        return this;
    }

    public PickleWriter Global(string module, string name)
    {
        _bytes.AddRange(Encoding.UTF8.GetBytes($"c{module}\n{name}\n"));
        return this;
    }

    public PickleWriter Tuple(params long[] numbers)
    {
        Op('(');
        foreach (var number in numbers)
            Number(number);
        return Op('t');
    }

    /// <summary>A view of storage 0 of float32.</summary>
    public PickleWriter Tensor(long offset, long[] sizes, long[] strides, long count)
    {
        Global("torch._utils", "_rebuild_tensor_v2").Op('(');
        Op('(').Text("storage").Global("torch", "FloatStorage").Text("0").Text("cpu").Number(count).Op('t', 'Q');
        Number(offset).Tuple(sizes).Tuple(strides);
        return Op('\u0089').Global("collections", "OrderedDict").Op(')', 'R', 't', 'R');
    }

    public byte[] End() => [.. _bytes, (byte)'.'];
}
