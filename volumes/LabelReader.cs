// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;
using Teravox.Contracts;

namespace Teravox.Volumes;

/// <summary>What a whole label stack holds.</summary>
/// <param name="Shape">Shape (z, y, x) in voxels.</param>
/// <param name="Counts">Number of voxels per class id.</param>
/// <param name="Ignored">Number of voxels that are not labelled (255).</param>
public sealed record LabelCheck(Int3 Shape, IReadOnlyList<long> Counts, long Ignored)
{
    /// <summary>Share of each class among the labelled voxels, 0..1; all 0 without any.</summary>
    public IReadOnlyList<double> Shares
    {
        get
        {
            var labelled = Counts.Sum();
            return [.. Counts.Select(c => labelled == 0 ? 0 : (double)c / labelled)];
        }
    }
}

/// <summary>
/// Turns label slices into class ids by a class map: grey values, palette indices (where a class has that value, else the
/// palette's colours) and RGB colours. What the map lacks is an error, or 255 when the map says so.
/// </summary>
public static class LabelReader
{
    /// <summary>Reads slice <paramref name="z"/> as class ids, 255 = not labelled.</summary>
    /// <param name="labels">Opened with <see cref="StackUse.Labels"/>.</param>
    /// <param name="z">0..Shape.Z - 1.</param>
    /// <param name="map">A checked class map.</param>
    /// <param name="ids">At least Shape.Y * Shape.X bytes.</param>
    /// <exception cref="InputException">
    /// The slice is damaged, or holds what the map lacks; names value, slice and number of voxels.
    /// </exception>
    public static void ReadSlice(ImageStack labels, int z, ClassMap map, Span<byte> ids)
    {
        ArgumentNullException.ThrowIfNull(labels);
        ArgumentNullException.ThrowIfNull(map);
        var table = new LabelTable(map);
        if (Translate(labels.ReadSlice(z), table, ids) is { } unknown)
            throw Lacking(labels, z, unknown, table, otherSlices: 0);
    }

    /// <summary>Reads the whole stack once and counts its classes, before any long work begins.</summary>
    /// <param name="labels">Opened with <see cref="StackUse.Labels"/>.</param>
    /// <param name="map">A checked class map.</param>
    /// <param name="progress">Told (slices done, slices in all).</param>
    /// <param name="ct">Stops the check.</param>
    /// <exception cref="InputException">As for <see cref="ReadSlice"/>; says in how many slices there is something.</exception>
    public static LabelCheck CheckAll(ImageStack labels, ClassMap map, Action<int, int>? progress, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(labels);
        ArgumentNullException.ThrowIfNull(map);
        var table = new LabelTable(map);
        var counts = new long[256];
        var ids = new byte[checked((int)((long)labels.Shape.Y * labels.Shape.X))];
        (int Z, UnknownLabel What)? first = null;
        var bad = 0;
        for (var z = 0; z < labels.Shape.Z; z++)
        {
            ct.ThrowIfCancellationRequested();
            if (Translate(labels.ReadSlice(z), table, ids) is { } unknown)
            {
                first ??= (z, unknown);
                bad++;
            }

            foreach (var id in ids)
                counts[id]++;
            progress?.Invoke(z + 1, labels.Shape.Z);
        }

        return first is { } f
            ? throw Lacking(labels, f.Z, f.What, table, bad - 1)
            : new LabelCheck(labels.Shape, counts[..map.Count], counts[ClassMap.Ignored]);
    }

    private static InputException Lacking(ImageStack labels, int z, UnknownLabel unknown, LabelTable table, int otherSlices)
    {
        var also = unknown.OtherValues == 0 ? "" : $" and {unknown.OtherValues} other values";
        var elsewhere = otherSlices == 0 ? "" : $"; {otherSlices} other slices hold such values too";
        return new InputException(
            $"slice {labels.SliceNames[z]} of {labels.Source} holds {unknown.Text}{also} in {unknown.Voxels} voxels, " +
                $"which the class map lacks{elsewhere}; {table.Advice(unknown.Value)}");
    }

    /// <summary>The most frequent thing a slice holds that the map lacks.</summary>
    private sealed record UnknownLabel(string Text, int Value, long Voxels, int OtherValues);

    private static UnknownLabel? Translate(SliceImage image, LabelTable table, Span<byte> ids)
    {
        var count = image.Width * image.Height;
        if (ids.Length < count)
            throw new ArgumentException($"{ids.Length} bytes are too few for {count} voxels", nameof(ids));
        ids = ids[..count];
        switch (image.Kind)
        {
            case PixelKind.Grey8:
                return Lookup<byte>(image.Data, table.ForGrey(256), table, ids, static v => v, "value");
            case PixelKind.Grey16:
                return Lookup<ushort>(MemoryMarshal.Cast<byte, ushort>(image.Data), table.ForGrey(65536), table, ids, static v => v, "value");
            case PixelKind.Palette8:
                return Lookup<byte>(image.Data, table.ForPalette(image.Palette ?? []), table, ids, static v => v, "palette index");
            default:
                return Colours(image.Data, table, ids);
        }
    }

    private static UnknownLabel? Lookup<T>(ReadOnlySpan<T> pixels, int[] lookup, LabelTable table, Span<byte> ids, Func<T, int> index, string word)
    {
        // Counting grey values first keeps the loop over pixels to one table lookup.
        var ignore = table.Map.Unmapped == Unmapped.Ignore;
        var bytes = new byte[lookup.Length];
        var lacking = false;
        for (var v = 0; v < lookup.Length; v++)
        {
            bytes[v] = lookup[v] == LabelTable.Unknown ? ClassMap.Ignored : (byte)lookup[v];
            lacking |= lookup[v] == LabelTable.Unknown;
        }

        long[]? unknown = lacking && !ignore ? new long[lookup.Length] : null;
        for (var i = 0; i < pixels.Length; i++)
        {
            var v = index(pixels[i]);
            ids[i] = bytes[v];
            if (unknown is not null && lookup[v] == LabelTable.Unknown)
                unknown[v]++;
        }

        if (unknown is null || unknown.AsSpan().IndexOfAnyExcept(0) < 0)
            return null;
        var worst = Array.IndexOf(unknown, unknown.Max());
        return new UnknownLabel($"{word} {worst}", worst, unknown[worst], unknown.Count(static n => n > 0) - 1);
    }

    private static UnknownLabel? Colours(ReadOnlySpan<byte> pixels, LabelTable table, Span<byte> ids)
    {
        var unknown = new Dictionary<uint, long>();
        var (last, lastId) = (uint.MaxValue, LabelTable.Unknown);
        for (var i = 0; i < ids.Length; i++)
        {
            var rgb = ((uint)pixels[3 * i] << 16) | ((uint)pixels[(3 * i) + 1] << 8) | pixels[(3 * i) + 2];
            if (rgb != last)
                (last, lastId) = (rgb, table.OfColour(rgb));
            if (lastId == LabelTable.Unknown)
            {
                ids[i] = ClassMap.Ignored;
                CollectionsMarshal.GetValueRefOrAddDefault(unknown, rgb, out _)++;
            }
            else
            {
                ids[i] = (byte)lastId;
            }
        }

        if (unknown.Count == 0 || table.Map.Unmapped == Unmapped.Ignore)
            return null;
        var (worst, voxels) = unknown.MaxBy(static p => (p.Value, p.Key));
        var value = worst == (worst & 0xff) * 0x010101 ? (int)(worst & 0xff) : -1;
        return new UnknownLabel($"colour {Colour.Format(worst)}", value, voxels, unknown.Count - 1);
    }
}
