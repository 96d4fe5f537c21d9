// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Teravox.Contracts;

namespace Teravox.Volumes;

/// <summary>The OME-Zarr 0.4 metadata in a group's <c>.zattrs</c>: written for new volumes, understood for others'.</summary>
internal static class OmeMetadata
{
    /// <summary>One resolution level: where its array lies and what its voxels measure.</summary>
    public sealed record Level(string Path, VoxelSize VoxelSize);

    /// <summary>Nanometres per unit, for the units that volumes of electron and light microscopy come in.</summary>
    private static readonly Dictionary<string, double> Nanometres = new()
    {
        ["angstrom"] = 0.1,
        ["picometer"] = 1e-3,
        ["nanometer"] = 1,
        ["micrometer"] = 1e3,
        ["millimeter"] = 1e6,
        ["meter"] = 1e9,
    };

    public static JsonObject Create(OmeOptions options, string name)
    {
        var axes = new JsonArray();
        if (options.Channels > 0)
            axes.Add(new JsonObject { ["name"] = "c", ["type"] = "channel" });
        foreach (var axis in (ReadOnlySpan<string>)["z", "y", "x"])
            axes.Add(new JsonObject { ["name"] = axis, ["type"] = "space", ["unit"] = "nanometer" });
        var attributes = new JsonObject
        {
            ["multiscales"] = new JsonArray(new JsonObject
            {
                ["version"] = "0.4",
                ["name"] = name,
                ["axes"] = axes,
                ["datasets"] = new JsonArray(Dataset("s0", options.VoxelSize, options.Offset, axes.Count)),
            }),
        };
        if (options.Classes is { } classes)
        {
            if (options.Channels == 0)
                attributes["image-label"] = ImageLabel(classes);
            else if (options.Channels == classes.Count)
                attributes["omero"] = new JsonObject { ["channels"] = Channels(classes, options.Type) };
        }

        foreach (var (key, value) in options.Attributes ?? [])
            attributes[key] = value?.DeepClone();
        return attributes;
    }

    private static JsonObject Dataset(string path, VoxelSize size, (double Z, double Y, double X)? translation, int dimensions)
    {
        JsonArray Vector((double Z, double Y, double X) v, double other) => [.. Enumerable.Repeat(other, dimensions - 3), v.Z, v.Y, v.X];
        var transformations = new JsonArray(new JsonObject { ["type"] = "scale", ["scale"] = Vector((size.Z, size.Y, size.X), 1) });
        if (translation is { } t)
            transformations.Add(new JsonObject { ["type"] = "translation", ["translation"] = Vector(t, 0) });
        return new JsonObject { ["path"] = path, ["coordinateTransformations"] = transformations };
    }

    /// <summary>
    /// The levels, finest first, with voxel sizes in nanometres. <paramref name="dimensions"/> gets the number of axes.
    /// </summary>
    /// <exception cref="InputException">
    /// The axes are not (z, y, x) after optional time and channel, or the metadata does not make sense.
    /// </exception>
    public static IReadOnlyList<Level> Read(JsonObject attributes, string file, out int dimensions)
    {
        if (attributes["multiscales"] is not JsonArray { Count: > 0 } images || images[0] is not JsonObject image)
            throw new InputException($"{file}: there is no multiscales entry; this is not an OME-Zarr image");
        var axes = (image["axes"] as JsonArray ?? []).Select(static a => a is JsonObject o ? o["name"]?.ToString() : a?.ToString()).ToArray();
        dimensions = axes.Length;
        if (axes.Length is < 3 or > 5 || string.Concat(axes) is not ("zyx" or "czyx" or "tzyx" or "tczyx"))
            throw new InputException($"{file}: the axes are ({string.Join(", ", axes)}); " +
                "a volume has (z, y, x), with t and c before them at most");
        var units = ((JsonArray)image["axes"]!).Skip(axes.Length - 3).Select(a => Unit(a, file)).ToArray();
        var whole = Scale(image["coordinateTransformations"], axes.Length, file);
        var levels = new List<Level>();
        foreach (var node in image["datasets"] as JsonArray ?? [])
        {
            var path = node is JsonObject o ? o["path"]?.ToString() : null;
            if (path is null || Path.IsPathRooted(path) || path.Split('/').Contains(".."))
                throw new InputException($"{file}: a dataset of multiscales has no path inside the volume");
            var own = Scale(node!["coordinateTransformations"], axes.Length, file);
            var size = Enumerable.Range(0, 3).Select(i => whole[i] * own[i] * units[i]).ToArray();
            levels.Add(new Level(path, new VoxelSize(size[0], size[1], size[2])));
        }

        return levels.Count > 0 ? levels : throw new InputException($"{file}: multiscales names no dataset");
    }

    /// <summary>Index of the channel axis; -1 without one. Only after <see cref="Read"/> found the axes right.</summary>
    public static int ChannelAxis(JsonObject attributes)
    {
        var axes = (JsonArray)attributes["multiscales"]![0]!["axes"]!;
        for (var i = 0; i < axes.Count; i++)
        {
            if ((axes[i] is JsonObject o ? o["name"] : axes[i])?.ToString() == "c")
                return i;
        }

        return -1;
    }

    /// <summary>Appends a level that is <paramref name="factor"/> times coarser than the last one.</summary>
    public static void AddLevel(JsonObject attributes, string file, string path, Int3 factor)
    {
        _ = Read(attributes, file, out var dimensions);
        var datasets = (JsonArray)attributes["multiscales"]![0]!["datasets"]!;
        var transformations = (datasets[^1]!["coordinateTransformations"] as JsonArray) ?? [];
        var scale = Scale(transformations, dimensions, file);
        double[] offset = [0, 0, 0];
        foreach (var node in transformations)
        {
            if (node?["type"]?.ToString() == "translation" && node["translation"] is JsonArray values && values.Count == dimensions)
                offset = [.. values.Skip(dimensions - 3).Select(static v => v!.GetValue<double>())];
        }

        // A coarse voxel covers `factor` fine ones; its middle lies (factor - 1) / 2 fine voxels after the first one's.
        double Shift(int axis) => offset[axis] + (scale[axis] * (factor[axis] - 1) / 2);
        var size = new VoxelSize(scale[0] * factor.Z, scale[1] * factor.Y, scale[2] * factor.X);
        datasets.Add(Dataset(path, size, (Shift(0), Shift(1), Shift(2)), dimensions));
    }

    private static JsonObject ImageLabel(ClassMap classes)
    {
        var colors = new JsonArray();
        var properties = new JsonArray();
        foreach (var c in classes.Classes)
        {
            var colour = Colour.Parse(classes.ColourOf(c.Id), $"class {c.Name}");
            // The background is seen through, so that a viewer shows the image under the labels.
            colors.Add(new JsonObject
            {
                ["label-value"] = c.Id,
                ["rgba"] = new JsonArray((int)(colour >> 16), (int)(colour >> 8 & 0xff), (int)(colour & 0xff), c.Id == 0 ? 0 : 255),
            });
            properties.Add(new JsonObject { ["label-value"] = c.Id, ["class"] = c.Name });
        }

        return new JsonObject { ["version"] = "0.4", ["colors"] = colors, ["properties"] = properties };
    }

    private static JsonArray Channels(ClassMap classes, VoxelType type) =>
        new([.. classes.Classes.Select(c => (JsonNode)Channel(classes, c, type))]);

    private static JsonObject Channel(ClassMap classes, ClassEntry entry, VoxelType type) => new()
    {
        ["label"] = entry.Name,
        ["color"] = classes.ColourOf(entry.Id).TrimStart('#').ToUpperInvariant(),
        ["active"] = entry.Id != 0,
        ["window"] = new JsonObject { ["min"] = 0, ["max"] = type.Levels() - 1, ["start"] = 0, ["end"] = type.Levels() - 1 },
    };

    private static double Unit(JsonNode? axis, string file)
    {
        var unit = axis is JsonObject o ? o["unit"]?.ToString() : null;
        if (unit is null)
            return 1;
        return Nanometres.TryGetValue(unit, out var factor)
            ? factor
            : throw new InputException($"{file}: the unit {unit} is not known; use {string.Join(", ", Nanometres.Keys)}");
    }

    /// <summary>The (z, y, x) part of the product of all scale transformations; 1 without any.</summary>
    private static double[] Scale(JsonNode? transformations, int dimensions, string file)
    {
        double[] scale = [1, 1, 1];
        foreach (var node in transformations as JsonArray ?? [])
        {
            if (node is not JsonObject o || o["type"]?.ToString() != "scale")
                continue;
            if (o["scale"] is not JsonArray values || values.Count != dimensions)
                throw new InputException($"{file}: a scale does not have one number per axis ({dimensions})");
            for (var i = 0; i < 3; i++)
            {
                if (values[dimensions - 3 + i] is not JsonValue v || v.GetValueKind() != JsonValueKind.Number
                    || v.GetValue<double>() is not (> 0 and < double.PositiveInfinity))
                    throw new InputException($"{file}: the scale {values.ToJsonString()} has an entry that is not a " +
                        "number above 0");
                scale[i] *= v.GetValue<double>();
            }
        }

        return scale;
    }
}

/// <summary>"#rrggbb".</summary>
internal static class Colour
{
    /// <summary>0xRRGGBB.</summary>
    /// <exception cref="InputException">Not of that form; names <paramref name="where"/>.</exception>
    public static uint Parse(string text, string where) =>
        text.Length == 7 && text[0] == '#' && uint.TryParse(text.AsSpan(1), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var rgb)
            ? rgb
            : throw new InputException($"{where}: the colour \"{text}\" is not of the form #rrggbb");

    /// <summary>From 0xRRGGBB.</summary>
    public static string Format(uint rgb) => $"#{rgb & 0xffffff:x6}";
}
