// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.IO.Compression;
using Teravox.Contracts;

namespace Teravox.Volumes.Tests;

public sealed class ImageStackTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static SliceImage Grey(byte value, int width = 5, int height = 4, PixelKind kind = PixelKind.Grey8) =>
        new(width, height, kind, [.. Enumerable.Repeat(value, width * height * kind.Bytes())], kind == PixelKind.Palette8 ? [0, 0xffffff, 0xff0000] : null);

    private static byte[] Png(byte value, int width = 5, int height = 4, PixelKind kind = PixelKind.Grey8) => ImageCodec.EncodePng(Grey(value, width, height, kind));

    private string Folder(params (string Name, byte[] Bytes)[] files)
    {
        var folder = Directory.CreateDirectory(_folder.Path($"f{Guid.NewGuid():N}")).FullName;
        foreach (var (name, bytes) in files)
            File.WriteAllBytes(Path.Combine(folder, name), bytes);
        return folder;
    }

    private string Zip(params (string Name, byte[] Bytes)[] files)
    {
        var path = _folder.Path($"z{Guid.NewGuid():N}.zip");
        using var zip = ZipFile.Open(path, ZipArchiveMode.Create);
        foreach (var (name, bytes) in files)
        {
            using var stream = zip.CreateEntry(name).Open();
            stream.Write(bytes);
        }

        return path;
    }

    private static string Refused(string path, StackUse use = StackUse.Raw, StackLimits? limits = null) =>
        Assert.Throws<InputException>(() => ImageStack.Open(path, limits, use).Dispose()).Message;

    [Fact]
    public void Open_WhenFolderHoldsSlices_OrdersThemAsPeopleCount()
    {
        var folder = Folder(("s10.png", Png(10)), ("s2.png", Png(2)), ("S1.PNG", Png(1)), (".hidden.png", [1]), ("._s1.png", [1]), ("notes.txt", [1]));
        foreach (var path in new[] { folder, Zip([.. Directory.GetFiles(folder).Select(static f => ("stack/" + Path.GetFileName(f), File.ReadAllBytes(f)))]) })
        {
            using var stack = ImageStack.Open(path);
            Assert.Equal(["S1.PNG", "s2.png", "s10.png"], stack.SliceNames);
            Assert.Equal(new Int3(3, 4, 5), stack.Shape);
            Assert.Equal(PixelKind.Grey8, stack.Kind);
            Assert.Equal([1, 2, 10], Enumerable.Range(0, 3).Select(z => (int)stack.ReadSlice(z).Data[7]));
            Assert.Throws<ArgumentOutOfRangeException>(() => stack.ReadSlice(3));
        }
    }

    [Theory]
    [InlineData("a2", "a10")]
    [InlineData("a02", "a10")]
    [InlineData("a", "a1")]
    [InlineData("z_9_c1", "z_10_c0")]
    [InlineData("a01", "a1")]
    [InlineData("x99999999999999999999998", "x99999999999999999999999")]
    [InlineData("B1", "b2")]
    public void NaturalOrder_WhenCompared_IsAsPeopleCount(string first, string second)
    {
        Assert.True(NaturalOrder.Instance.Compare(first, second) < 0);
        Assert.True(NaturalOrder.Instance.Compare(second, first) > 0);
        Assert.Equal(0, NaturalOrder.Instance.Compare(first, first));
    }

    [Fact]
    public void NaturalOrder_WhenNamesAreRandom_IsATotalOrder()
    {
        var random = new Random(9);
        var names = Enumerable.Range(0, 60).Select(_ => string.Concat(Enumerable.Range(0, random.Next(1, 6)).Select(_ => "aA019_"[random.Next(6)]))).ToArray();
        var order = NaturalOrder.Instance;
        foreach (var a in names)
        {
            foreach (var b in names)
            {
                Assert.Equal(Math.Sign(order.Compare(a, b)), -Math.Sign(order.Compare(b, a)));
                Assert.Equal(a == b, order.Compare(a, b) == 0);
                foreach (var c in names)
                {
                    if (order.Compare(a, b) <= 0 && order.Compare(b, c) <= 0)
                        Assert.True(order.Compare(a, c) <= 0, $"{a} {b} {c}");
                }
            }
        }
    }

    [Fact]
    public void Open_WhenSlicesDoNotFit_NamesTheSlice()
    {
        Assert.Matches("b.png.* is 6 x 4 pixels but a.png is 5 x 4", Refused(Folder(("a.png", Png(1)), ("b.png", Png(1, width: 6)))));
        Assert.Matches("b.png.* is Grey16 but a.png is Grey8", Refused(Folder(("a.png", Png(1)), ("b.png", Png(1, kind: PixelKind.Grey16)))));
        Assert.Matches("a.png.*has a palette.*convert", Refused(Folder(("a.png", Png(1, kind: PixelKind.Palette8)))));
        Assert.Matches("a.png.*colour image.*convert", Refused(Folder(("a.png", Png(1, kind: PixelKind.Rgb8)))));
        Assert.Contains("both TIFF and PNG", Refused(Folder(("a.png", Png(1)), ("b.tif", ImageCodec.EncodeTiff(Grey(1))))));
        Assert.Contains("holds no .tif", Refused(Folder(("a.txt", [1]))));
        Assert.Contains("b.png", Refused(Folder(("a.png", Png(1)), ("b.png", Png(1)[..40]))));
        Assert.Contains("does not exist", Refused(_folder.Path("nothing")));
        Assert.Contains("is not a stack", Refused(Path.Combine(Folder(("a.txt", [1])), "a.txt")));
        Assert.Contains("at most 1", Refused(Folder(("a.png", Png(1)), ("b.png", Png(1))), limits: new StackLimits { MaxSlices = 1 }));
        Assert.Contains("at most 10", Refused(Folder(("a.png", Png(1))), limits: new StackLimits { MaxFileBytes = 10 }));
    }

    [Fact]
    public void Open_WhenLabelsMixKinds_TakesThem()
    {
        using var stack = ImageStack.Open(Folder(("a.png", Png(1)), ("b.png", Png(1, kind: PixelKind.Palette8)), ("c.png", Png(1, kind: PixelKind.Rgb8))), use: StackUse.Labels);
        Assert.Equal([PixelKind.Grey8, PixelKind.Palette8, PixelKind.Rgb8], Enumerable.Range(0, 3).Select(z => stack.ReadSlice(z).Kind));
        Assert.Contains("pixels but", Refused(Folder(("a.png", Png(1)), ("b.png", Png(1, height: 9))), StackUse.Labels));
    }

    [Fact]
    public void ReadSlice_WhenFileChangesAfterOpening_Throws()
    {
        var folder = Folder(("a.png", Png(1)), ("b.png", Png(1)));
        using var stack = ImageStack.Open(folder);
        File.WriteAllBytes(Path.Combine(folder, "b.png"), Png(1, width: 9));
        Assert.Contains("b.png", Assert.Throws<InputException>(() => stack.ReadSlice(1)).Message);
        File.Delete(Path.Combine(folder, "b.png"));
        Assert.Contains("b.png", Assert.Throws<InputException>(() => stack.ReadSlice(1)).Message);
    }

    [Theory]
    [InlineData("../a.png", "leads out")]
    [InlineData("x/../../a.png", "leads out")]
    [InlineData("/etc/a.png", "leads out")]
    [InlineData("C:\\a.png", "leads out")]
    [InlineData("..\\a.png", "leads out")]
    [InlineData("a/b/c.png", "deeper than one folder")]
    public void Open_WhenZipHasBadNames_Refuses(string name, string reason)
    {
        var error = Refused(Zip(("ok.png", Png(1)), (name, Png(1))));
        Assert.Contains(reason, error);
        Assert.Contains(name, error);
    }

    [Fact]
    public void Open_WhenZipIsOddOrDamaged_Refuses()
    {
        Assert.Contains("more than one folder", Refused(Zip(("a/1.png", Png(1)), ("b/2.png", Png(1)))));
        Assert.Contains("two entries", Refused(Zip(("1.png", Png(1)), ("1.png", Png(1)))));
        Assert.Contains("holds no .tif", Refused(Zip(("__MACOSX/1.png", Png(1)), ("readme.txt", [1]))));
        var whole = File.ReadAllBytes(Zip(("1.png", Png(1)), ("2.png", Png(2))));
        var cut = _folder.Path("cut.zip");
        var random = new Random(12);
        for (var i = 0; i < 60; i++)
        {
            File.WriteAllBytes(cut, whole[..random.Next(whole.Length)]);
            Assert.Contains("cut.zip", Refused(cut));
        }

        for (var i = 0; i < 300; i++)
        {
            // Damage in the spare fields of a zip harms nothing; it must never do worse than fail.
            var damaged = (byte[])whole.Clone();
            damaged[random.Next(whole.Length)] ^= (byte)random.Next(1, 256);
            File.WriteAllBytes(cut, damaged);
            try
            {
                using var stack = ImageStack.Open(cut);
                for (var z = 0; z < stack.Shape.Z; z++)
                    stack.ReadSlice(z);
            }
            catch (InputException e)
            {
                Assert.Contains("cut.zip", e.Message);
            }
        }
    }

    [Fact]
    public void Open_WhenZipIsEncrypted_Refuses()
    {
        var path = Zip(("1.png", Png(1)));
        var bytes = File.ReadAllBytes(path);
        // Bit 0 of the general purpose flags, in the local header and in the central directory.
        bytes[6] |= 1;
        var central = bytes.AsSpan().IndexOf((ReadOnlySpan<byte>)[0x50, 0x4b, 1, 2]);
        bytes[central + 8] |= 1;
        File.WriteAllBytes(path, bytes);
        Assert.Matches("1.png is encrypted", Refused(path));
    }

    [Fact]
    public void Open_WhenZipIsABomb_RefusesWithoutUnpackingIt()
    {
        var empty = new byte[8 << 20];
        var limits = new StackLimits { ExpansionFloor = 1 << 20 };
        Assert.Contains("500 times its size", Refused(Zip(("1.tif", empty), ("2.tif", empty)), limits: limits));
        Assert.Contains("at most 1000 ", Refused(Zip(("1.tif", empty)), limits: new StackLimits { MaxFileBytes = 1000 }));
        Assert.Contains("unpacks to 16777216 bytes", Refused(Zip(("1.tif", empty), ("2.tif", empty)), limits: new StackLimits { MaxArchiveBytes = 10 << 20 }));

        // The directory claims 100 bytes, the data unpacks to 8 MiB.
        var path = Zip(("1.tif", empty));
        var bytes = File.ReadAllBytes(path);
        var central = bytes.AsSpan().IndexOf((ReadOnlySpan<byte>)[0x50, 0x4b, 1, 2]);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(central + 24), 100);
        File.WriteAllBytes(path, bytes);
        Assert.Contains("1.tif", Refused(path));
    }

    [Fact]
    public void Open_WhenSourceIsOmeZarr_GivesItsSlices()
    {
        var shape = new Int3(7, 6, 5);
        var options = new OmeOptions { Shape = shape, Chunk = new Int3(3, 4, 4), Type = VoxelType.UInt16, VoxelSize = new VoxelSize(30, 5, 5) };
        var volume = OmeVolume.Create(_folder.Path("s.zarr"), options);
        var voxels = Data.Smooth(shape, VoxelType.UInt16, 1);
        volume.Write(Box3.Whole(shape), voxels);
        using var stack = ImageStack.Open(volume.Path);
        Assert.Equal(shape, stack.Shape);
        Assert.Equal(new VoxelSize(30, 5, 5), stack.VoxelSize);
        foreach (var z in (int[])[6, 0, 1, 5])
            Assert.Equal(voxels.AsSpan(z * 60, 60).ToArray(), stack.ReadSlice(z).Data);
        OmeVolume.Create(_folder.Path("c.zarr"), options with { Channels = 2 });
        Assert.Contains("2 channels", Refused(_folder.Path("c.zarr")));
    }
}
