// SPDX-License-Identifier: Apache-2.0
using System.Text.Json.Nodes;
using Teravox.Contracts;

namespace Teravox.Volumes;

/// <summary>What a new volume is like; see <see cref="OmeVolume.Create"/>.</summary>
public sealed record OmeOptions
{
    /// <summary>Shape (z, y, x) in voxels.</summary>
    public required Int3 Shape { get; init; }

    /// <summary>0 for a volume (z, y, x); 1 or more for (c, z, y, x), one probability per class for instance.</summary>
    public int Channels { get; init; }

    /// <summary>What a voxel is stored as.</summary>
    public VoxelType Type { get; init; } = VoxelType.UInt8;

    /// <summary>Chunk shape (z, y, x) in voxels; a chunk never holds more than one channel. At most 1 GiB.</summary>
    public Int3 Chunk { get; init; } = new(64, 64, 64);

    /// <summary>Voxel size in nanometres.</summary>
    public VoxelSize VoxelSize { get; init; } = VoxelSize.Unit;

    /// <summary>Where the middle of the first voxel lies, in nanometres; null: at 0.</summary>
    public (double Z, double Y, double X)? Offset { get; init; }

    /// <summary>Fields to put beside the others in the volume's attributes; null: none.</summary>
    public JsonObject? Attributes { get; init; }

    /// <summary>What packs the chunks.</summary>
    public Compressor Compressor { get; init; } = Compressor.Default;

    /// <summary>
    /// The classes: a volume without channels becomes a label image (OME image-label metadata with names and colours);
    /// one with as many channels as classes gets the classes' names and colours as channel names and colours.
    /// </summary>
    public ClassMap? Classes { get; init; }
}
