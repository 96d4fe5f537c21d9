// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Teravox.Contracts;

namespace Teravox.Volumes.Tests;

/// <summary>Images that other programs wrote, read by ours, and the other way round.</summary>
public sealed class ImageFormatTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private sealed record Written(string Name, string Raw, int Pages, int Height, int Width, PixelKind Kind, int Bits, uint[]? Palette);

    [Theory]
    [InlineData("write_tiffs.py", 70)]
    [InlineData("write_pngs.py", 28)]
    public void Decode_WhenOthersWroteTheFile_GivesTheirPixels(string script, int atLeast)
    {
        Python.Run(script, _folder.Root);
        var index = JsonSerializer.Deserialize<Written[]>(File.ReadAllText(_folder.Path("index.json")), TeravoxJson.Compact)!;
        Assert.True(index.Length >= atLeast, $"only {index.Length} images");
        foreach (var written in index)
        {
            var path = _folder.Path(written.Name);
            var file = File.ReadAllBytes(path);
            var expected = File.ReadAllBytes(_folder.Path(written.Raw));
            var header = new ImageHeader(written.Width, written.Height, written.Kind, written.Bits);
            Assert.Equal(written.Pages, ImageCodec.PageCount(file, path));
            Assert.Equal((header, written.Pages), ImageCodec.PeekFile(path));
            using var stack = ImageStack.Open(path, use: StackUse.Labels);
            Assert.Equal(new Int3(written.Pages, written.Height, written.Width), stack.Shape);
            // Backwards, so that pages are found without those before them.
            for (var page = written.Pages - 1; page >= 0; page--)
            {
                var image = ImageCodec.Decode(file, path, page);
                var bytes = expected.Length / written.Pages;
                Assert.Equal(header, ImageCodec.Peek(file, path, page));
                Assert.True(expected.AsSpan(page * bytes, bytes).SequenceEqual(image.Data), $"{written.Name} page {page} differs");
                Assert.Equal(image.Data, stack.ReadSlice(page).Data);
                Assert.Equal(written.Palette, image.Palette);
            }

            Assert.Throws<InputException>(() => ImageCodec.Decode(file, path, written.Pages));
        }

        foreach (var refused in Directory.GetFiles(_folder.Root, "refused-*"))
        {
            var error = Assert.Throws<InputException>(() => ImageCodec.Decode(File.ReadAllBytes(refused), refused));
            Assert.Contains(refused, error.Message);
            Assert.Matches("convert|save", error.Message);
        }
    }

    [Theory]
    [InlineData("write_tiffs.py")]
    [InlineData("write_pngs.py")]
    public void Decode_WhenFileIsTruncatedOrDamaged_ThrowsInputException(string script)
    {
        Python.Run(script, _folder.Root);
        var random = new Random(11);
        foreach (var path in Directory.GetFiles(_folder.Root).Where(static f => f.EndsWith(".tif", StringComparison.Ordinal) || f.EndsWith(".png", StringComparison.Ordinal)))
        {
            // The last thing in the file with thumbnails is a thumbnail, which nobody reads.
            if (path.Contains("refused", StringComparison.Ordinal) || path.Contains("thumbnails", StringComparison.Ordinal))
                continue;
            var file = File.ReadAllBytes(path);
            var end = PixelEnd(file);
            for (var i = 0; i < 40; i++)
            {
                var length = i < 12 ? i : random.Next(end);
                var error = Record.Exception(() => DecodeAll(file[..length], path));
                Assert.True(error is InputException, $"{path} cut to {length} of {file.Length} bytes: {error?.ToString() ?? "no error"}");
                Assert.Contains(path, error!.Message);
            }

            for (var i = 0; i < 40; i++)
            {
                // A flipped byte may go unseen in raw pixels; it must never do worse than fail.
                var damaged = (byte[])file.Clone();
                for (var k = 0; k <= i % 3; k++)
                    damaged[random.Next(i % 2 == 0 ? Math.Min(400, damaged.Length) : damaged.Length)] ^= (byte)random.Next(1, 256);
                try
                {
                    DecodeAll(damaged, path);
                }
                catch (InputException)
                {
                }
            }
        }
    }

    [Fact]
    public void Encode_WhenOthersReadTheFile_TheyFindOurPixels()
    {
        var random = new Random(3);
        var files = new List<(string Path, SliceImage Image)>();
        foreach (var kind in Enum.GetValues<PixelKind>())
        {
            var image = RandomImage(random, kind, 37, 301);
            foreach (var (name, bytes) in new[] { ("a.png", ImageCodec.EncodePng(image)), ("b.tif", ImageCodec.EncodeTiff(image)), ("c.tif", ImageCodec.EncodeTiff(image, deflate: false)) })
            {
                var path = _folder.Path($"{kind}-{name}");
                File.WriteAllBytes(path, bytes);
                files.Add((path, image));
            }
        }

        Python.Run("read_images.py", [.. files.Select(static f => f.Path)]);
        foreach (var (path, image) in files)
        {
            Assert.True(image.Data.AsSpan().SequenceEqual(File.ReadAllBytes(path + ".pil")), $"PIL reads {path} differently");
            if (path.EndsWith(".tif", StringComparison.Ordinal))
                Assert.True(image.Data.AsSpan().SequenceEqual(File.ReadAllBytes(path + ".tifffile")), $"tifffile reads {path} differently");
            if (image.Palette is not null)
            {
                var colours = File.ReadAllBytes(path + ".palette");
                Assert.Equal(image.Palette, image.Palette.Select((_, i) => ((uint)colours[3 * i] << 16) | ((uint)colours[(3 * i) + 1] << 8) | colours[(3 * i) + 2]));
            }
        }
    }

    [Fact]
    public void Encode_WhenDecodedAgain_GivesTheSameImageAndTheSameBytes()
    {
        var random = new Random(4);
        for (var i = 0; i < 200; i++)
        {
            var kind = (PixelKind)(i % 4);
            var image = RandomImage(random, kind, random.Next(1, 80), random.Next(1, 80));
            foreach (var encode in new[] { ImageCodec.EncodePng, static im => ImageCodec.EncodeTiff(im), static im => ImageCodec.EncodeTiff(im, deflate: false) })
            {
                var bytes = encode(image);
                Assert.Equal(bytes, encode(image));
                var decoded = ImageCodec.Decode(bytes, "round trip");
                Assert.Equal(image.Data, decoded.Data);
                Assert.Equal((image.Width, image.Height, image.Kind), (decoded.Width, decoded.Height, decoded.Kind));
                if (image.Palette is not null)
                    Assert.Equal(image.Palette, decoded.Palette!.Take(image.Palette.Count));
            }
        }
    }

    [Fact]
    public void EncodePng_WhenImageDoesNotFit_Throws()
    {
        Assert.Throws<ArgumentException>(() => ImageCodec.EncodePng(new SliceImage(2, 2, PixelKind.Grey16, new byte[4], null)));
        Assert.Throws<ArgumentException>(() => ImageCodec.EncodePng(new SliceImage(2, 1, PixelKind.Palette8, [0, 5], [1, 2, 3])));
        Assert.Throws<ArgumentException>(() => ImageCodec.EncodeTiff(new SliceImage(2, 1, PixelKind.Palette8, [0, 1], null)));
        Assert.Throws<ArgumentException>(() => ImageCodec.EncodeTiff(new SliceImage(0, 4, PixelKind.Grey8, [], null)));
    }

    [Fact]
    public void Decode_WhenHeaderClaimsFarMoreThanTheFileHolds_ThrowsBeforeTakingMemory()
    {
        var png = ImageCodec.EncodePng(new SliceImage(8, 8, PixelKind.Grey8, new byte[64], null));
        // IHDR's width and height with a checksum to match.
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(16), 40_000);
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(20), 40_000);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(png.AsSpan(29), Crc(png.AsSpan(12, 17)));
        var before = GC.GetAllocatedBytesForCurrentThread();
        var error = Assert.Throws<InputException>(() => ImageCodec.Decode(png, "bomb.png"));
        Assert.Contains("40000 x 40000", error.Message);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1 << 20);
    }

    [Fact]
    public void Decode_WhenTiffHasMorePagesThan16BitsCount_FindsTheLast()
    {
        var file = ManyPages(70_000, back: false);
        Assert.Equal(70_000, ImageCodec.PageCount(file, "many.tif"));
        Assert.Equal([77], ImageCodec.Decode(file, "many.tif", 69_999).Data);
    }

    [Fact]
    public void PageCount_WhenTiffsPagesTurnBack_Throws() =>
        Assert.Contains("page 3 cannot be found", Assert.Throws<InputException>(() => ImageCodec.PageCount(ManyPages(3, back: true), "loop.tif")).Message);

    [Fact]
    public void Decode_WhenFileIsSomethingElse_SaysSo()
    {
        Assert.Contains("empty.tif is empty", Assert.Throws<InputException>(() => ImageCodec.Decode([], "empty.tif")).Message);
        Assert.Contains("neither a TIFF nor a PNG", Assert.Throws<InputException>(() => ImageCodec.Decode("GIF89a"u8, "a.tif")).Message);
    }

    internal static SliceImage RandomImage(Random random, PixelKind kind, int height, int width)
    {
        var data = new byte[height * width * kind.Bytes()];
        random.NextBytes(data);
        uint[]? palette = null;
        if (kind == PixelKind.Palette8)
        {
            palette = [.. Enumerable.Range(0, random.Next(1, 257)).Select(_ => (uint)random.Next(0x1000000))];
            for (var i = 0; i < data.Length; i++)
                data[i] = (byte)(data[i] % palette.Length);
        }

        return new SliceImage(width, height, kind, data, palette);
    }

    /// <summary>A TIFF whose pages all show the same pixel; <paramref name="back"/>: the last one leads to the first again.</summary>
    private static byte[] ManyPages(int pages, bool back)
    {
        const int First = 10, Fields = 4, Bytes = 2 + (12 * Fields) + 4;
        using var memory = new MemoryStream();
        using var writer = new BinaryWriter(memory);
        writer.Write("II*\0"u8);
        writer.Write(First);
        writer.Write((short)77);
        for (var page = 0; page < pages; page++)
        {
            writer.Write((short)Fields);
            foreach (var (tag, value) in ((short, int)[])[(256, 1), (257, 1), (258, 8), (273, 8)])
            {
                writer.Write(tag);
                writer.Write((short)4);
                writer.Write(1);
                writer.Write(value);
            }

            writer.Write(page + 1 < pages ? First + ((page + 1) * Bytes) : back ? First : 0);
        }

        return memory.ToArray();
    }

    private static void DecodeAll(byte[] file, string name)
    {
        var pages = ImageCodec.PageCount(file, name);
        for (var page = 0; page < pages; page++)
            ImageCodec.Decode(file, name, page);
    }

    /// <summary>Beyond this a file may be cut without harm: PIL and tifffile pad TIFFs at the end.</summary>
    private static int PixelEnd(byte[] file)
    {
        var end = file.Length;
        while (end > 0 && file[end - 1] == 0)
            end--;
        return end;
    }

    private static uint Crc(ReadOnlySpan<byte> bytes)
    {
        var crc = 0xffffffffu;
        foreach (var b in bytes)
        {
            crc ^= b;
            for (var k = 0; k < 8; k++)
                crc = (crc >> 1) ^ (0xedb88320u & (0 - (crc & 1)));
        }

        return ~crc;
    }
}
