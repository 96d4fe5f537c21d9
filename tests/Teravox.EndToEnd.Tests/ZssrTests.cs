// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.IO.Compression;
using Teravox.Contracts;
using Teravox.Volumes;

namespace Teravox.EndToEnd.Tests;

/// <summary>teravox zssr as people type it: what comes out of what goes in, what a kill leaves, and slices that nobody expects.</summary>
public sealed class ZssrTests
{
    private const string Picture = "original-bicubic-boosted.png";

    [Theory]
    [InlineData("slice.tif", 8)]
    [InlineData("slice.tif", 16)]
    [InlineData("slice.png", 8)]
    public async Task Zssr_OfAnImage_LeavesImageVolumeAndPicture(string name, int bits)
    {
        using var folder = new TemporaryFolder();
        Write(folder[name], Texture(30, 37, bits, seed: 1));
        var said = (await RunAsync(folder[name], folder["out"], "--scale", "1.5")).MustSucceed();
        Assert.Contains(Path.Combine(folder["out"], "boosted.tif"), said.Output, StringComparison.Ordinal);
        Assert.Contains("bicubic reduction is assumed", said.Error, StringComparison.Ordinal);

        // 45 x 56: 55.5 columns are rounded up. The image is the volume's only section.
        var image = ImageCodec.Decode(await File.ReadAllBytesAsync(Path.Combine(folder["out"], "boosted.tif"), Ct), "boosted.tif");
        Assert.Equal((45, 56, bits == 8 ? PixelKind.Grey8 : PixelKind.Grey16), (image.Height, image.Width, image.Kind));
        Assert.Equal(Section(folder["out/boosted.zarr"], 0), image.Data);
        Assert.True(image.Data.Distinct().Count() > 16, "the image shows nothing");
        Assert.NotEqual(Section(folder["out/lr.zarr"], 0), image.Data);
        var picture = ImageCodec.Decode(await File.ReadAllBytesAsync(Path.Combine(folder["out"], Picture), Ct), Picture);
        Assert.True(picture is { Kind: PixelKind.Grey8, Width: > 600, Height: > 400 }, $"{picture.Width} x {picture.Height}");
        var html = await File.ReadAllTextAsync(Path.Combine(folder["out"], "report.html"), Ct);
        Assert.Equal(6, html.Split("data:image/png;base64,").Length - 1);
        Assert.DoesNotContain("src=\"http", html, StringComparison.Ordinal);
        Assert.StartsWith("section,iterations,", (await File.ReadAllLinesAsync(Path.Combine(folder["out"], "sections.csv"), Ct))[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Zssr_OfAStack_GivesTheSameBytesFromFolderAndZip()
    {
        using var folder = new TemporaryFolder();
        WriteStack(folder["raw"], 3, 29, 33, bits: 16);
        ZipFile.CreateFromDirectory(folder["raw"], folder["raw.zip"]);
        (await RunAsync(folder["raw"], folder["a"], "--per-axis", "2,1.5")).MustSucceed();
        (await RunAsync(folder["raw.zip"], folder["b"], "--per-axis", "2,1.5")).MustSucceed();
        Assert.Equal(["0000.tif", "0001.tif", "0002.tif"], Directory.GetFiles(folder["a/boosted"]).Select(Path.GetFileName).Order());
        using var images = ImageStack.Open(folder["a/boosted"]);
        Assert.Equal((new Int3(3, 58, 50), PixelKind.Grey16), (images.Shape, images.Kind));
        Assert.All(Enumerable.Range(0, 3), z => Assert.Equal(Section(folder["a/boosted.zarr"], z), images.ReadSlice(z).Data));

        // All but spec and provenance, which name the input.
        foreach (var volume in (string[])["boosted.zarr", "lr.zarr", "boosted"])
            Results.MustEqual(folder["a/" + volume], folder["b/" + volume]);
        Assert.Equal(await File.ReadAllBytesAsync(folder["a/" + Picture], Ct), await File.ReadAllBytesAsync(folder["b/" + Picture], Ct));
    }

    [Fact]
    public async Task Zssr_OfAnOmeZarr_ReadsItWhereItLiesAndKeepsItsExtent()
    {
        using var folder = new TemporaryFolder();
        WriteStack(folder["raw"], 2, 24, 28, bits: 8);
        using (var raw = ImageStack.Open(folder["raw"]))
        {
            var volume = OmeVolume.Create(folder["raw.zarr"], new OmeOptions { Shape = raw.Shape, Type = VoxelType.UInt8, VoxelSize = new VoxelSize(40, 8, 8), Chunk = new Int3(2, 16, 16) });
            volume.Write(Box3.Whole(raw.Shape), [.. raw.ReadSlice(0).Data, .. raw.ReadSlice(1).Data]);
        }

        (await RunAsync(folder["raw.zarr"], folder["out"], "--per-axis", "1,2", "--chain", "2")).MustSucceed();
        var boosted = OmeVolume.Open(folder["out/boosted.zarr"]);
        Assert.Equal((new Int3(2, 24, 56), new VoxelSize(40, 8, 4)), (boosted.Shape, boosted.VoxelSize));
        Assert.False(Directory.Exists(folder["out/.teravox/raw.zarr"]), "the volume was copied");
        Assert.False(Path.Exists(folder["out/boosted"]) || Path.Exists(folder["out/boosted.tif"]), "images came out where none went in");
    }

    [Fact]
    public async Task Zssr_WithTheSameOptionsOnly_GivesTheSameResult()
    {
        using var folder = new TemporaryFolder();
        Write(folder["slice.tif"], Texture(24, 24, 8, seed: 1));
        await File.WriteAllTextAsync(folder["kernel.json"], "[[0.1, 0.1, 0.1], [0.1, 0.2, 0.1], [0.1, 0.1, 0.1]]", Ct);
        string[][] ways = [[], [], ["--seed", "5"], ["--kernel", "gaussian"], ["--kernel", folder["kernel.json"]], ["--noise", "8"], ["--gradual"]];
        var results = new List<string>();
        foreach (var (way, i) in ways.Select((w, i) => (w, i)))
        {
            var outDir = folder[i.ToString(CultureInfo.InvariantCulture)];
            (await RunAsync(folder["slice.tif"], outDir, way)).MustSucceed();

            // With the errors: so short a training changes few pixels.
            var errors = await File.ReadAllTextAsync(Path.Combine(outDir, "sections.csv"), Ct);
            results.Add(errors + Convert.ToHexString(Section(outDir + "/boosted.zarr", 0)));
        }

        Assert.Equal(results[0], results[1]);
        Assert.Equal(results.Count - 1, results.Distinct().Count());
    }

    [Fact]
    public async Task Zssr_WhenKilledInMidSlice_EndsWithTheBytesOfAnUnbrokenRun()
    {
        using var folder = new TemporaryFolder();
        WriteStack(folder["raw"], 3, 24, 24, bits: 8);
        (await RunAsync(folder["raw"], folder["unbroken"])).MustSucceed();

        // A slice comes to the point once for each of its 8 iterations, 8 outputs and its end: the first kill comes in the first
        // slice's third iteration; the second start begins it anew and is killed in the third iteration of the last slice.
        foreach (var (point, finished) in ((string, int)[])[("super-resolve.iteration:3", 0), ("super-resolve.iteration:37", 2)])
        {
            await TeravoxProcess.KillAtAsync(Command(folder["raw"], folder["killed"]), point);
            var sections = folder["killed/boosted.zarr/s0"];
            Assert.Equal(finished, Directory.Exists(sections) ? Directory.GetDirectories(sections).Length : 0);
        }

        var last = (await RunAsync(folder["raw"], folder["killed"])).MustSucceed();
        Assert.Contains("going on from the last commit", last.Error, StringComparison.Ordinal);
        MustBeUnbroken(folder);
    }

    [Fact]
    public async Task Zssr_WhenKilledAtAnyFaultPoint_EndsWithTheBytesOfAnUnbrokenRun()
    {
        using var folder = new TemporaryFolder();
        WriteStack(folder["raw"], 3, 20, 20, bits: 8);
        (await RunAsync(folder["raw"], folder["unbroken"])).MustSucceed();
        string[] points = ["*:11", "*:19", "*:7", "*:14", "chunk.before-link:1", "*:9", "file.before-rename:2", "*:13", "export.before-rename:1"];
        var kills = 0;
        foreach (var point in points)
        {
            var result = await TeravoxProcess.RunAsync(Command(folder["raw"], folder["killed"]), ("TERAVOX_KILL_AT", point));
            if (result.WasKilled)
                kills++;
            else
                result.MustSucceed();
        }

        (await RunAsync(folder["raw"], folder["killed"])).MustSucceed();
        Assert.True(kills >= 5, $"{kills} kills");
        MustBeUnbroken(folder);
    }

    [Theory]
    [InlineData("constant", 24, 20)]
    [InlineData("noise", 40, 40)]
    [InlineData("texture", 5, 7)]
    [InlineData("texture", 1, 50)]
    [InlineData("texture", 50, 1)]
    [InlineData("texture", 1, 1)]
    public async Task Zssr_OfAnOddSlice_GivesAnImageNoWorseThanBicubic(string what, int y, int x)
    {
        using var folder = new TemporaryFolder();
        var random = new Random(4);
        var slice = what switch
        {
            "constant" => new SliceImage(x, y, PixelKind.Grey8, [.. Enumerable.Repeat((byte)93, y * x)], null),
            "noise" => new SliceImage(x, y, PixelKind.Grey8, [.. Enumerable.Range(0, y * x).Select(_ => (byte)random.Next(256))], null),
            _ => Texture(y, x, 8, seed: 2),
        };
        Write(folder["slice.tif"], slice);
        (await RunAsync(folder["slice.tif"], folder["out"])).MustSucceed();
        var boosted = OmeVolume.Open(folder["out/boosted.zarr"]);
        Assert.Equal(new Int3(1, 2 * y, 2 * x), boosted.Shape);
        var voxels = Section(folder["out/boosted.zarr"], 0);
        if (what == "constant" || y * x == 1)
            Assert.All(voxels, v => Assert.Equal(slice.Data[0], v));

        // Brightness stays: whatever was learnt, the mean of the reduced result is the slice's.
        Assert.Equal(slice.Data.Average(v => v), voxels.Average(v => v), tolerance: 4.0);
        Assert.True(File.Exists(folder["out/" + Picture]));
    }

    [Theory]
    [InlineData("--scale and --per-axis", "--scale", "2", "--per-axis", "2,2")]
    [InlineData("--scale 5", "--scale", "5")]
    [InlineData("--scale NaN", "--scale", "NaN")]
    [InlineData("--scale two", "--scale", "two")]
    [InlineData("--per-axis 2", "--per-axis", "2")]
    [InlineData("--per-axis 1,1", "--per-axis", "1,1")]
    [InlineData("--kernel nowhere.json", "--kernel", "nowhere.json")]
    [InlineData("superResolve.noise", "--noise", "-1")]
    [InlineData("superResolve.maxIterations", "--max-iterations", "0")]
    [InlineData("superResolve.chain", "--chain", "0")]
    public async Task Zssr_WithABadOption_NamesItAndWritesNothing(string named, params string[] options)
    {
        using var folder = new TemporaryFolder();
        Write(folder["slice.tif"], Texture(20, 20, 8, seed: 1));
        string[] command = ["zssr", folder["slice.tif"], "--out", folder["out"], .. options];
        (await TeravoxProcess.RunAsync(command)).MustRefuse(named);
        Assert.False(Directory.Exists(folder["out"]));
    }

    [Fact]
    public async Task Zssr_OfWhatIsNoGreyImage_NamesIt()
    {
        using var folder = new TemporaryFolder();
        Write(folder["colour.png"], new SliceImage(20, 20, PixelKind.Rgb8, new byte[1200], null));
        (await RunAsync(folder["colour.png"], folder["out"])).MustRefuse("colour.png", "colour image");
        (await RunAsync(folder["absent.tif"], folder["out"])).MustRefuse("absent.tif", "does not exist");
        await File.WriteAllTextAsync(folder["kernel.json"], "[[0.5, 0.5]]", Ct);
        Write(folder["slice.tif"], Texture(20, 20, 8, seed: 1));
        (await RunAsync(folder["slice.tif"], folder["out"], "--kernel", folder["kernel.json"])).MustRefuse("kernel", "odd number");
        Assert.False(Directory.Exists(folder["out"]));
    }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private static string[] Command(string input, string outDir, params string[] more) =>
        ["zssr", input, "--out", outDir, "--max-iterations", "8", "--threads", "1", .. more];

    private static Task<TeravoxProcess.Result> RunAsync(string input, string outDir, params string[] more) =>
        TeravoxProcess.RunAsync(Command(input, outDir, more));

    private static void MustBeUnbroken(TemporaryFolder folder)
    {
        Results.MustEqual(folder["unbroken"], folder["killed"]);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder["killed"], "*.tmp-*", SearchOption.AllDirectories));
    }

    private static void WriteStack(string folder, int slices, int y, int x, int bits)
    {
        Directory.CreateDirectory(folder);
        for (var z = 0; z < slices; z++)
            Write(Path.Combine(folder, z.ToString("D3", CultureInfo.InvariantCulture) + ".tif"), Texture(y, x, bits, seed: z));
    }

    private static void Write(string path, SliceImage image) =>
        File.WriteAllBytes(path, path.EndsWith(".png", StringComparison.Ordinal) ? ImageCodec.EncodePng(image) : ImageCodec.EncodeTiff(image));

    /// <summary>Waves of several lengths with a little noise: something to learn from.</summary>
    private static SliceImage Texture(int y, int x, int bits, int seed)
    {
        var random = new Random(seed);
        var data = new byte[y * x * bits / 8];
        for (var i = 0; i < y * x; i++)
        {
            var (row, column) = (i / x, i % x);
            var wave = Math.Sin((row + (2 * seed)) / 2.3) + Math.Sin((column - seed) / 3.1) + Math.Sin((row + column) / 7.0);
            var grey = (byte)Math.Clamp(128 + (35 * wave) + random.Next(-6, 7), 0, 255);
            if (bits == 8)
                data[i] = grey;
            else
                BitConverter.TryWriteBytes(data.AsSpan(2 * i), (ushort)(1000 + (grey * 40)));
        }

        return new SliceImage(x, y, bits == 8 ? PixelKind.Grey8 : PixelKind.Grey16, data, null);
    }

    private static byte[] Section(string volume, int z)
    {
        var stored = OmeVolume.Open(volume);
        var voxels = new byte[stored.Shape.Y * stored.Shape.X * stored.Type.Bytes()];
        stored.Read(new Box3(new Int3(z, 0, 0), stored.Shape with { Z = 1 }), voxels);
        return voxels;
    }
}
