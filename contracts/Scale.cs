// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Teravox.Contracts;

/// <summary>
/// By how much a section's sides differ between two resolutions: 1.2..4 for each in-plane axis, or 1 for one of them that is left
/// as it is. The number of sections stays. JSON: one number for both axes, or <c>[y, x]</c>.
/// </summary>
/// <param name="Y">Along y.</param>
/// <param name="X">Along x.</param>
[JsonConverter(typeof(ScaleJsonConverter))]
public readonly record struct Scale(double Y, double X)
{
    /// <summary>The smallest and the largest factor of an axis that changes.</summary>
    public const double Smallest = 1.2, Largest = 4;

    /// <summary>Twice as many pixels along y and x.</summary>
    public static readonly Scale Two = new(2, 2);

    /// <summary>True when both factors are within <see cref="Smallest"/>..<see cref="Largest"/>, or one is and the other is 1.</summary>
    [JsonIgnore]
    public bool IsInRange => IsFactor(Y) && IsFactor(X) && this != new Scale(1, 1);

    /// <summary>"2" or "2 x 1.5" (y, x).</summary>
    public override string ToString() => Y.Equals(X)
        ? Y.ToString(CultureInfo.InvariantCulture)
        : string.Create(CultureInfo.InvariantCulture, $"{Y} x {X}");

    private static bool IsFactor(double f) => f is 1 or (>= Smallest and <= Largest);
}

internal sealed class ScaleJsonConverter : JsonConverter<Scale>
{
    public override Scale Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.Number)
        {
            var both = reader.GetDouble();
            return new Scale(both, both);
        }

        if (reader.TokenType == JsonTokenType.StartArray
            && reader.Read() && reader.TokenType == JsonTokenType.Number && reader.TryGetDouble(out var y)
            && reader.Read() && reader.TokenType == JsonTokenType.Number && reader.TryGetDouble(out var x)
            && reader.Read() && reader.TokenType == JsonTokenType.EndArray)
            return new Scale(y, x);
        throw new JsonException("expected one number or two [y, x]");
    }

    public override void Write(Utf8JsonWriter writer, Scale value, JsonSerializerOptions options)
    {
        writer.WriteStartArray();
        writer.WriteNumberValue(value.Y);
        writer.WriteNumberValue(value.X);
        writer.WriteEndArray();
    }
}
