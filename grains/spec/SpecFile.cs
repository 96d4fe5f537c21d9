// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Teravox.Contracts;

namespace Teravox.Grains.Spec;

/// <summary>Reads specs: a JSON file, settings laid over it, unknown fields refused with their path.</summary>
public static class SpecFile
{
    /// <summary>Begins the name of a cluster's model where a path could stand.</summary>
    public const string ModelPrefix = "model:";

    private static readonly JsonDocumentOptions Lenient = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true, AllowDuplicateProperties = false };

    /// <summary>
    /// Reads a spec file. Paths in the file count from its folder, paths in <paramref name="settings"/> from the
    /// current one.
    /// </summary>
    /// <param name="path">The JSON file.</param>
    /// <param name="settings">"path=value" each, as "training.iterations=500"; values are JSON, or else text.</param>
    /// <exception cref="InputException">Unreadable, not JSON, an unknown or missing field, a value of the wrong kind.</exception>
    public static ExperimentSpec Load(string path, IReadOnlyList<string> settings)
    {
        var root = ReadObject(path);
        MakeAbsolute(root, Path.GetDirectoryName(Path.GetFullPath(path))!);
        foreach (var setting in settings)
            Set(root, setting);
        return Read<ExperimentSpec>(root, path);
    }

    /// <summary>Reads a spec from text; relative paths count from <paramref name="folder"/>.</summary>
    /// <exception cref="InputException">As <see cref="Load"/>.</exception>
    public static ExperimentSpec Parse(string json, string where, string folder)
    {
        var root = ParseObject(json, where);
        MakeAbsolute(root, folder);
        return Read<ExperimentSpec>(root, where);
    }

    /// <summary>Checks that specs have the field <paramref name="path"/>, as "training.iterations", whatever stands in it.</summary>
    /// <exception cref="InputException">They do not; the sentence shows the path behind <paramref name="shown"/>.</exception>
    internal static void CheckField(string path, string where, string shown)
    {
        var type = typeof(ExperimentSpec);
        var prefix = shown;
        foreach (var name in path.Split('.'))
        {
            if (KnownFields(type) is not { } fields)
                throw new InputException($"{where}: {shown}{path}: unknown field; {prefix.TrimEnd('.')} has no fields in it.");
            type = FieldType(fields.Known, name, prefix, where);
            prefix += name + ".";
        }
    }

    /// <summary>Puts a value at <paramref name="path"/>, making the objects on the way.</summary>
    /// <exception cref="InputException">Something on the way is not an object.</exception>
    internal static void SetField(JsonObject root, string path, JsonNode? value, string where)
    {
        var names = path.Split('.');
        var owner = root;
        foreach (var name in names[..^1])
        {
            owner[name] ??= new JsonObject();
            owner = owner[name] as JsonObject ?? throw new InputException($"{where}: {name} is not an object in this spec.");
        }

        owner[names[^1]] = value;
    }

    /// <summary>Takes the value at <paramref name="path"/> out, where <see cref="SetField"/> has put it.</summary>
    internal static JsonNode? TakeField(JsonObject root, string path)
    {
        var names = path.Split('.');
        var owner = names[..^1].Aggregate(root, static (at, name) => (JsonObject)at[name]!);
        var value = owner[names[^1]];
        owner.Remove(names[^1]);
        return value;
    }

    /// <summary>The JSON object of a file.</summary>
    /// <exception cref="InputException">Unreadable, or not a JSON object.</exception>
    internal static JsonObject ReadObject(string path)
    {
        try
        {
            return ParseObject(File.ReadAllText(path), path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: the spec cannot be read ({e.Message}).", e);
        }
    }

    internal static JsonObject ParseObject(string text, string where)
    {
        try
        {
            return JsonNode.Parse(text, documentOptions: Lenient) as JsonObject
                ?? throw new InputException($"{where}: a spec is a JSON object {{...}}; see docs/spec.md.");
        }
        catch (JsonException e) when (e.LineNumber is null)
        {
            throw new InputException($"{where}: a field is given twice ({FirstSentence(e.Message)}).", e);
        }
        catch (JsonException e)
        {
            throw new InputException($"{where}: not JSON, line {e.LineNumber + 1}, column {e.BytePositionInLine + 1}: {FirstSentence(e.Message)}.", e);
        }
    }

    /// <summary>A record from JSON.</summary>
    /// <exception cref="InputException">An unknown or missing field, or a value of the wrong kind, named by its path.</exception>
    internal static T Read<T>(JsonObject root, string where)
    {
        Walk(root, typeof(T), "", where);
        try
        {
            return root.Deserialize<T>(TeravoxJson.Compact)!;
        }
        catch (JsonException e)
        {
            throw new InputException($"{where}: {(e.Path ?? "$").TrimStart('$').TrimStart('.')}: {Explain(e)}.", e);
        }
    }

    private static string Explain(JsonException e) =>
        e.Message.StartsWith("The JSON value could not be converted", StringComparison.Ordinal)
            ? "the value is of the wrong kind; see docs/spec.md"
            : FirstSentence(e.Message);

    private static string FirstSentence(string message) => message.Split(". ")[0].Split(" Path:")[0].TrimEnd('.');

    // System.Text.Json names only the type of an unknown field's owner; the author needs the path and what was meant.
    private static void Walk(JsonNode? node, Type type, string path, string where)
    {
        if (node is JsonObject obj && KnownFields(type) is { } fields)
        {
            Fields(obj, fields.Known, fields.Required, path, where);
        }
        else if (node is JsonArray array && TeravoxJson.Compact.GetTypeInfo(type) is { Kind: JsonTypeInfoKind.Enumerable, ElementType: { } element })
        {
            for (var i = 0; i < array.Count; i++)
                Walk(array[i], element, $"{path}[{i}]", where);
        }
    }

    /// <summary>The fields of a type's JSON object, or null where it is not one.</summary>
    private static (Dictionary<string, Type> Known, string[] Required)? KnownFields(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type == typeof(DataSource))
            return (new() { ["raw"] = typeof(string), ["labels"] = typeof(string), ["phantom"] = typeof(PhantomSource), ["volume"] = typeof(string), ["folder"] = typeof(string) }, []);
        var info = TeravoxJson.Compact.GetTypeInfo(type);
        return info.Kind == JsonTypeInfoKind.Object
            ? (info.Properties.ToDictionary(p => p.Name, p => p.PropertyType), [.. info.Properties.Where(p => p.IsRequired).Select(p => p.Name)])
            : null;
    }

    private static void Fields(JsonObject obj, Dictionary<string, Type> known, string[] required, string path, string where)
    {
        var prefix = path.Length == 0 ? "" : path + ".";
        foreach (var (name, value) in obj)
            Walk(value, FieldType(known, name, prefix, where), prefix + name, where);
        foreach (var name in required)
        {
            if (!obj.ContainsKey(name))
                throw new InputException($"{where}: {prefix}{name}: missing{(prefix + name == "data" ? ": name the folder that holds raw/ and labels/, as in --set data=FOLDER" : "; see docs/spec.md")}.");
        }
    }

    private static Type FieldType(Dictionary<string, Type> known, string name, string prefix, string where)
    {
        if (known.TryGetValue(name, out var type))
            return type;
        var nearest = known.Keys.OrderBy(k => Distance(k, name)).First();
        var hint = Distance(nearest, name) <= 3 ? $" Did you mean \"{nearest}\"?" : $" Known here: {string.Join(", ", known.Keys)}.";
        throw new InputException($"{where}: {prefix}{name}: unknown field.{hint}");
    }

    /// <summary>Lays one "path=value" over a spec; paths in it count from the current folder.</summary>
    /// <exception cref="InputException">Not of that form, or something on the way is not an object.</exception>
    internal static void Set(JsonObject root, string setting)
    {
        var at = setting.IndexOf('=', StringComparison.Ordinal);
        if (at <= 0)
            throw new InputException($"--set {setting}: expected path=value, as in --set training.iterations=500.");
        var text = setting[(at + 1)..];
        JsonNode? value;
        try
        {
            value = JsonNode.Parse(text, documentOptions: Lenient);
        }
        catch (JsonException)
        {
            value = JsonValue.Create(text);
        }

        SetField(root, setting[..at], value, $"--set {setting}");
        MakeAbsolute(root, Directory.GetCurrentDirectory());
    }

    /// <summary>Makes the paths of a spec absolute; relative ones count from <paramref name="folder"/>.</summary>
    internal static void MakeAbsolute(JsonObject root, string folder)
    {
        Fix(root, "model");
        Fix(root, "data");
        if (root["data"] is JsonObject data)
        {
            Fix(data, "raw");
            Fix(data, "labels");
            Fix(data, "folder");
        }

        void Fix(JsonObject owner, string name)
        {
            if (owner[name] is JsonValue v && v.TryGetValue<string>(out var text) && text.Length > 0 && !text.StartsWith(ModelPrefix, StringComparison.Ordinal))
                owner[name] = Path.GetFullPath(text, folder);
        }
    }

    // Levenshtein distance, for "did you mean".
    private static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var cost = char.ToLowerInvariant(a[i - 1]) == char.ToLowerInvariant(b[j - 1]) ? 0 : 1;
                (diagonal, row[j]) = (row[j], Math.Min(Math.Min(row[j] + 1, row[j - 1] + 1), diagonal + cost));
            }
        }

        return row[b.Length];
    }
}
