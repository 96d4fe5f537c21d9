// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using Teravox.Contracts;

namespace Teravox.Volumes;

/// <summary>Names of chunks that matter here, as big-endian numbers.</summary>
internal static class PngChunk
{
    public const uint Header = 0x49484452;  // IHDR
    public const uint Palette = 0x504C5445; // PLTE
    public const uint Data = 0x49444154;    // IDAT
    public const uint End = 0x49454E44;     // IEND

    /// <summary>A chunk that is no part of the image: its name begins with a small letter.</summary>
    public static bool IsAncillary(uint type) => (type & 0x20000000) != 0;
}

/// <summary>Walks through the chunks of a PNG. Checksums of chunks that do not matter to the pixels are not looked at.</summary>
internal ref struct PngChunks
{
    private readonly ReadOnlySpan<byte> _file;
    private readonly string _name;
    private int _next;
    private int _body;
    private int _length;

    /// <param name="file">The file, or its beginning.</param>
    /// <param name="name">What errors call it.</param>
    /// <exception cref="InputException">It does not begin as a PNG does.</exception>
    public PngChunks(ReadOnlySpan<byte> file, string name)
    {
        if (!file.StartsWith(Signature))
            throw new InputException($"{name}: this is not a PNG file");
        _file = file;
        _name = name;
        _next = Signature.Length;
    }

    public static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', (byte)'\r', (byte)'\n', 0x1a, (byte)'\n'];

    /// <summary>What the current chunk is.</summary>
    public uint Type { get; private set; }

    /// <summary>Goes to the next chunk; its body need not be there yet.</summary>
    /// <exception cref="InputException">There is none, or it is damaged.</exception>
    public void MoveNext()
    {
        if (_file.Length - _next < 8)
            throw Damaged("the file ends too early");
        var length = BinaryPrimitives.ReadUInt32BigEndian(_file[_next..]);
        Type = BinaryPrimitives.ReadUInt32BigEndian(_file[(_next + 4)..]);
        foreach (var letter in _file.Slice(_next + 4, 4))
        {
            if (!char.IsAsciiLetter((char)letter))
                throw Damaged("a chunk has an impossible name");
        }

        if (length > int.MaxValue)
            throw Damaged("a chunk has an impossible length");
        _body = _next + 8;
        _length = (int)length;

        // A file that ends within the chunk leaves no next one.
        _next = length + 4 > _file.Length - _body ? _file.Length : _body + _length + 4;
    }

    /// <summary>The bytes of the current chunk.</summary>
    /// <exception cref="InputException">They are not all there, or their checksum is wrong.</exception>
    public readonly ReadOnlySpan<byte> Body()
    {
        if (_length + 4L > _file.Length - _body)
            throw Damaged("the file ends too early");
        if (Crc32.Of(_file.Slice(_body - 4, _length + 4)) != BinaryPrimitives.ReadUInt32BigEndian(_file[(_body + _length)..]))
            throw Damaged($"the checksum of chunk {TypeName()} is wrong");
        return _file.Slice(_body, _length);
    }

    /// <summary>Leaves a chunk that is not read here.</summary>
    /// <exception cref="InputException">The image cannot be understood without it.</exception>
    public readonly void Skip()
    {
        if (!PngChunk.IsAncillary(Type))
            throw Damaged($"chunk {TypeName()} is unknown or in the wrong place");
    }

    public readonly InputException Damaged(string why) => new($"{_name}: damaged PNG: {why}");

    private readonly string TypeName() => string.Concat((char)(Type >> 24), (char)((Type >> 16) & 255), (char)((Type >> 8) & 255), (char)(Type & 255));
}
