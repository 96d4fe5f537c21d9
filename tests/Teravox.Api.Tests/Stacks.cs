// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;
using Teravox.Volumes;

namespace Teravox.Api.Tests;

/// <summary>Small stacks of PNG slices on disk and in memory.</summary>
internal static class Stacks
{
    public const string ClassMap = """{"classes": [{"id": 0, "name": "cytosol", "values": [0]}, {"id": 1, "name": "membrane", "values": [200]}]}""";

    /// <summary>A slice whose grey levels depend on z.</summary>
    public static byte[] Slice(int z, int height = 32, int width = 48) =>
        ImageCodec.EncodePng(new SliceImage(width, height, PixelKind.Grey8, [.. Enumerable.Range(0, height * width).Select(i => (byte)((i * 7) + z))], null));

    public static byte[] DeepSlice(int z, int height = 32, int width = 48)
    {
        ushort[] pixels = [.. Enumerable.Range(0, height * width).Select(i => (ushort)(1000 + (i % 500) + z))];
        return ImageCodec.EncodePng(new SliceImage(width, height, PixelKind.Grey16, MemoryMarshal.AsBytes<ushort>(pixels).ToArray(), null));
    }

    /// <summary>Labels: 200 in the left half, 0 in the right.</summary>
    public static byte[] Labels(int height = 32, int width = 48) =>
        ImageCodec.EncodePng(new SliceImage(width, height, PixelKind.Grey8, [.. Enumerable.Range(0, height * width).Select(i => (byte)(i % width < width / 2 ? 200 : 0))], null));

    /// <summary>A folder with raw/, labels/ and classes.json.</summary>
    public static string Write(string folder, int sections = 8)
    {
        Directory.CreateDirectory(Path.Combine(folder, "raw"));
        Directory.CreateDirectory(Path.Combine(folder, "labels"));
        for (var z = 0; z < sections; z++)
        {
            File.WriteAllBytes(Path.Combine(folder, "raw", $"{z:d3}.png"), Slice(z));
            File.WriteAllBytes(Path.Combine(folder, "labels", $"{z:d3}.png"), Labels());
        }

        File.WriteAllText(Path.Combine(folder, "classes.json"), ClassMap);
        return folder;
    }
}
