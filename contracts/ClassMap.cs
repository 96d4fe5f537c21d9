// SPDX-License-Identifier: Apache-2.0
using System.Text.Json.Serialization;

namespace Teravox.Contracts;

/// <summary>One class of a class map.</summary>
public sealed record ClassEntry
{
    /// <summary>Class id, 0..254, dense from 0; 0 is the background.</summary>
    public required int Id { get; init; }

    /// <summary>Name as it appears in reports and file names: letters, digits, spaces, '-', '_', '/'.</summary>
    public required string Name { get; init; }

    /// <summary>Grey values or palette indices that mean this class, 0..65535.</summary>
    public IReadOnlyList<int>? Values { get; init; }

    /// <summary>RGB colours that mean this class, "#rrggbb"; for colour label images and palettes read by colour.</summary>
    public IReadOnlyList<string>? Colours { get; init; }

    /// <summary>The colour to show the class in, "#rrggbb"; one is chosen when null.</summary>
    public string? Show { get; init; }
}

/// <summary>
/// Turns grey values, palette indices or RGB colours of label images into class ids. JSON (classes.json):
/// <c>{"classes": [{"id": 0, "name": "cytosol", "values": [0]}, ...], "unmapped": "error"}</c>.
/// Without <c>values</c> and <c>colours</c> a class's value is its id.
/// </summary>
public sealed record ClassMap
{
    /// <summary>The id of voxels that nobody labelled: ignored by training and scoring.</summary>
    public const byte Ignored = 255;

    /// <summary>The classes, by id.</summary>
    public required IReadOnlyList<ClassEntry> Classes { get; init; }

    /// <summary>What a value that the map lacks becomes.</summary>
    public Unmapped Unmapped { get; init; } = Unmapped.Error;

    /// <summary>Grey values that mean "not labelled", in addition to the classes'.</summary>
    public IReadOnlyList<int>? Ignore { get; init; }

    /// <summary>Number of classes.</summary>
    [JsonIgnore]
    public int Count => Classes.Count;

    /// <summary>True when labels hold class ids as they are, so that there is nothing to translate.</summary>
    [JsonIgnore]
    public bool ValuesAreIds =>
        Ignore is null or [] && Classes.All(static c => c.Colours is null or [] && (c.Values is null || (c.Values.Count == 1 && c.Values[0] == c.Id)));

    private static readonly string[] Palette =
    [
        "#8d99ae", "#ffd166", "#ef476f", "#118ab2", "#06d6a0", "#9b5de5", "#f3722c", "#c5e84b", "#bc6c25", "#2ec4b6", "#ff99c8", "#577590",
    ];

    /// <summary>"#rrggbb" to show class <paramref name="id"/> in.</summary>
    public string ColourOf(int id) => Classes[id].Show ?? Palette[id % Palette.Length];

    /// <summary>The class's name made fit for a file name: lower case, everything but letters and digits as '-'.</summary>
    public string SlugOf(int id) => string.Concat(Classes[id].Name.ToLowerInvariant().Select(c => char.IsAsciiLetterOrDigit(c) ? c : '-')).Trim('-');
}

/// <summary>What to do with a label value that the class map lacks.</summary>
public enum Unmapped
{
    /// <summary>Refuse the labels with an error that names value, slice and count.</summary>
    Error,

    /// <summary>Treat such voxels as not labelled (255).</summary>
    Ignore,
}
