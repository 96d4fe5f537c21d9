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

    /// <summary>Where this level's array lies, relative to <see cref="Path"/>: "s0"; "." for a plain Zarr array.</summary>
    public string LevelPath => System.IO.Path.GetRelativePath(Path, _array.Directory);

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
            AtomicFile.WriteAllText(System.IO.Path.Combine(temporary, ".zgroup"), OmeDocuments.Group);
            AtomicFile.WriteAllText(System.IO.Path.Combine(temporary, ".zattrs"), OmeDocuments.Attributes(o, System.IO.Path.GetFileNameWithoutExtension(path)));
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

    /// <summary>
    /// Opens the finest level of an OME-Zarr image, or a plain Zarr v2 array of (z, y, x) or (c, z, y, x), which has
    /// voxel size 1 nm.
    /// </summary>
    /// <exception cref="InputException">There is no such volume or it cannot be read; names file and field.</exception>
    public static OmeVolume Open(string path) => Open(path, 0);

    /// <summary>Opens one level, 0 = the finest.</summary>
    /// <exception cref="InputException">There is no such volume or level, or it cannot be read; names file and field.</exception>
    public static OmeVolume Open(string path, int level)
    {
        path = System.IO.Path.GetFullPath(path);
        if (!Directory.Exists(path))
            throw new InputException($"there is no volume at {path}: the directory does not exist");
        var attributes = System.IO.Path.Combine(path, ".zattrs");
        if (File.Exists(System.IO.Path.Combine(path, ".zarray")))
            return OpenPlain(path, level);
        if (!File.Exists(attributes))
        {
            throw new InputException(File.Exists(System.IO.Path.Combine(path, "zarr.json"))
                ? $"{path} is a Zarr v3 volume; only Zarr v2 (OME-Zarr 0.4) is read, convert it"
                : $"{path} is not an OME-Zarr volume: it has neither .zattrs nor .zarray");
        }

        var json = JsonFile.ReadObject(attributes);
        var levels = OmeMetadata.Read(json, attributes, out var axes);
        if (level < 0 || level >= levels.Count)
            throw new InputException($"volume {path} has no level {level}; it has levels 0 to {levels.Count - 1}");
        var array = ZarrArray.Load(System.IO.Path.Combine(path, levels[level].Path));
        if (array.Shape.Length != axes)
            throw new InputException($"{array.MetadataFile}: " +
                $"shape has {array.Shape.Length} dimensions but {attributes} names {axes} axes");
        var channelAxis = OmeMetadata.ChannelAxis(json);
        for (var i = 0; i < axes - 3; i++)
        {
            if (i != channelAxis && array.Shape[i] != 1)
                throw new InputException($"{array.MetadataFile}: the time axis has {array.Shape[i]} points; a volume has one");
        }

        return new OmeVolume(path, array, levels[level].VoxelSize, level, levels.Count, channelAxis);
    }

    /// <summary>The volume's attributes (<c>.zattrs</c>), empty for a plain Zarr array without any.</summary>
    public JsonObject ReadAttributes() => File.Exists(AttributesFile) ? JsonFile.ReadObject(AttributesFile) : [];

    /// <summary>
    /// Puts these fields beside the others in the volume's attributes; a field that is there already is replaced. One
    /// writer at a time.
    /// </summary>
    /// <exception cref="ArgumentException">"multiscales" is among them: that one belongs to this class.</exception>
    public void WriteAttributes(JsonObject extra)
    {
        ArgumentNullException.ThrowIfNull(extra);
        if (extra.ContainsKey("multiscales"))
            throw new ArgumentException("multiscales is written by Create and AddLevels only", nameof(extra));
        var attributes = ReadAttributes();
        foreach (var (key, value) in extra)
            attributes[key] = value?.DeepClone();
        AtomicFile.WriteAllText(AttributesFile, attributes.ToJsonString(TeravoxJson.Indented) + "\n");
    }

    /// <summary>
    /// Removes the temporary files that crashed writers left in this level. Only while nobody writes, or with the stamp
    /// of writers that are known to be dead: a writer whose file vanishes fails. Returns how many there were.
    /// </summary>
    public int DeleteOrphanedFiles(string? stamp = null) => _chunks.DeleteOrphanedFiles(stamp);

    private static OmeVolume OpenPlain(string path, int level)
    {
        if (level != 0)
            throw new InputException($"volume {path} is a plain Zarr array; it has no level {level}");
        var array = ZarrArray.Load(path);
        if (array.Shape.Length > 4)
            throw new InputException($"{array.MetadataFile}: shape has {array.Shape.Length} dimensions; " +
                "a plain array must be (z, y, x) or (c, z, y, x)");
        return new OmeVolume(path, array, VoxelSize.Unit, 0, 1, array.Shape.Length - 4);
    }

    private static OmeVolume OpenSame(string path, ZarrArray wanted)
    {
        var volume = Open(path);
        var found = volume._array;
        if (found.Shape.SequenceEqual(wanted.Shape) && found.Chunks.SequenceEqual(wanted.Chunks) && found.Type == wanted.Type
            && found.Compressor == wanted.Compressor)
            return volume;
        throw new InputException(
            $"{path} holds another volume already (shape {string.Join('x', found.Shape)}, chunks " +
                $"{string.Join('x', found.Chunks)}, {found.Type}); remove it or write elsewhere");
    }

    internal static ZarrArray NewArray(string directory, OmeOptions o)
    {
        int[] Dimensions(int channel, Int3 v) => o.Channels > 0 ? [channel, v.Z, v.Y, v.X] : [v.Z, v.Y, v.X];
        // A chunk is never larger than the volume: a border chunk is stored whole, padding included.
        var chunk = Int3.Min(o.Chunk, o.Shape);
        if (chunk.Count * o.Type.Bytes() > ZarrArray.MaxChunkBytes)
            throw new ArgumentException($"a chunk of {chunk} voxels is larger than 1 GiB", nameof(o));
        return new ZarrArray
        {
            Directory = directory,
            Shape = Dimensions(o.Channels, o.Shape),
            Chunks = Dimensions(1, chunk),
            Type = o.Type,
            Compressor = o.Compressor,
        };
    }
}
