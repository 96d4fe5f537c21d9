// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Volumes;

/// <summary>The z slices of an OME-Zarr volume without channels.</summary>
internal sealed class ZarrStack : ImageStack
{
    /// <summary>
    /// Chunks are several slices thick: slices of one layer of chunks are kept so that each chunk is decoded once, up
    /// to this size.
    /// </summary>
    private const long MaxSlabBytes = 512L << 20;

    private readonly OmeVolume _volume;
    private readonly Lock _gate = new();
    private byte[]? _slab;
    private int _slabStart = -1;

    public ZarrStack(string path, StackUse use)
        : base(path, use)
    {
        _volume = OmeVolume.Open(path);
        if (_volume.Channels != 1)
            throw new InputException($"{path} has {_volume.Channels} channels; " +
                "a stack has one, export the channel that is meant");
        if (_volume.Shape.Y * (long)_volume.Shape.X * _volume.Type.Bytes() > Array.MaxLength)
            throw new InputException($"{path}: a slice of {_volume.Shape.X} x {_volume.Shape.Y} voxels takes more than 2 GiB");
        Shape = _volume.Shape;
        Kind = _volume.Type == VoxelType.UInt16 ? PixelKind.Grey16 : PixelKind.Grey8;
        SliceNames = [.. Enumerable.Range(0, Shape.Z).Select(static z => $"z {z}")];
    }

    public override VoxelSize? VoxelSize => _volume.VoxelSize;

    private protected override SliceImage Decode(int z)
    {
        var bytes = Shape.Y * Shape.X * _volume.Type.Bytes();
        var pixels = new byte[bytes];
        var depth = _volume.Chunk.Z;
        if ((long)bytes * depth > MaxSlabBytes)
        {
            _volume.Read(new Box3(new Int3(z, 0, 0), new Int3(1, Shape.Y, Shape.X)), pixels);
            return new SliceImage(Shape.X, Shape.Y, Kind, pixels, null);
        }

        lock (_gate)
        {
            var start = z / depth * depth;
            if (start != _slabStart)
            {
                _slab ??= new byte[bytes * Math.Min(depth, Shape.Z)];
                _slabStart = -1;
                _volume.Read(new Box3(new Int3(start, 0, 0), new Int3(Math.Min(depth, Shape.Z - start), Shape.Y, Shape.X)), _slab);
                _slabStart = start;
            }

            _slab.AsSpan((z - start) * bytes, bytes).CopyTo(pixels);
        }

        return new SliceImage(Shape.X, Shape.Y, Kind, pixels, null);
    }
}
