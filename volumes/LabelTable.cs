// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Volumes;

/// <summary>A class map made ready for looking up: grey values and colours to class ids.</summary>
internal sealed class LabelTable
{
    /// <summary>Marks what the map lacks.</summary>
    public const int Unknown = -1;

    private readonly short[] _values = new short[65536];
    private readonly Dictionary<uint, byte> _colours = [];

    public LabelTable(ClassMap map)
    {
        Map = map;
        Array.Fill(_values, (short)Unknown);
        foreach (var entry in map.Classes)
        {
            foreach (var value in entry.Values ?? (entry.Colours is null ? [entry.Id] : []))
                _values[value] = (short)entry.Id;
            foreach (var colour in entry.Colours ?? [])
                _colours[Colour.Parse(colour, entry.Name)] = (byte)entry.Id;
        }

        foreach (var value in map.Ignore ?? [])
            _values[value] = ClassMap.Ignored;
    }

    public ClassMap Map { get; }

    /// <summary>
    /// The id of every grey level of an 8 or 16-bit image; a colour that is that grey counts where no value does.
    /// </summary>
    public int[] ForGrey(int levels)
    {
        var table = new int[levels];
        for (var v = 0; v < levels; v++)
            table[v] = _values[v] != Unknown || v > 255 ? _values[v] : _colours.TryGetValue((uint)v * 0x010101, out var id) ? id : Unknown;
        return table;
    }

    /// <summary>The id of every palette index: by index where a class has that value, else by the palette's colour.</summary>
    public int[] ForPalette(IReadOnlyList<uint> palette)
    {
        var table = new int[256];
        for (var i = 0; i < table.Length; i++)
            table[i] = _values[i] != Unknown ? _values[i] : i < palette.Count && _colours.TryGetValue(palette[i], out var id) ? id : Unknown;
        return table;
    }

    /// <summary>The id of a colour 0xRRGGBB; a grey one may be meant as a value.</summary>
    public int OfColour(uint rgb) =>
        _colours.TryGetValue(rgb, out var id) ? id : rgb == (rgb & 0xff) * 0x010101 ? _values[rgb & 0xff] : Unknown;

    /// <summary>
    /// What to do about a value that the map lacks. The usual trap is a stack that mixes masks written as 0 and 1 with
    /// masks written as 0 and 255: then the map knows one of the two.
    /// </summary>
    public string Advice(int value)
    {
        var other = value == 255 ? 1 : value == 1 ? 255 : -1;
        if (other >= 0 && _values[other] is >= 0 and < ClassMap.Ignored)
        {
            var entry = Map.Classes[_values[other]];
            return $"some masks are written as 0/1 and some as 0/255: give class \"{entry.Name}\" values: [1, 255]";
        }

        return "add it to a class's values or to ignore, or set unmapped to \"ignore\"";
    }
}
