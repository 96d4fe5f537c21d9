// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using Teravox.Contracts;

namespace Teravox.Silo.Http.Volumes;

/// <summary>
/// Counts a zip's entries by walking its directory record by record, before anything that keeps an object for each entry opens it: a
/// file of a few megabytes can claim millions.
/// </summary>
internal static class ZipCheck
{
    private const int EndRecord = 22;
    private const int MostComment = 65535;
    private const int EntryRecord = 46;

    /// <exception cref="InputException">Too many entries, or a directory that does not hold together.</exception>
    public static void Run(string path, int mostEntries)
    {
        using var file = File.OpenRead(path);
        var (start, claimed) = Directory(file, path);
        file.Position = start;
        using var buffered = new BufferedStream(file, 1 << 16);
        Span<byte> head = stackalloc byte[EntryRecord];
        long entries = 0;
        while (buffered.ReadAtLeast(head, EntryRecord, throwOnEndOfStream: false) == EntryRecord && head.StartsWith("PK\x01\x02"u8))
        {
            if (++entries > mostEntries)
                throw new InputException($"{path} holds more than {mostEntries} entries; split it, or unpack it and send the slices.");
            buffered.Seek(Word(head, 28) + Word(head, 30) + Word(head, 32), SeekOrigin.Current);
        }

        // A 16-bit count that is full stands for "see elsewhere"; the walk has counted what there is.
        if (claimed < ushort.MaxValue && claimed != entries)
            throw Damaged(path);
    }

    private static (long Start, int Claimed) Directory(FileStream file, string path)
    {
        var tail = new byte[(int)Math.Min(file.Length, EndRecord + MostComment + 20)];
        file.Position = file.Length - tail.Length;
        file.ReadExactly(tail);
        var at = tail.AsSpan().LastIndexOf("PK\x05\x06"u8);
        if (at < 0 || at + EndRecord > tail.Length)
            throw Damaged(path);
        var end = tail.AsSpan(at);
        long start = BinaryPrimitives.ReadUInt32LittleEndian(end[16..]);
        if (start == uint.MaxValue)
            start = LargeStart(file, tail, at, path);
        if (start < 0 || start > file.Length)
            throw Damaged(path);
        return (start, Word(end, 10));
    }

    // Zip64: a locator of 20 bytes before the end record points to the large end record, which points to the directory.
    private static long LargeStart(FileStream file, byte[] tail, int at, string path)
    {
        if (at < 20 || !tail.AsSpan(at - 20).StartsWith("PK\x06\x07"u8))
            throw Damaged(path);
        var record = BinaryPrimitives.ReadInt64LittleEndian(tail.AsSpan(at - 12));
        Span<byte> large = stackalloc byte[56];
        if (record < 0 || record > file.Length - large.Length)
            throw Damaged(path);
        file.Position = record;
        file.ReadExactly(large);
        return large.StartsWith("PK\x06\x06"u8) ? BinaryPrimitives.ReadInt64LittleEndian(large[48..]) : throw Damaged(path);
    }

    private static int Word(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    private static InputException Damaged(string path) => new($"{path} is not a whole zip: its directory of entries does not hold together; make it anew.");
}
