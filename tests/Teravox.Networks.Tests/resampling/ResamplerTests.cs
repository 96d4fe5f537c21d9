// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using Teravox.Contracts;

namespace Teravox.Networks.Tests;

/// <summary>
/// The values themselves, against scikit-image, PIL and the published formulas in numpy. What holds for any image is tested in
/// ResamplingTests.cs.
/// </summary>
public sealed class ResamplerTests : IDisposable
{
    /// <summary>Grey levels, for images of 0..255: ours is computed in single precision (255 x 2^-24 a rounding), theirs in double.</summary>
    private const double Bound = 1e-4;

    // Square and not, odd and even, thinner than any kernel.
    private static readonly (int Y, int X)[] Shapes = [(64, 48), (101, 67), (33, 128), (7, 5), (3, 90), (1, 50), (1, 1)];

    private static readonly Scale[] Scales = [new(2, 2), new(1.2, 1.7), new(3, 4), new(1, 2.5), new(4, 1.33)];

    private static readonly double[][] Uneven =
        [[0, .125, 0, 0, 0], [0, .25, .25, 0, .0625], [0, .125, .0625, .125, 0]];

    private readonly TemporaryFolder _folder = new();
    private readonly List<Case> _cases = [];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Reduce_WhenGaussian_IsScikitImagesAntialiasedRescale()
    {
        ForEach((image, shape, scale) => Add("rescale", image, shape, Resampler.ReducedShape(shape.Y, shape.X, scale), scale: scale));
        Compare((pixels, c, result) => Resampler.Reduce(pixels, c.From, c.Into, Reduction.Gaussian, result));
    }

    [Fact]
    public void Reduce_WhenBicubic_IsKeysCubicWidenedAndMirrored()
    {
        ForEach((image, shape, scale) => Add("keys", image, shape, Resampler.ReducedShape(shape.Y, shape.X, scale)));
        Compare((pixels, c, result) => Resampler.Reduce(pixels, c.From, c.Into, Reduction.Bicubic, result));
    }

    [Fact]
    public void Reduce_WhenBicubic_IsPilsAwayFromBorders()
    {
        // PIL leaves out what lies beyond the border, where ours mirrors: 2 output pixels see it, and 1 more its rounding.
        ForEach((image, shape, scale) => Add("pil", image, shape, Resampler.ReducedShape(shape.Y, shape.X, scale)));
        Compare((pixels, c, result) => Resampler.Reduce(pixels, c.From, c.Into, Reduction.Bicubic, result), static _ => (3, 3));
    }

    [Fact]
    public void Reduce_WhenAKernelIsGiven_IsScipysConvolutionReadByKeysCubic()
    {
        ForEach((image, shape, scale) => Add("kernel", image, shape, Resampler.ReducedShape(shape.Y, shape.X, scale), kernel: Uneven));
        Compare((pixels, c, result) => Resampler.Reduce(pixels, c.From, c.Into, Reduction.Of(Uneven), result));
    }

    [Fact]
    public void Enlarge_WhenAnyScale_IsKeysCubicMirrored()
    {
        ForEach((image, shape, scale) => Add("keys", image, shape, Resampler.EnlargedShape(shape.Y, shape.X, scale)));
        Compare(static (pixels, c, result) => Resampler.Enlarge(pixels, c.From, c.Into, result));
    }

    [Fact]
    public void Enlarge_WhenAnyScale_IsPilsAwayFromBorders()
    {
        ForEach((image, shape, scale) => Add("pil", image, shape, Resampler.EnlargedShape(shape.Y, shape.X, scale)));
        Compare(
            static (pixels, c, result) => Resampler.Enlarge(pixels, c.From, c.Into, result),
            static c => ((int)Math.Ceiling(2.0 * c.To[0] / c.Shape[0]), (int)Math.Ceiling(2.0 * c.To[1] / c.Shape[1])));
    }

    [Fact]
    public void ReduceAndEnlarge_WhenRealEm_AreTheReferences()
    {
        var section = Path.Combine(VncData.Require(), "raw", "03.tif");
        (int Y, int X) whole = (1024, 1024), odd = (1021, 767);
        Add("rescale", "whole", whole, (512, 512), scale: Scale.Two, tiff: section);
        Add("rescale", "odd", odd, Resampler.ReducedShape(1021, 767, new Scale(1.5, 3)), scale: new Scale(1.5, 3), tiff: section);
        Compare(static (pixels, c, result) => Resampler.Reduce(pixels, c.From, c.Into, Reduction.Gaussian, result));

        Add("keys", "whole", whole, (512, 512), tiff: section);
        Add("keys", "odd", odd, Resampler.ReducedShape(1021, 767, new Scale(1.5, 3)), tiff: section);
        Compare(static (pixels, c, result) => Resampler.Reduce(pixels, c.From, c.Into, Reduction.Bicubic, result));

        Add("keys", "corner", (256, 200), (512, 500), tiff: section);
        Compare(static (pixels, c, result) => Resampler.Enlarge(pixels, c.From, c.Into, result));
    }

    [Fact]
    public void ReducedShape_WhenAnySizeAndScale_IsScikitImages()
    {
        var lines = Python.Run("resample_reference.py").Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(8 * 199, lines.Length);
        Assert.All(lines, static line =>
        {
            var words = line.Split(' ');
            var (size, scale) = (int.Parse(words[0], CultureInfo.InvariantCulture), double.Parse(words[1], CultureInfo.InvariantCulture));
            Assert.Equal((int.Parse(words[2], CultureInfo.InvariantCulture), 7), Resampler.ReducedShape(size, 7, new Scale(scale, 1)));
        });
    }

    [Fact]
    public void EnlargedShape_WhenTheProductIsNotWhole_IsRoundedUp()
    {
        Assert.Equal((8, 10), Resampler.EnlargedShape(5, 5, new Scale(1.5, 2)));
        Assert.Equal((11, 2), Resampler.EnlargedShape(10, 1, new Scale(1.1, 1.2)));  // 10 * 1.1 is 11.000000000000002
    }

    [Fact]
    public void Reduce_WhenTheKernelIsWrong_SaysWhat()
    {
        Refuse("131", [new double[131]]);
        Refuse("sum is NaN", [[double.NaN, 1, 0]]);
        Refuse("2x3", [[.5, 0, 0], [.5, 0, 0]]);
        Refuse("sum is 2", [[1, 1, 0]]);
        Refuse("different lengths", [[.5, .5, 0], [0]]);
        Refuse("0x0", []);

        static void Refuse(string words, double[][] kernel) =>
            Assert.Contains(
                words,
                Assert.Throws<InputException>(() => Resampler.Reduce(new float[16], (4, 4), (2, 2), Reduction.Of(kernel), new float[4])).Message);
    }

    [Fact]
    public void ReduceAndEnlarge_WhenABufferDoesNotFit_AreRefused()
    {
        Assert.Throws<ArgumentException>(() => Resampler.Reduce(new float[15], (4, 4), (2, 2), Reduction.Bicubic, new float[4]));
        Assert.Throws<ArgumentException>(() => Resampler.Enlarge(new float[4], (2, 2), (4, 4), new float[17]));
        Assert.Contains("4x4 pixels", Assert.Throws<ArgumentException>(() => Resampler.Enlarge(new float[16], (4, 4), (2, 2), new float[4])).Message);
    }

    private void ForEach(Action<string, (int Y, int X), Scale> body)
    {
        foreach (var shape in Shapes)
        {
            var image = $"{shape.Y}x{shape.X}";
            foreach (var (scale, i) in Scales.Select(static (s, i) => (s, i)))
            {
                var random = new Random(1000 + i);
                var pixels = Enumerable.Range(0, shape.Y * shape.X).Select(_ => (double)(float)(255 * random.NextDouble())).ToArray();
                File.WriteAllBytes(_folder.File($"{image}-{i}"), MemoryMarshal.AsBytes(pixels.AsSpan()));
                body($"{image}-{i}", shape, scale);
            }
        }
    }

    private void Add(
        string how, string image, (int Y, int X) shape, (int Y, int X) to, Scale? scale = null, double[][]? kernel = null, string? tiff = null) =>
        _cases.Add(new Case
        {
            How = how,
            Image = _folder.File(image),
            Shape = [shape.Y, shape.X],
            To = [to.Y, to.X],
            Scale = scale,
            Kernel = kernel,
            Tiff = tiff,
        });

    private delegate void Resample(ReadOnlySpan<float> pixels, Case c, Span<float> result);

    // Every case by the reference and by ours; margin: pixels along each border (y, x) that are not compared.
    private void Compare(Resample resample, Func<Case, (int Y, int X)>? margin = null)
    {
        var list = _folder.File("cases.json");
        File.WriteAllText(list, JsonSerializer.Serialize(_cases, TeravoxJson.Compact));
        Python.Run("resample_reference.py", list);
        var compared = 0L;
        foreach (var c in _cases)
        {
            var pixels = Read(c.Image).Select(static v => (float)v).ToArray();
            var expected = Read($"{c.Image}.{c.How}");
            var result = new float[c.To[0] * c.To[1]];
            resample(pixels, c, result);
            var (my, mx) = margin?.Invoke(c) ?? (0, 0);
            for (var y = my; y < c.To[0] - my; y++)
            {
                for (var x = mx; x < c.To[1] - mx; x++)
                {
                    var i = (y * c.To[1]) + x;
                    compared++;
                    if (!(Math.Abs(result[i] - expected[i]) <= Bound))
                        Assert.Fail($"{c.How} of {Path.GetFileName(c.Image)} to {c.Into}, at ({y}, {x}): {result[i]}, but {expected[i]} is right");
                }
            }
        }

        Assert.True(compared > 10_000, $"only {compared} pixels were compared");
        _cases.Clear();
    }

    private static double[] Read(string path) => MemoryMarshal.Cast<byte, double>(File.ReadAllBytes(path)).ToArray();

    private sealed record Case
    {
        public required string How { get; init; }

        public required string Image { get; init; }

        public required int[] Shape { get; init; }

        public required int[] To { get; init; }

        public Scale? Scale { get; init; }

        public double[][]? Kernel { get; init; }

        public string? Tiff { get; init; }

        [JsonIgnore]
        public (int Y, int X) From => (Shape[0], Shape[1]);

        [JsonIgnore]
        public (int Y, int X) Into => (To[0], To[1]);
    }
}
