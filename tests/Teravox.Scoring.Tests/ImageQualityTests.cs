// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Teravox.Contracts;
using Teravox.Grains.Scoring;

namespace Teravox.Scoring.Tests;

public sealed class ImageQualityTests : IDisposable
{
    // Both sides compute in double precision and differ in the order of their sums.
    private const double BoundDecibels = 1e-9, BoundSsim = 1e-10;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("teravox-quality-");
    private readonly List<Case> _cases = [];

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData(VoxelType.UInt8)]
    [InlineData(VoxelType.UInt16)]
    public void PsnrAndSsim_WhenRandomSections_AreScikitImages(VoxelType type)
    {
        foreach (var (y, x) in new[] { (64, 64), (33, 50), (11, 11), (11, 90), (40, 12) })
        {
            foreach (var noise in new[] { .01, .2, 1 })
            {
                // A slope under noise: means, variances and covariance all matter.
                var random = new Random(y + (int)(100 * noise));
                var top = type == VoxelType.UInt8 ? 255 : 65535;
                var truth = Section(type, y, x, (row, column) => top * (.2 + (.4 * row / y) + (.3 * column / x * random.NextDouble())));
                var image = Section(type, y, x, (row, column) => Value(truth, type, (row * x) + column) + (noise * top * (random.NextDouble() - .5)));
                Add(image, truth, type, y, x, 0);
                if (Math.Min(y, x) >= 19)
                    Add(image, truth, type, y, x, 4);
            }
        }

        Compare();
    }

    [Fact]
    public void PsnrAndSsim_WhenRealEm_AreScikitImages()
    {
        var tiff = Path.Combine(VncData.Require(), "raw", "07.tif");
        foreach (var (y, x, border) in new[] { (1024, 1024, 0), (500, 333, 2) })
        {
            var name = Path.Combine(_folder.FullName, $"{y}");
            _cases.Add(new Case(name + ".image", name + ".truth", [y, x], 8, border, tiff));
        }

        Compare();
    }

    [Fact]
    public void Psnr_WhenEveryPixelIsOneOff_Is48Point13Decibels()
    {
        var (truth, image) = (Section(VoxelType.UInt8, 5, 7, static (_, _) => 100), Section(VoxelType.UInt8, 5, 7, static (_, _) => 101));
        Assert.Equal(48.1308, ImageQuality.Psnr(image, truth, VoxelType.UInt8, 5, 7)!.Value, 1e-4);
    }

    [Fact]
    public void PsnrAndSsim_WhenEqual_AreNoNumberAndOne()
    {
        var truth = Section(VoxelType.UInt16, 20, 30, static (y, x) => (y * x * 97) % 65536);
        Assert.Null(ImageQuality.Psnr(truth, truth, VoxelType.UInt16, 20, 30));
        Assert.Equal(1, ImageQuality.Ssim(truth, truth, VoxelType.UInt16, 20, 30)!.Value, 1e-12);
        var black = new byte[400];
        Assert.Equal(1, ImageQuality.Ssim(black, black, VoxelType.UInt8, 20, 20)!.Value, 1e-12);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 200)]
    [InlineData(10, 11)]
    [InlineData(11, 10)]
    public void Ssim_WhenTheWindowDoesNotFit_IsNullAndPsnrIsNot(int y, int x)
    {
        var (truth, image) = (Section(VoxelType.UInt8, y, x, static (_, _) => 100), Section(VoxelType.UInt8, y, x, static (_, _) => 90));
        Assert.Null(ImageQuality.Ssim(image, truth, VoxelType.UInt8, y, x));
        Assert.Equal(28.1308, ImageQuality.Psnr(image, truth, VoxelType.UInt8, y, x)!.Value, 1e-4);
    }

    [Fact]
    public void PsnrAndSsim_WhenTheyDifferAtTheBorderOnly_AreThoseOfTheInside()
    {
        var truth = Section(VoxelType.UInt8, 20, 20, static (y, x) => 10 * Math.Max(y, x));
        var image = Section(VoxelType.UInt8, 20, 20, static (y, x) => y == 0 || x == 19 ? 255 : 10 * Math.Max(y, x));
        Assert.NotNull(ImageQuality.Psnr(image, truth, VoxelType.UInt8, 20, 20));
        Assert.Null(ImageQuality.Psnr(image, truth, VoxelType.UInt8, 20, 20, border: 1));
        Assert.Equal(1, ImageQuality.Ssim(image, truth, VoxelType.UInt8, 20, 20, border: 1)!.Value, 1e-12);
        Assert.Null(ImageQuality.Ssim(image, truth, VoxelType.UInt8, 20, 20, border: 5));
    }

    [Fact]
    public void PsnrAndSsim_WhenBytesOrBorderDoNotFit_AreRefused()
    {
        Assert.Throws<ArgumentException>(static () => ImageQuality.Psnr(new byte[16], new byte[16], VoxelType.UInt16, 4, 4));
        Assert.Throws<ArgumentException>(static () => ImageQuality.Ssim(new byte[16], new byte[15], VoxelType.UInt8, 4, 4));
        Assert.Throws<ArgumentException>(static () => ImageQuality.Psnr(new byte[16], new byte[16], VoxelType.UInt8, 4, 4, border: 2));
        Assert.Throws<ArgumentException>(static () => ImageQuality.Ssim(new byte[16], new byte[16], VoxelType.UInt8, 4, 4, border: -1));
    }

    private static double Value(byte[] section, VoxelType type, int i) =>
        type == VoxelType.UInt8 ? section[i] : MemoryMarshal.Cast<byte, ushort>(section)[i];

    private static byte[] Section(VoxelType type, int y, int x, Func<int, int, double> grey)
    {
        var section = new byte[y * x * type.Bytes()];
        for (var i = 0; i < y * x; i++)
        {
            var value = grey(i / x, i % x);
            if (type == VoxelType.UInt8)
                section[i] = (byte)Math.Clamp(value, 0, 255);
            else
                MemoryMarshal.Cast<byte, ushort>(section.AsSpan())[i] = (ushort)Math.Clamp(value, 0, 65535);
        }

        return section;
    }

    private void Add(byte[] image, byte[] truth, VoxelType type, int y, int x, int border)
    {
        var name = Path.Combine(_folder.FullName, $"{_cases.Count}");
        File.WriteAllBytes(name + ".image", image);
        File.WriteAllBytes(name + ".truth", truth);
        _cases.Add(new Case(name + ".image", name + ".truth", [y, x], 8 * type.Bytes(), border, null));
    }

    private void Compare()
    {
        var list = Path.Combine(_folder.FullName, "cases.json");
        File.WriteAllText(list, JsonSerializer.Serialize(_cases, TeravoxJson.Compact));
        var lines = Python.Run("quality_reference.py", list).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(_cases.Count, lines.Length);
        foreach (var (c, line) in _cases.Zip(lines))
        {
            var expected = line.Split(' ').Select(static word => double.Parse(word, CultureInfo.InvariantCulture)).ToArray();
            var (image, truth) = (File.ReadAllBytes(c.Image), File.ReadAllBytes(c.Truth));
            var type = c.Bits == 8 ? VoxelType.UInt8 : VoxelType.UInt16;
            Assert.Equal(expected[0], ImageQuality.Psnr(image, truth, type, c.Shape[0], c.Shape[1], c.Border)!.Value, BoundDecibels);
            Assert.Equal(expected[1], ImageQuality.Ssim(image, truth, type, c.Shape[0], c.Shape[1], c.Border)!.Value, BoundSsim);
        }
    }

    private sealed record Case(string Image, string Truth, int[] Shape, int Bits, int Border, string? Tiff);
}
