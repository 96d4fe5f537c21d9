// SPDX-License-Identifier: Apache-2.0
using System.Text.Json.Nodes;
using Teravox.Contracts;

namespace Teravox.Volumes;

/// <content>Coarser levels.</content>
public sealed partial class OmeVolume
{
    /// <summary>
    /// Gives the volume these coarser levels, all 0 at first: shape = ceil(shape above / factor), voxel size times factor, and a
    /// translation that keeps the middle of the first voxels in place. Chunks (no larger than the level), type and compressor are
    /// those of the finest level. Levels that are there already stay as they are, voxels and all. The metadata is written once,
    /// after the arrays that it names, and whole: whoever asks for the same levels at the same time, or late, writes the same
    /// bytes. So any number of writers may begin with it.
    /// </summary>
    /// <param name="factors">
    /// Reduction of each level against the one above it, from level 1 on; 1 or more per axis.
    /// </param>
    /// <exception cref="InputException">A level is there with another shape.</exception>
    public void AddLevels(IReadOnlyList<Int3> factors)
    {
        ArgumentNullException.ThrowIfNull(factors);
        var attributes = ReadAttributes();
        var present = OmeMetadata.Read(attributes, AttributesFile, out _).Count;
        var finest = Open(Path, 0);
        var shape = finest.Shape;
        for (var level = 1; level <= factors.Count; level++)
        {
            var factor = factors[level - 1];
            if (!factor.IsPositive)
                throw new ArgumentException($"factor {factor} must be positive", nameof(factors));
            shape = Pyramid.Reduced(shape, factor);
            if (level < present)
                CheckLevel(level, shape);
            else
                AddLevel(finest, attributes, level, shape, factor);
        }

        if (present > factors.Count)
            return;
        FaultPoints.Hit("levels.before-metadata");
        AtomicFile.WriteAllText(AttributesFile, attributes.ToJsonString(TeravoxJson.Indented) + "\n");
    }

    private void CheckLevel(int level, Int3 shape)
    {
        var found = Open(Path, level).Shape;
        if (found != shape)
            throw new InputException($"volume {Path} has a level {level} of shape {found} instead of {shape}");
    }

    private void AddLevel(OmeVolume finest, JsonObject attributes, int level, Int3 shape, Int3 factor)
    {
        var name = $"s{level}";
        int[] dimensions = [.. finest._array.Shape.AsSpan()[..^3], shape.Z, shape.Y, shape.X];
        var array = new ZarrArray
        {
            Directory = System.IO.Path.Combine(Path, name),
            Shape = dimensions,
            Chunks = [.. finest._array.Chunks.Zip(dimensions, Math.Min)],
            Type = Type,
            Compressor = finest._array.Compressor,
        };
        Directory.CreateDirectory(array.Directory);
        AtomicFile.WriteAllText(array.MetadataFile, array.ToJson());
        OmeMetadata.AddLevel(attributes, AttributesFile, name, factor);
    }
}
