// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;

namespace Teravox.Volumes;

/// <summary>
/// LZW as TIFF has it (TIFF 6.0, section 13): codes of 9 to 12 bits, the first in the highest bits, and one code earlier than needed a
/// bit more. Very old files have codes that begin in the lowest bits and widen when needed; they are told by their first code.
/// </summary>
internal static class TiffLzw
{
    private const int Clear = 256, End = 257, First = 258, MaxWidth = 12, Codes = 1 << MaxWidth;

    /// <summary>Unpacks until <paramref name="bytes"/> is full; false when the codes are damaged or end too early.</summary>
    public static bool TryFill(ReadOnlySpan<byte> packed, Span<byte> bytes)
    {
        // A code's string was written before, from here on in this length: the string before it and the first byte after.
        Span<int> starts = stackalloc int[Codes], lengths = stackalloc int[Codes];
        var reader = new CodeReader(packed);
        var (next, at) = (First, 0);
        var (lastStart, lastLength) = (0, 0);
        while (at < bytes.Length)
        {
            var code = reader.Read();
            if (code < 0 || code == End)
                return false;
            if (code == Clear)
            {
                next = First;
                lastLength = 0;
                reader.Reset();
                continue;
            }

            if (lastLength > 0 && next < Codes)
            {
                starts[next] = lastStart;
                lengths[next] = lastLength + 1;
                reader.Widen(++next);
            }

            lastStart = at;
            lastLength = 1;
            if (code < Clear)
            {
                bytes[at++] = (byte)code;
                continue;
            }

            if (code >= next)
                return false;
            lastLength = lengths[code];
            Repeat(bytes, starts[code], ref at, Math.Min(lastLength, bytes.Length - at));
        }

        return true;
    }

    /// <summary>Copies forward: a string may overlap itself, when its code is the one just made.</summary>
    private static void Repeat(Span<byte> bytes, int from, ref int at, int length)
    {
        if (length >= 16 && at - from >= length)
        {
            bytes.Slice(from, length).CopyTo(bytes[at..]);
        }
        else
        {
            var source = bytes.Slice(from, length);
            var target = bytes.Slice(at, length);
            for (var i = 0; i < target.Length && i < source.Length; i++)
                target[i] = source[i];
        }

        at += length;
    }

    /// <summary>Codes of growing width from bytes.</summary>
    private ref struct CodeReader(ReadOnlySpan<byte> packed)
    {
        private readonly ReadOnlySpan<byte> _packed = packed;
        private readonly bool _old = packed.Length > 1 && packed[0] == 0 && (packed[1] & 1) != 0;
        private ulong _window;
        private int _held;
        private int _at;
        private int _width = 9;

        public void Reset() => _width = 9;

        /// <summary>Makes codes wider once the next one to be made does not fit any more.</summary>
        public void Widen(int next)
        {
            if (next >= (1 << _width) - (_old ? 0 : 1) && _width < MaxWidth)
                _width++;
        }

        /// <summary>The next code, or -1 when the bytes end.</summary>
        public int Read()
        {
            if (_held < _width && !TryRefill())
                return -1;
            _held -= _width;
            if (!_old)
                return (int)(_window >> _held) & ((1 << _width) - 1);
            var code = (int)_window & ((1 << _width) - 1);
            _window >>= _width;
            return code;
        }

        private bool TryRefill()
        {
            if (!_old && _packed.Length - _at >= 4)
            {
                _window = (_window << 32) | BinaryPrimitives.ReadUInt32BigEndian(_packed[_at..]);
                _at += 4;
                _held += 32;
                return true;
            }

            while (_held < _width)
            {
                if (_at == _packed.Length)
                    return false;
                var b = _packed[_at++];
                _window = _old ? _window | ((ulong)b << _held) : (_window << 8) | b;
                _held += 8;
            }

            return true;
        }
    }
}
