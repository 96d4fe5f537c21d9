// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text.RegularExpressions;

namespace Teravox.Compute.Tests;

/// <summary>What teravox.h declares, read from its text.</summary>
internal sealed partial class Header
{
    private Header(string text)
    {
        text = Comment().Replace(text, " ");
        foreach (Match m in Struct().Matches(text))
        {
            Structs[m.Groups["name"].Value] = [.. Fields(m.Groups["body"].Value)];
        }

        foreach (Match m in Function().Matches(text))
        {
            var parameters = m.Groups["parameters"].Value.Split(',').Select(static p => p.Trim()).Where(static p => p != "void");
            Functions[m.Groups["name"].Value] = (Kind(m.Groups["returns"].Value, ""), [.. parameters.Select(ParameterKind)]);
        }

        foreach (Match m in Enum().Matches(text))
        {
            foreach (Match value in EnumValue().Matches(m.Groups["body"].Value))
            {
                Constants[value.Groups["name"].Value] = int.Parse(value.Groups["value"].Value, CultureInfo.InvariantCulture);
            }
        }

        foreach (Match m in Define().Matches(text))
        {
            Constants[m.Groups["name"].Value] = int.Parse(m.Groups["value"].Value, CultureInfo.InvariantCulture);
        }
    }

    /// <summary>Kinds of the result and of the parameters: "pointer", "int32_t", "double", ...</summary>
    public Dictionary<string, (string Returns, string[] Parameters)> Functions { get; } = [];

    /// <summary>Fields in their order: name and size in bytes.</summary>
    public Dictionary<string, (string Name, int Size)[]> Structs { get; } = [];

    public Dictionary<string, int> Constants { get; } = [];

    public static Header Read() => new(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "teravox.h")));

    private static string ParameterKind(string parameter)
    {
        var m = Parameter().Match(parameter);
        return Kind(m.Groups["type"].Value, m.Groups["suffix"].Value);
    }

    private static string Kind(string type, string suffix)
    {
        type = type.Replace("const", "").Trim();
        return type.Contains('*') || suffix.Contains('[') || suffix.Contains(')') ? "pointer" : type == "tvx_status" ? "int32_t" : type;
    }

    private IEnumerable<(string Name, int Size)> Fields(string body)
    {
        foreach (var declaration in body.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var m = Declaration().Match(declaration);
            Assert.True(m.Success, declaration);
            var type = m.Groups["type"].Value.Replace("const", "").Trim();
            foreach (var one in m.Groups["names"].Value.Split(',', StringSplitOptions.TrimEntries))
            {
                var name = Name().Match(one).Value;
                var size = type.EndsWith('*') ? 8 : SizeOf(type);
                foreach (Match dimension in Dimension().Matches(one))
                {
                    size *= dimension.Groups[1].Value == "TVX_MAX_LEVELS - 1" ? 7 : int.Parse(dimension.Groups[1].Value, CultureInfo.InvariantCulture);
                }

                yield return (name, size);
            }
        }
    }

    private int SizeOf(string type) => type switch
    {
        "int32_t" or "float" => 4,
        "int64_t" or "uint64_t" or "double" or "tvx_abort_fn" or "tvx_progress_fn" => 8,
        _ => Structs[type].Sum(static f => f.Size),
    };

    [GeneratedRegex(@"/\*.*?\*/|//[^\n]*", RegexOptions.Singleline)]
    private static partial Regex Comment();

    [GeneratedRegex(@"typedef struct (?<name>\w+) \{(?<body>.*?)\} \w+;", RegexOptions.Singleline)]
    private static partial Regex Struct();

    [GeneratedRegex(@"TVX_API (?<returns>[\w ]+?\*?)\s*(?<name>tvx_\w+)\((?<parameters>[^;]*)\);")]
    private static partial Regex Function();

    [GeneratedRegex(@"^(?<type>.*?)(?<name>\(\*\w+\)|\w+)(?<suffix>(\[\w+\])*)$", RegexOptions.Singleline)]
    private static partial Regex Parameter();

    [GeneratedRegex(@"^(?<type>(const )?\w+ \*?)\s*(?<names>.*)$", RegexOptions.Singleline)]
    private static partial Regex Declaration();

    [GeneratedRegex(@"\w+")]
    private static partial Regex Name();

    [GeneratedRegex(@"\[([^\]]+)\]")]
    private static partial Regex Dimension();

    [GeneratedRegex(@"enum \{(?<body>.*?)\}", RegexOptions.Singleline)]
    private static partial Regex Enum();

    [GeneratedRegex(@"TVX_(?<name>\w+) = (?<value>\d+)")]
    private static partial Regex EnumValue();

    [GeneratedRegex(@"#define TVX_(?<name>\w+) \(?(?<value>-?\d+)\)?")]
    private static partial Regex Define();
}
