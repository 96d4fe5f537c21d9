// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Teravox.Contracts;

namespace Teravox.Grains.Spec;

/// <summary>Reads specs: a JSON file, settings laid over it, unknown fields refused with their path.</summary>
public static class SpecFile
{
    private static readonly JsonDocumentOptions Lenient = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    /// <summary>
    /// Reads a spec file. Paths in the file count from its folder, paths in <paramref name="settings"/> from the
    /// current one.
    /// </summary>
    /// <param name="path">The JSON file.</param>
    /// <param name="settings">"path=value" each, as "training.iterations=500"; values are JSON, or else text.</param>
    /// <exception cref="InputException">Unreadable, not JSON, an unknown or missing field, a value of the wrong kind.</exception>
    public static ExperimentSpec Load(string path, IReadOnlyList<string> settings)
    {
        string text;
        try
        {
            text = File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: the spec cannot be read ({e.Message}).", e);
        }

        var root = ParseObject(text, path);
        MakeAbsolute(root, Path.GetDirectoryName(Path.GetFullPath(path))!);
        foreach (var setting in settings)
            Set(root, setting);
        return Parse(root, path);
    }

    /// <summary>Reads a spec from text; relative paths count from <paramref name="folder"/>.</summary>
    /// <exception cref="InputException">As <see cref="Load"/>.</exception>
    public static ExperimentSpec Parse(string json, string where, string folder)
    {
        var root = ParseObject(json, where);
        MakeAbsolute(root, folder);
        return Parse(root, where);
    }

    private static JsonObject ParseObject(string text, string where)
    {
        try
        {
            return JsonNode.Parse(text, documentOptions: Lenient) as JsonObject
                ?? throw new InputException($"{where}: a spec is a JSON object {{...}}; see docs/spec.md.");
        }
        catch (JsonException e)
        {
            throw new InputException($"{where}: not JSON, line {e.LineNumber + 1}, column {e.BytePositionInLine + 1}: {FirstSentence(e.Message)}.", e);
        }
        catch (ArgumentException e)
        {
            throw new InputException($"{where}: a field is given twice ({FirstSentence(e.Message)}).", e);
        }
    }

    private static ExperimentSpec Parse(JsonObject root, string where)
    {
        Walk(root, typeof(ExperimentSpec), "", where);
        try
        {
            return root.Deserialize<ExperimentSpec>(TeravoxJson.Compact) ?? throw new InputException($"{where}: the spec is empty.");
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
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type == typeof(DataSource) && node is JsonObject data)
        {
            Fields(data, new() { ["raw"] = typeof(string), ["labels"] = typeof(string), ["phantom"] = typeof(PhantomSource), ["folder"] = typeof(string) }, [], path, where);
            return;
        }

        var info = TeravoxJson.Compact.GetTypeInfo(type);
        if (info.Kind == JsonTypeInfoKind.Object && node is JsonObject obj)
        {
            var known = info.Properties.ToDictionary(p => p.Name, p => p.PropertyType);
            Fields(obj, known, [.. info.Properties.Where(p => p.IsRequired).Select(p => p.Name)], path, where);
        }
        else if (info.Kind == JsonTypeInfoKind.Enumerable && node is JsonArray array && info.ElementType is { } element)
        {
            for (var i = 0; i < array.Count; i++)
                Walk(array[i], element, $"{path}[{i}]", where);
        }
    }

    private static void Fields(JsonObject obj, Dictionary<string, Type> known, string[] required, string path, string where)
    {
        var prefix = path.Length == 0 ? "" : path + ".";
        foreach (var (name, value) in obj)
        {
            if (!known.TryGetValue(name, out var type))
            {
                var nearest = known.Keys.OrderBy(k => Distance(k, name)).First();
                var hint = Distance(nearest, name) <= 3 ? $" Did you mean \"{nearest}\"?" : $" Known here: {string.Join(", ", known.Keys)}.";
                throw new InputException($"{where}: {prefix}{name}: unknown field.{hint}");
            }

            Walk(value, type, prefix + name, where);
        }

        foreach (var name in required)
        {
            if (!obj.ContainsKey(name))
                throw new InputException($"{where}: {prefix}{name}: missing; see docs/spec.md.");
        }
    }

    private static void Set(JsonObject root, string setting)
    {
        var at = setting.IndexOf('=', StringComparison.Ordinal);
        if (at <= 0)
            throw new InputException($"--set {setting}: expected path=value, as in --set training.iterations=500.");
        var path = setting[..at].Split('.');
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

        var owner = root;
        foreach (var name in path[..^1])
        {
            owner[name] ??= new JsonObject();
            owner = owner[name] as JsonObject ?? throw new InputException($"--set {setting}: {name} is not an object in this spec.");
        }

        owner[path[^1]] = value;
        MakeAbsolute(root, Directory.GetCurrentDirectory());
    }

    private static void MakeAbsolute(JsonObject root, string folder)
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
            if (owner[name] is JsonValue v && v.TryGetValue<string>(out var text) && text.Length > 0)
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
