// SPDX-License-Identifier: Apache-2.0
using System.Text.Json.Nodes;
using Teravox.Contracts;

namespace Teravox.Volumes;

/// <summary>
/// A volume (z, y, x), or several channels of one (c, z, y, x), stored as OME-Zarr 0.4 (Zarr v2) in a directory that
/// every silo can reach. Reads what others wrote as Zarr v2 (C order, uint8 and uint16 of either byte order, '.' or
/// '/' between chunk indices, blosc, zlib, gzip or no compressor). Holds no open file: any number of threads and
/// processes may read, and write chunks that differ. How a chunk is written is told in <see cref="ChunkStore"/>.
/// </summary>
public sealed partial class OmeVolume
{
    private readonly ZarrArray _array;
    private readonly ChunkStore _chunks;

    private OmeVolume(string path, ZarrArray array, VoxelSize voxelSize, int level, int levels, int channelAxis)
    {
        Path = path;
        _array = array;
        _chunks = new ChunkStore(array);
        Level = level;
        Levels = levels;
        ChannelAxis = channelAxis;
        VoxelSize = voxelSize;
        Shape = new Int3(array.Shape[^3], array.Shape[^2], array.Shape[^1]);
        Chunk = new Int3(array.Chunks[^3], array.Chunks[^2], array.Chunks[^1]);
        Channels = channelAxis < 0 ? 1 : array.Shape[channelAxis];
    }

    /// <summary>The volume's directory, absolute.</summary>
    public string Path { get; }

    /// <summary>Shape (z, y, x) of this level in voxels.</summary>
    public Int3 Shape { get; }

    /// <summary>Number of channels; 1 without a channel axis.</summary>
    public int Channels { get; }

    /// <summary>True when the volume has a channel axis.</summary>
    public bool HasChannels => ChannelAxis >= 0;

    /// <summary>What a voxel is.</summary>
    public VoxelType Type => _array.Type;

    /// <summary>Voxel size of this level in nanometres.</summary>
    public VoxelSize VoxelSize { get; }

    /// <summary>Chunk shape (z, y, x) in voxels.</summary>
    public Int3 Chunk { get; }

    /// <summary>Which resolution level this is; 0 is the finest.</summary>
    public int Level { get; }

    /// <summary>Number of resolution levels when this volume was opened; level 0 is the finest.</summary>
    public int Levels { get; }

    /// <summary>How many chunks a read or write works on at a time, 1 or more. 1 unless set.</summary>
    public int Parallelism { get; set; } = 1;

    internal int ChannelAxis { get; }

    private string AttributesFile => System.IO.Path.Combine(Path, ".zattrs");

    /// <summary>
    /// Makes a volume whose voxels are all 0. The directory appears with its whole metadata or not at all. When a volume
    /// of the same shape, channels, type, chunks and compressor is there already, it is opened as it is, voxels and all,
    /// so that a work item that runs twice goes on where it was.
    /// </summary>
    /// <exception cref="InputException">Something else is at the path.</exception>
    /// <exception cref="ArgumentException">The options do not make sense.</exception>
    public static OmeVolume Create(string path, OmeOptions o)
    {
        ArgumentNullException.ThrowIfNull(o);
        if (!o.Shape.IsPositive || !o.Chunk.IsPositive || o.Channels < 0)
            throw new ArgumentException($"shape {o.Shape}, chunk {o.Chunk} and {o.Channels} channels must be " +
                "positive", nameof(o));
        if (o.VoxelSize is not { Z: > 0, Y: > 0, X: > 0 })
            throw new ArgumentException($"voxel size {o.VoxelSize} must be above 0", nameof(o));
        path = System.IO.Path.GetFullPath(path);
        var array = NewArray(System.IO.Path.Combine(path, "s0"), o);
        if (Directory.Exists(path) && Directory.EnumerateFileSystemEntries(path).Any())
            return OpenSame(path, array);
        var temporary = AtomicFile.TemporaryBeside(path);
        try
        {
            Directory.CreateDirectory(System.IO.Path.Combine(temporary, "s0"));
            AtomicFile.WriteAllText(System.IO.Path.Combine(temporary, "s0", ".zarray"), array.ToJson());
            AtomicFile.WriteAllText(System.IO.Path.Combine(temporary, ".zgroup"), "{\n  \"zarr_format\": 2\n}\n");
            var attributes = OmeMetadata.Create(o, System.IO.Path.GetFileNameWithoutExtension(path));
            AtomicFile.WriteAllText(System.IO.Path.Combine(temporary, ".zattrs"), attributes.ToJsonString(TeravoxJson.Indented) + "\n");
            FaultPoints.Hit("volume.before-rename");
            if (Directory.Exists(path))
                Directory.Delete(path);
            Directory.Move(temporary, path);
            AtomicFile.FlushDirectory(System.IO.Path.GetDirectoryName(path)!);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (Directory.Exists(temporary))
                Directory.Delete(temporary, recursive: true);
            if (File.Exists(System.IO.Path.Combine(path, "s0", ".zarray")))
                return OpenSame(path, array); // another silo was faster
            throw new IOException($"cannot make volume {path}: {e.Message}", e) { HResult = e.HResult };
        }

        return Open(path);
    }

    /// <summary>Whether the path looks like a volume that <see cref="Open(string)"/> reads: a directory with Zarr v2 metadata.</summary>
    public static bool IsVolume(string path) =>
        File.Exists(System.IO.Path.Combine(path, ".zattrs")) || File.Exists(System.IO.Path.Combine(path, ".zarray"));

