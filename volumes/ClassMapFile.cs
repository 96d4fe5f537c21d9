// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Teravox.Contracts;

namespace Teravox.Volumes;

/// <summary>Reads and checks class maps (classes.json).</summary>
public static class ClassMapFile
{
    /// <summary>Fewest and most classes.</summary>
    public const int MinClasses = 2;

    /// <summary>Most classes: a network has one output for each.</summary>
    public const int MaxClasses = 64;

    /// <summary>Reads and checks a class map.</summary>
    /// <exception cref="InputException">Missing, not JSON, or not a class map; names file and field.</exception>
    public static ClassMap Load(string path)
    {
        try
        {
            return Parse(File.ReadAllText(path), path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"cannot read class map {path}: {e.Message}", e);
        }
    }

    /// <summary>Reads and checks a class map from JSON.</summary>
    /// <param name="json">The text.</param>
    /// <param name="where">What errors call it.</param>
    /// <exception cref="InputException">Not JSON or not a class map; names field.</exception>
    public static ClassMap Parse(string json, string where)
    {
        ClassMap? map;
        try
        {
            map = JsonSerializer.Deserialize<ClassMap>(json, TeravoxJson.Indented);
        }
        catch (JsonException e)
        {
            throw new InputException($"{where} is not a class map: {e.Message}", e);
        }

        Validate(map ?? throw new InputException($"{where} is not a class map: it is null"), where);
        return map;
    }

    /// <summary>
    /// Checks a class map: 2 to 64 classes with ids 0, 1, 2, ... in order, names that differ also as file names, values
    /// 0..65535 and colours "#rrggbb" that mean one class each.
    /// </summary>
    /// <exception cref="InputException">The first thing that is wrong; names <paramref name="where"/> and the field.</exception>
    public static void Validate(ClassMap map, string where)
    {
        ArgumentNullException.ThrowIfNull(map);
        if (map.Classes is null || map.Classes.Count is < MinClasses or > MaxClasses)
            throw new InputException($"{where}: classes has {map.Classes?.Count ?? 0} entries; " +
                $"{MinClasses} to {MaxClasses} are needed");
        var names = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase);
        var slugs = new Dictionary<string, int>(StringComparer.Ordinal);
        var values = new Dictionary<int, string>();
        var colours = new Dictionary<uint, string>();
        for (var i = 0; i < map.Classes.Count; i++)
        {
            var field = $"{where}: classes[{i}]";
            var entry = map.Classes[i] ?? throw new InputException($"{field} is null");
            if (entry.Id != i)
                throw new InputException($"{field}.id is {entry.Id}; ids run 0, 1, 2, ... in order, so it must be {i}");
            if (string.IsNullOrWhiteSpace(entry.Name) || entry.Name.Any(static c => !char.IsLetterOrDigit(c) && c is not (' ' or '-' or '_' or '/')))
                throw new InputException($"{field}.name is \"{entry.Name}\"; " +
                    "a name has letters, digits, spaces, '-', '_' and '/'");
            if (!names.TryAdd(entry.Name.Trim(), i))
                throw new InputException($"{field}.name \"{entry.Name}\" is also the name of class {names[entry.Name.Trim()]}; " +
                    "names must differ");
            var slug = map.SlugOf(i);
            if (slug.Length == 0)
                throw new InputException($"{field}.name \"{entry.Name}\" has no ASCII letter or digit, which file names need");
            if (!slugs.TryAdd(slug, i))
                throw new InputException($"{field}.name \"{entry.Name}\" makes the same file name ({slug}) as class " +
                    $"{slugs[slug]}; names must differ in letters or digits");
            if (entry.Show is not null)
                Colour.Parse(entry.Show, $"{field}.show");
            // Without values and colours a class's value is its id.
            IEnumerable<int> own = entry.Values ?? (entry.Colours is null ? [entry.Id] : []);
            foreach (var value in own)
                Take(values, value, $"class {i} ({entry.Name})", $"{field}.values");
            foreach (var text in entry.Colours ?? [])
            {
                var colour = Colour.Parse(text, $"{field}.colours");
                if (!colours.TryAdd(colour, entry.Name))
                    throw new InputException($"{field}.colours: {text} means {colours[colour]} already; " +
                        "a colour means one class");
            }
        }

        foreach (var value in map.Ignore ?? [])
            Take(values, value, "ignore", $"{where}: ignore");
    }

    private static void Take(Dictionary<int, string> values, int value, string owner, string field)
    {
        if (value is < 0 or > 65535)
            throw new InputException($"{field}: {value} is outside 0..65535");
        if (!values.TryAdd(value, owner))
            throw new InputException($"{field}: {value} means {values[value]} already; a value means one class");
    }
}
