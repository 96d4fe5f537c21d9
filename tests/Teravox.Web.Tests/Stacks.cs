// SPDX-License-Identifier: Apache-2.0
using Teravox.Volumes;

namespace Teravox.Web.Tests;

/// <summary>Small stacks of PNG sections.</summary>
internal static class Stacks
{
    public const int Sections = 8, Height = 48, Width = 64;

    private const string ClassMap =
        """{"classes": [{"id": 0, "name": "cytosol", "values": [0]}, {"id": 1, "name": "membrane", "values": [200]}]}""";

    /// <summary>A section whose grey levels depend on z.</summary>
    public static byte[] Section(int z, int height = Height, int width = Width) =>
        Png(height, width, i => (byte)((i % width * 3) + (i / width * 2) + (z * 5)));

    /// <summary>A folder with raw/, labels/ and classes.json.</summary>
    public static void Write(string folder)
    {
        foreach (var part in (string[])["raw", "labels"])
            Directory.CreateDirectory(Path.Combine(folder, part));
        for (var z = 0; z < Sections; z++)
        {
            File.WriteAllBytes(Path.Combine(folder, "raw", $"{z:d3}.png"), Section(z));
            File.WriteAllBytes(Path.Combine(folder, "labels", $"{z:d3}.png"), Png(Height, Width, i => (byte)(i % Width < Width / 2 ? 200 : 0)));
        }

        File.WriteAllText(Path.Combine(folder, "classes.json"), ClassMap);
    }

    private static byte[] Png(int height, int width, Func<int, byte> level) =>
        ImageCodec.EncodePng(new SliceImage(width, height, PixelKind.Grey8, [.. Enumerable.Range(0, height * width).Select(level)], null));
}
