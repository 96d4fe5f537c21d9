// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Teravox.Contracts;

/// <summary>A triple in the order (z, y, x): a shape, a position or a factor per axis. JSON: <c>[z, y, x]</c>.</summary>
[GenerateSerializer]
[Immutable]
[JsonConverter(typeof(Int3JsonConverter))]
public readonly record struct Int3(int Z, int Y, int X)
{
    /// <summary>(0, 0, 0).</summary>
    public static readonly Int3 Zero = new(0, 0, 0);

    /// <summary>(1, 1, 1).</summary>
    public static readonly Int3 One = new(1, 1, 1);

    /// <summary>Number of voxels of a box of this shape.</summary>
    public long Count => (long)Z * Y * X;

    /// <summary>The component of an axis: 0 = z, 1 = y, 2 = x.</summary>
    public int this[int axis] => axis switch { 0 => Z, 1 => Y, 2 => X, _ => throw new ArgumentOutOfRangeException(nameof(axis)) };

    /// <summary>True when every component is at least 1.</summary>
    public bool IsPositive => Z > 0 && Y > 0 && X > 0;

    /// <summary>Applies <paramref name="f"/> to each component.</summary>
    public Int3 Map(Func<int, int> f) => new(f(Z), f(Y), f(X));

    /// <summary>Applies <paramref name="f"/> to each pair of components.</summary>
    public static Int3 Zip(Int3 a, Int3 b, Func<int, int, int> f) => new(f(a.Z, b.Z), f(a.Y, b.Y), f(a.X, b.X));

    /// <summary>Each component rounded up to a multiple of <paramref name="grid"/>'s.</summary>
    public Int3 RoundUpTo(Int3 grid) => Zip(this, grid, static (v, g) => (v + g - 1) / g * g);

    /// <summary>Component-wise minimum.</summary>
    public static Int3 Min(Int3 a, Int3 b) => Zip(a, b, Math.Min);

    /// <summary>Component-wise maximum.</summary>
    public static Int3 Max(Int3 a, Int3 b) => Zip(a, b, Math.Max);

    /// <summary>Component-wise sum.</summary>
    public static Int3 operator +(Int3 a, Int3 b) => new(a.Z + b.Z, a.Y + b.Y, a.X + b.X);

    /// <summary>Component-wise difference.</summary>
    public static Int3 operator -(Int3 a, Int3 b) => new(a.Z - b.Z, a.Y - b.Y, a.X - b.X);

    /// <summary>Component-wise product.</summary>
    public static Int3 operator *(Int3 a, Int3 b) => new(a.Z * b.Z, a.Y * b.Y, a.X * b.X);

    /// <summary>"z x y x x" as people write shapes: 14x1024x1024.</summary>
    public override string ToString() => $"{Z}x{Y}x{X}";
}

/// <summary>A half-open box of voxels: <c>Start &lt;= v &lt; End</c> per axis. Start may be negative (a halo beyond the border).</summary>
public readonly record struct Box3(Int3 Start, Int3 Shape)
{
    /// <summary>One past the last voxel per axis.</summary>
    [JsonIgnore]
    public Int3 End => Start + Shape;

    /// <summary>Number of voxels.</summary>
    [JsonIgnore]
    public long Count => Shape.Count;

    /// <summary>True when no voxel lies in the box.</summary>
    [JsonIgnore]
    public bool IsEmpty => !Shape.IsPositive;

    /// <summary>The whole of a volume of this shape.</summary>
    public static Box3 Whole(Int3 shape) => new(Int3.Zero, shape);

    /// <summary>From corners; <paramref name="end"/> is exclusive.</summary>
    public static Box3 Between(Int3 start, Int3 end) => new(start, end - start);

    /// <summary>The voxels in both; empty (shape with a zero) when there are none.</summary>
    public Box3 Intersect(Box3 other)
    {
        var start = Int3.Max(Start, other.Start);
        return Between(start, Int3.Max(start, Int3.Min(End, other.End)));
    }

    /// <summary>True when every voxel of <paramref name="other"/> lies in this box.</summary>
    public bool Contains(Box3 other) => Intersect(other) == other;

    /// <summary>Grown by <paramref name="margin"/> voxels to both sides of each axis.</summary>
    public Box3 Grow(Int3 margin) => new(Start - margin, Shape + margin + margin);

    /// <summary>"start+shape".</summary>
    public override string ToString() => $"[{Start.Z},{Start.Y},{Start.X}]+{Shape}";
}

/// <summary>Voxel size in nanometres per axis; each above 0. JSON: <c>[z, y, x]</c>.</summary>
[GenerateSerializer]
[Immutable]
[JsonConverter(typeof(VoxelSizeJsonConverter))]
public readonly record struct VoxelSize(double Z, double Y, double X)
{
    /// <summary>1 nm per axis: what a stack has when nobody said.</summary>
    public static readonly VoxelSize Unit = new(1, 1, 1);
}

/// <summary>What a voxel is stored as.</summary>
public enum VoxelType
{
    /// <summary>8-bit grey or class id, 1 byte.</summary>
    UInt8 = 0,

    /// <summary>16-bit grey, 2 bytes, in memory in native order.</summary>
    UInt16 = 1,
}

/// <summary>Sizes of voxel types.</summary>
public static class VoxelTypes
{
    /// <summary>Bytes of one voxel.</summary>
    public static int Bytes(this VoxelType type) => type == VoxelType.UInt16 ? 2 : 1;

    /// <summary>Number of grey levels: 256 or 65536.</summary>
    public static int Levels(this VoxelType type) => type == VoxelType.UInt16 ? 65536 : 256;
}

internal sealed class Int3JsonConverter : JsonConverter<Int3>
{
    public override Int3 Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var values = JsonSerializer.Deserialize<int[]>(ref reader, options);
        return values is [var z, var y, var x] ? new Int3(z, y, x) : throw new JsonException("expected three whole numbers [z, y, x]");
    }

    public override void Write(Utf8JsonWriter writer, Int3 value, JsonSerializerOptions options)
    {
        writer.WriteStartArray();
        writer.WriteNumberValue(value.Z);
        writer.WriteNumberValue(value.Y);
        writer.WriteNumberValue(value.X);
        writer.WriteEndArray();
    }
}

internal sealed class VoxelSizeJsonConverter : JsonConverter<VoxelSize>
{
    public override VoxelSize Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var values = JsonSerializer.Deserialize<double[]>(ref reader, options);
        return values is [var z, var y, var x] ? new VoxelSize(z, y, x) : throw new JsonException("expected three numbers [z, y, x] in nm");
    }

    public override void Write(Utf8JsonWriter writer, VoxelSize value, JsonSerializerOptions options)
    {
        writer.WriteStartArray();
        writer.WriteNumberValue(value.Z);
        writer.WriteNumberValue(value.Y);
        writer.WriteNumberValue(value.X);
        writer.WriteEndArray();
    }
}
