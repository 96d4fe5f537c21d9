// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using Teravox.Contracts;

namespace Teravox.Volumes;

/// <summary>How a TIFF writes numbers.</summary>
/// <param name="Big">BigTIFF: counts and offsets of 8 bytes.</param>
/// <param name="BigEndian">The byte order.</param>
internal readonly record struct TiffFormat(bool Big, bool BigEndian)
{
    /// <summary>Bytes of an offset.</summary>
    public int OffsetBytes => Big ? 8 : 4;

    /// <summary>A number of 1, 2, 4 or 8 bytes; -1 when it has no place in a long.</summary>
    public long Number(ReadOnlySpan<byte> from, int bytes) => bytes switch
    {
        1 => from[0],
        2 => BigEndian ? BinaryPrimitives.ReadUInt16BigEndian(from) : BinaryPrimitives.ReadUInt16LittleEndian(from),
        4 => BigEndian ? BinaryPrimitives.ReadUInt32BigEndian(from) : BinaryPrimitives.ReadUInt32LittleEndian(from),
        _ => Math.Max(-1, (long)(BigEndian ? BinaryPrimitives.ReadUInt64BigEndian(from) : BinaryPrimitives.ReadUInt64LittleEndian(from))),
    };
}

/// <summary>
/// One directory of a TIFF, which is a page as a rule. Fields are read when asked for; one that lies outside the file, or that is no
/// number where one belongs, is an error and never left out: a palette cut off would turn indices into grey levels.
/// </summary>
internal sealed class TiffDirectory
{
    /// <summary>More fields than any program writes; what claims more is no directory.</summary>
    private const int MaxEntries = 4096;

    private readonly TiffSource _source;
    private readonly TiffFormat _format;
    private readonly string _name;
    private readonly List<Entry> _entries = [];

    private TiffDirectory(TiffSource source, TiffFormat format, string name)
    {
        _source = source;
        _format = format;
        _name = name;
    }

    /// <param name="Field">Which field.</param>
    /// <param name="Type">Type of its values.</param>
    /// <param name="Count">Number of its values.</param>
    /// <param name="At">Where in the file they lie.</param>
    private readonly record struct Entry(TiffField Field, int Type, long Count, long At);

    /// <summary>Where the next directory lies; 0 after the last one.</summary>
    public long Next { get; private init; }

    /// <summary>Whether the page is an image of its own: neither a reduced copy nor a mask.</summary>
    public bool IsImage => Has(TiffField.NewSubfileType)
        ? (Number(TiffField.NewSubfileType, 0) & 5) == 0
        : Number(TiffField.SubfileType, 1) != 2;

    /// <summary>Reads the directory at an offset.</summary>
    /// <exception cref="InputException">There is none.</exception>
    public static TiffDirectory Read(TiffSource source, TiffFormat format, long offset, string name)
    {
        var (countBytes, entryBytes) = format.Big ? (8, 20) : (2, 12);
        Span<byte> start = stackalloc byte[8];
        if (!source.TryRead(offset, start[..countBytes]))
            throw new InputException($"{name}: damaged TIFF: the file ends before a page's directory");
        var count = format.Number(start, countBytes);
        if (count is < 1 or > MaxEntries)
            throw new InputException($"{name}: damaged TIFF: a page's directory claims {count} fields");
        var bytes = new byte[((int)count * entryBytes) + format.OffsetBytes];
        if (!source.TryRead(offset + countBytes, bytes))
            throw new InputException($"{name}: damaged TIFF: the file ends within a page's directory");

        var directory = new TiffDirectory(source, format, name) { Next = format.Number(bytes.AsSpan((int)count * entryBytes), format.OffsetBytes) };
        for (var i = 0; i < count; i++)
        {
            var entry = bytes.AsSpan(i * entryBytes, entryBytes);
            var field = (TiffField)format.Number(entry, 2);

            // The first of two wins, as it does elsewhere.
            if (!Enum.IsDefined(field) || directory.Has(field))
                continue;
            var type = (int)format.Number(entry[2..], 2);
            var values = format.Number(entry[4..], format.OffsetBytes);
            var value = 4 + format.OffsetBytes;
            var inline = values >= 0 && values <= format.OffsetBytes && values * TypeBytes(type) <= format.OffsetBytes;
            var at = inline ? offset + countBytes + (i * entryBytes) + value : format.Number(entry[value..], format.OffsetBytes);
            directory._entries.Add(new Entry(field, type, values, at));
        }

        return directory;
    }

    public bool Has(TiffField field) => _entries.Exists(e => e.Field == field);

    /// <summary>Number of a field's values, 0 when it is missing.</summary>
    public long Count(TiffField field) => Find(field)?.Count ?? 0;

    /// <summary>
    /// A whole number; <paramref name="fallback"/> when the field is missing. Some fields have a value for each sample, which must all
    /// be the same.
    /// </summary>
    /// <exception cref="InputException">It is no whole number, or differs among samples.</exception>
    public long Number(TiffField field, long fallback)
    {
        if (Find(field) is not { } entry)
            return fallback;
        var values = Numbers(field, Math.Clamp(entry.Count, 0, 16));
        if (values.Length == 0)
            throw Damaged(field, "has no value");
        return Array.TrueForAll(values, v => v == values[0]) ? values[0] : throw Damaged(field, "has different values for the samples");
    }

    /// <summary>The first <paramref name="count"/> values of a field.</summary>
    /// <exception cref="InputException">There are fewer, they are no whole numbers, or they lie outside the file.</exception>
    public long[] Numbers(TiffField field, long count)
    {
        if (Find(field) is not { } entry || entry.Count < count)
            throw Damaged(field, $"has fewer than {count} values");
        var bytes = IsWhole(entry.Type) ? TypeBytes(entry.Type) : throw Damaged(field, "is no whole number");

        // Nothing is taken for what the file has no room for.
        if (count > _source.Length / bytes)
            throw Damaged(field, "lies outside the file");
        var packed = new byte[count * bytes];
        if (!_source.TryRead(entry.At, packed))
            throw Damaged(field, "lies outside the file");
        var numbers = new long[count];
        for (var i = 0; i < numbers.Length; i++)
            numbers[i] = _format.Number(packed.AsSpan(i * bytes), bytes);
        return numbers;
    }

    /// <summary>The beginning of a text, up to <paramref name="most"/> bytes; empty when there is none.</summary>
    public string Text(TiffField field, int most)
    {
        if (Find(field) is not { Type: 2 } entry)
            return "";
        var bytes = new byte[Math.Clamp(entry.Count, 0, Math.Min(most, _source.Length))];
        if (!_source.TryRead(entry.At, bytes))
            throw Damaged(field, "lies outside the file");
        var end = Array.IndexOf(bytes, (byte)0);
        return System.Text.Encoding.Latin1.GetString(bytes, 0, end < 0 ? bytes.Length : end);
    }

    private Entry? Find(TiffField field)
    {
        var index = _entries.FindIndex(e => e.Field == field);
        return index < 0 ? null : _entries[index];
    }

    private InputException Damaged(TiffField field, string why) => new($"{_name}: damaged TIFF: field {field} {why}");

    /// <summary>Bytes of a value; 1 for types that are not known.</summary>
    private static int TypeBytes(int type) => type switch
    {
        3 or 8 => 2,
        4 or 9 or 11 or 13 => 4,
        5 or 10 or 12 or 16 or 17 or 18 => 8,
        _ => 1,
    };

    /// <summary>BYTE, SHORT, LONG, LONG8, their signed kinds, and offsets of directories.</summary>
    private static bool IsWhole(int type) => type is 1 or 3 or 4 or 6 or 8 or 9 or 13 or 16 or 17 or 18;
}
