// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Teravox.Contracts;

/// <summary>How a reduction smooths before it takes fewer pixels.</summary>
public enum ReductionKind
{
    /// <summary>Bicubic (Keys 1981, a = -0.5) whose kernel is stretched by the scale, so that nothing aliases.</summary>
    Bicubic,

    /// <summary>A Gaussian, then interpolation: what scikit-image's <c>rescale(anti_aliasing=True)</c> does.</summary>
    Gaussian,

    /// <summary>A kernel that was measured or is given.</summary>
    Kernel,
}

/// <summary>
/// How a low-resolution section came from the high-resolution one. Super-resolution learns to undo a reduction, so it must
/// be told the right one. JSON: <c>"bicubic"</c>, <c>"gaussian"</c>, or the kernel's rows <c>[[...], ...]</c>.
/// </summary>
[JsonConverter(typeof(ReductionJsonConverter))]
public sealed record Reduction
{
    private Reduction(ReductionKind kind, IReadOnlyList<IReadOnlyList<double>>? kernel)
    {
        Kind = kind;
        Kernel = kernel;
    }

    /// <summary>Antialiased bicubic.</summary>
    public static Reduction Bicubic { get; } = new(ReductionKind.Bicubic, null);

    /// <summary>As scikit-image's <c>rescale(anti_aliasing=True)</c>.</summary>
    public static Reduction Gaussian { get; } = new(ReductionKind.Gaussian, null);

    /// <summary>A kernel: rows (y) of weights (x) on the high-resolution grid, odd numbers of both, sum 1.</summary>
    public static Reduction Of(IReadOnlyList<IReadOnlyList<double>> kernel) => new(ReductionKind.Kernel, kernel);

    /// <summary>Which one.</summary>
    public ReductionKind Kind { get; }

    /// <summary>
    /// Rows (y) of weights (x), centred on the middle one; the image is convolved with it at the high resolution, then sampled
    /// at the low resolution's centres. Null unless <see cref="Kind"/> is <see cref="ReductionKind.Kernel"/>.
    /// </summary>
    public IReadOnlyList<IReadOnlyList<double>>? Kernel { get; }

    /// <summary>Two reductions are the same when their weights are.</summary>
    public bool Equals(Reduction? other) =>
        other is not null && Kind == other.Kind && (Kernel ?? []).SelectMany(RowOf).SequenceEqual((other.Kernel ?? []).SelectMany(RowOf));

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Kind, Kernel?.Count);

    /// <summary>"bicubic", "gaussian" or "a kernel of 5 x 3" (y, x).</summary>
    public override string ToString() => Kind switch
    {
        ReductionKind.Bicubic => "bicubic",
        ReductionKind.Gaussian => "gaussian",
        _ => $"a kernel of {Kernel!.Count} x {Kernel[0].Count}",
    };

    // The length goes along, so that the same weights in rows of other lengths are another kernel.
    private static IEnumerable<double> RowOf(IReadOnlyList<double> row) => row.Prepend(row.Count);
}

internal sealed class ReductionJsonConverter : JsonConverter<Reduction>
{
    public override Reduction Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        const string expected = "expected \"bicubic\", \"gaussian\" or a kernel's rows [[...], ...]";
        if (reader.TokenType == JsonTokenType.String)
        {
            return reader.GetString() switch
            {
                "bicubic" => Reduction.Bicubic,
                "gaussian" => Reduction.Gaussian,
                _ => throw new JsonException(expected),
            };
        }

        if (reader.TokenType != JsonTokenType.StartArray)
            throw new JsonException(expected);
        try
        {
            return Reduction.Of(JsonSerializer.Deserialize<double[][]>(ref reader, options)!);
        }
        catch (JsonException e)
        {
            throw new JsonException(expected, e);
        }
    }

    public override void Write(Utf8JsonWriter writer, Reduction value, JsonSerializerOptions options)
    {
        if (value.Kernel is null)
            writer.WriteStringValue(value.ToString());
        else
            JsonSerializer.Serialize(writer, value.Kernel, options);
    }
}
