// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using System.Text.Json.Nodes;
using Teravox.Contracts;

namespace Teravox.Cli;

/// <summary>The specs that come with the program: the files of <c>specs/</c>.</summary>
internal static class ShippedSpecs
{
    private const string Overlay = ".set.json";

    private static string Folder => Path.Combine(AppContext.BaseDirectory, "specs");

    /// <summary>The file itself, or the shipped spec of that name.</summary>
    /// <exception cref="InputException">Neither is there.</exception>
    public static string Find(string name)
    {
        var shipped = Path.Combine(Folder, name + ".json");
        if (File.Exists(name))
            return name;
        if (Path.GetFileName(name) == name && !shipped.EndsWith(Overlay, StringComparison.Ordinal) && File.Exists(shipped))
            return shipped;
        throw new InputException($"{name}: there is no such file, and no spec of that name comes with the program; those that do: {string.Join(", ", Names())}.");
    }

    /// <summary>What is laid over a spec, as --set takes it: the settings that --quick stands for, and over them those given.</summary>
    public static IReadOnlyList<string> Settings(bool quick, IEnumerable<string> given) =>
        [.. quick ? Read("quick").Select(field => $"{field.Key}={field.Value?.ToJsonString() ?? "null"}") : [], .. given];

    private static IEnumerable<string> Names() =>
        Directory.EnumerateFiles(Folder, "*.json").Where(f => !f.EndsWith(Overlay, StringComparison.Ordinal)).Select(f => Path.GetFileNameWithoutExtension(f)).Order(StringComparer.Ordinal);

    private static JsonObject Read(string name) =>
        (JsonObject)JsonNode.Parse(File.ReadAllText(Path.Combine(Folder, name + Overlay)), documentOptions: new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true })!;
}
