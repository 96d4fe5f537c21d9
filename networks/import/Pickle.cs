// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Text;
using Teravox.Contracts;

namespace Teravox.Networks;

/// <summary>
/// A reader for the pickles inside torch.save's files that can do nothing but build plain values. Pickles are programs: this one knows the
/// few instructions that containers, numbers, strings and tensors need, and refuses the rest. It calls nothing, looks up no type, and does
/// not recurse, so nesting of any depth and loops do no harm; what a pickle makes is bounded by its length and <see cref="MostItems"/>.
/// <para>Values are null, bool, long, string and the Pickled types; floats are of no interest.</para>
/// </summary>
internal ref struct Pickle
{
    private const byte NewestProtocol = 5;

    /// <summary>Items that containers take in altogether: a state dict of a thousand tensors takes a few ten thousand.</summary>
    private const int MostItems = 1 << 22;

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly Stack<int> _marks = new();
    private readonly List<object?> _stack = [];
    private readonly Dictionary<long, object?> _memo = [];
    private ReadOnlySpan<byte> _left;
    private int _items;

    private Pickle(ReadOnlySpan<byte> bytes) => _left = bytes;

    /// <summary>The value of a pickle.</summary>
    /// <exception cref="InputException">The bytes are damaged or ask for anything else; the text does not name the file.</exception>
    public static object? Load(ReadOnlySpan<byte> bytes)
    {
        var pickle = new Pickle(bytes);
        while (true)
        {
            var instruction = pickle.Number(1);
            if (instruction == '.')
                return pickle.Pop();
            pickle.Step((byte)instruction);
        }
    }

    private static InputException Damaged() => new("its pickle is damaged");

    // The instructions by the names that Python's pickletools gives them.
    private void Step(byte instruction)
    {
        switch (instruction)
        {
            case 0x80: // PROTO
                if (Number(1) > NewestProtocol)
                    throw new InputException("its pickle is of a newer protocol");
                return;
            case 0x95: // FRAME
                Take(8);
                return;
            case (byte)'(': // MARK
                _marks.Push(_stack.Count);
                return;
            case (byte)'0': // POP
                Pop();
                return;
            case (byte)'2': // DUP
                _stack.Add(Top());
                return;

            // Constants
            case (byte)'N': // NONE
                _stack.Add(null);
                return;
            case 0x88 or 0x89: // NEWTRUE, NEWFALSE
                _stack.Add(instruction == 0x88);
                return;
            case (byte)'K': // BININT1
                _stack.Add(Number(1));
                return;
            case (byte)'M': // BININT2
                _stack.Add(Number(2));
                return;
            case (byte)'J': // BININT
                _stack.Add((long)(int)Number(4));
                return;
            case 0x8a: // LONG1
                PushLong((int)Number(1));
                return;
            case (byte)'G': // BINFLOAT
                Take(8);
                _stack.Add(PickledOther.Instance);
                return;
            case (byte)'X': // BINUNICODE
                PushText(Number(4));
                return;
            case 0x8c: // SHORT_BINUNICODE
                PushText(Number(1));
                return;
            case 0x8d: // BINUNICODE8
                PushText(Number(8));
                return;
            case (byte)'U' or (byte)'C': // SHORT_BINSTRING, SHORT_BINBYTES: what numpy's scalars are made of
                Take(Number(1));
                _stack.Add(PickledOther.Instance);
                return;
            case (byte)'T' or (byte)'B': // BINSTRING, BINBYTES
                Take(Number(4));
                _stack.Add(PickledOther.Instance);
                return;

            // Containers
            case (byte)'}': // EMPTY_DICT
                _stack.Add(new PickledDict());
                return;
            case (byte)']': // EMPTY_LIST
                _stack.Add(new PickledList(isTuple: false, []));
                return;
            case (byte)')': // EMPTY_TUPLE
                _stack.Add(new PickledList(isTuple: true, []));
                return;
            case 0x85 or 0x86 or 0x87: // TUPLE1, TUPLE2, TUPLE3
                _stack.Add(new PickledList(isTuple: true, Cut(_stack.Count - (instruction - 0x84))));
                return;
            case (byte)'t': // TUPLE
                _stack.Add(new PickledList(isTuple: true, Cut(Mark())));
                return;
            case (byte)'a': // APPEND
                Append(Cut(_stack.Count - 1));
                return;
            case (byte)'e': // APPENDS
                Append(Cut(Mark()));
                return;
            case (byte)'s': // SETITEM
                SetItems(Cut(_stack.Count - 2));
                return;
            case (byte)'u': // SETITEMS
                SetItems(Cut(Mark()));
                return;

            // Memory
            case (byte)'q': // BINPUT
                _memo[Number(1)] = Top();
                return;
            case (byte)'r': // LONG_BINPUT
                _memo[Number(4)] = Top();
                return;
            case 0x94: // MEMOIZE
                _memo.TryAdd(_memo.Count, Top());
                return;
            case (byte)'h': // BINGET
                Recall(Number(1));
                return;
            case (byte)'j': // LONG_BINGET
                Recall(Number(4));
                return;

            // Objects
            case (byte)'c': // GLOBAL
                var module = Line();
                PushGlobal(module + "." + Line());
                return;
            case 0x93: // STACK_GLOBAL
                if (Pop() is not string name || Pop() is not string from)
                    throw Damaged();
                PushGlobal(from + "." + name);
                return;
            case (byte)'Q': // BINPERSID
                _stack.Add(StorageOf(Pop()));
                return;
            case (byte)'R' or 0x81: // REDUCE, NEWOBJ
                var arguments = Pop();
                _stack.Add(Call(Pop(), arguments));
                return;
            case (byte)'b': // BUILD: the state of an OrderedDict (its _metadata) or of a numpy type, of no interest
                Pop();
                if (Top() is not (PickledDict or PickledOther))
                    throw Damaged();
                return;
            default:
                throw new InputException($"its pickle uses instruction {instruction}; only plain containers, numbers, strings and tensors are read");
        }
    }

    private ReadOnlySpan<byte> Take(long count)
    {
        if (count < 0 || count > _left.Length)
            throw new InputException("its pickle is truncated");
        var taken = _left[..(int)count];
        _left = _left[(int)count..];
        return taken;
    }

    // Little-endian without a sign; of 8 bytes, what is too large is below 0.
    private long Number(int bytes)
    {
        long value = 0;
        var taken = Take(bytes);
        for (var i = 0; i < bytes; i++)
            value |= (long)taken[i] << (8 * i);
        return value;
    }

    private string Line()
    {
        var end = _left.IndexOf((byte)'\n');
        var text = Text(Take(end));
        Take(1);
        return text;
    }

    private static string Text(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return Utf8.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            throw Damaged();
        }
    }

    private readonly object? Top()
    {
        if (_stack.Count == 0 || (_marks.TryPeek(out var mark) && mark == _stack.Count))
            throw Damaged();
        return _stack[^1];
    }

    private readonly object? Pop()
    {
        var value = Top();
        _stack.RemoveAt(_stack.Count - 1);
        return value;
    }

    private readonly int Mark() => _marks.TryPop(out var mark) ? mark : throw Damaged();

    // Moves the values from `first` on off the stack.
    private object?[] Cut(int first)
    {
        if (first < 0 || first > _stack.Count || (_marks.TryPeek(out var mark) && mark > first))
            throw Damaged();
        Count(_stack.Count - first);
        object?[] values = [.. _stack[first..]];
        _stack.RemoveRange(first, values.Length);
        return values;
    }

    private void Count(int items)
    {
        _items += items;
        if (_items > MostItems)
            throw new InputException($"its pickle holds more than {MostItems} items, so it is no checkpoint of a network");
    }

    private void PushLong(int bytes)
    {
        if (bytes > 8)
        {
            // No size or offset needs it; a seed may.
            Take(bytes);
            _stack.Add(PickledOther.Instance);
            return;
        }

        Span<byte> eight = stackalloc byte[8];
        var taken = Take(bytes);
        eight.Fill(bytes > 0 && taken[^1] > 127 ? (byte)255 : (byte)0);
        taken.CopyTo(eight);
        _stack.Add(BinaryPrimitives.ReadInt64LittleEndian(eight));
    }

    private void PushText(long bytes) => _stack.Add(Text(Take(bytes)));

    private readonly void Append(object?[] items)
    {
        if (Top() is not PickledList { IsTuple: false } list)
            throw Damaged();
        list.Items.AddRange(items);
    }

    private readonly void SetItems(object?[] items)
    {
        if (Top() is not PickledDict dict || items.Length % 2 != 0)
            throw Damaged();
        for (var i = 0; i < items.Length; i += 2)
            dict.Entries.Add((items[i], items[i + 1]));
    }

    private readonly void Recall(long key) => _stack.Add(_memo.TryGetValue(key, out var value) ? value : throw Damaged());

    private readonly void PushGlobal(string name)
    {
        var global = new PickledGlobal(name);
        if (!global.IsKnown)
            throw new InputException($"it holds {name}, and only plain containers, numbers, strings and tensors are read; save the network's state_dict() in PyTorch and import that");
        _stack.Add(global);
    }

    // torch.save's reference to a storage: ("storage", class, key, device, number of elements).
    private static PickledStorage StorageOf(object? id) =>
        id is PickledList { IsTuple: true, Items: ["storage", PickledGlobal { IsStorage: true } type, string key, _, long and >= 0 and var count] }
            ? new PickledStorage(type.Name, key, count)
            : throw Damaged();

    private object? Call(object? callable, object? arguments)
    {
        if (callable is not PickledGlobal { IsStorage: false } global || arguments is not PickledList { IsTuple: true } tuple)
            throw Damaged();
        return global.Name switch
        {
            PickledGlobal.OrderedDict => DictOf(tuple),
            PickledGlobal.RebuildTensor => TensorOf(tuple),
            _ => PickledOther.Instance,
        };
    }

    // Python 2 and early 3 pass the entries as a list of pairs.
    private PickledDict DictOf(PickledList arguments)
    {
        var dict = new PickledDict();
        if (arguments.Items is [PickledList pairs, ..])
        {
            Count(pairs.Items.Count);
            foreach (var pair in pairs.Items)
            {
                if (pair is not PickledList { Items: [var key, var value] })
                    throw Damaged();
                dict.Entries.Add((key, value));
            }
        }

        return dict;
    }

    // (storage, offset, sizes, strides, requires_grad, hooks, ...)
    private static PickledTensor TensorOf(PickledList arguments) =>
        arguments.Items is [PickledStorage storage, long offset, PickledList { IsTuple: true } sizes, PickledList { IsTuple: true } strides, ..] && sizes.Items.Count == strides.Items.Count
            ? new PickledTensor(storage, offset, Longs(sizes), Longs(strides))
            : throw Damaged();

    private static long[] Longs(PickledList list)
    {
        const int mostAxes = 16;
        if (list.Items.Count > mostAxes)
            throw Damaged();
        return [.. list.Items.Select(item => item is long number ? number : throw Damaged())];
    }
}
