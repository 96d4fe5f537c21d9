// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.IO.Compression;
using System.Runtime.InteropServices;
using Teravox.Contracts;

namespace Teravox.Volumes;

/// <summary>
/// Reads and writes whole chunks of one array. How a chunk is written, and what a crash leaves after each step:
///
/// 1. A temporary file ".tmp-..." is made in the chunk's own directory (same file system, so that a rename is one
///    step). Crash: an empty orphaned file; the chunk is as before.
/// 2. The packed chunk is written to it. Crash: an orphaned file of any length; the chunk is as before. No reader looks at
///    it, since no chunk has such a name.
/// 3. The file is flushed to the disk (fsync). Crash: a whole orphaned file; the chunk is as before. Without this step a
///    power cut after the rename could leave the new name with empty content.
/// 4. The file is renamed over the chunk's name. Readers see the old chunk up to here and the new one from here on,
///    never a mixture. A process that dies here has written the chunk. A power cut may still bring the old name back.
/// 5. After all chunks of one write, each directory that got a chunk, and each parent that got a directory, is
///    flushed. Once the call returns, the chunks survive a power cut.
///
/// A chunk that is written once takes a link in step 4 (<see cref="AtomicFile.TryCreate(string, ReadOnlySpan{byte})"/>):
/// it gets the chunk's name only when nobody has it, so that a chunk once seen never changes. The temporary name is
/// removed then. Crash between the two: the chunk is stored, and the orphaned file is a second name of its file.
///
/// So a write of several chunks that is cut short leaves each of them whole, some old and some new; whoever repeats
/// the write (a work item does) ends up with all new ones. If any step fails (a full disk), the temporary file is
/// removed, the old chunk stays and the error names the chunk's file. Orphaned files of crashes take space but are never
/// read; <see cref="DeleteOrphanedFiles"/> removes them when no writer is at work.
/// </summary>
internal sealed class ChunkStore(ZarrArray array)
{
    /// <summary>Reads the chunk into <paramref name="chunk"/> in native byte order; false when its file is missing.</summary>
    /// <exception cref="InputException">The file is damaged; the message names it.</exception>
    public bool TryRead(ReadOnlySpan<int> position, Span<byte> chunk)
    {
        var file = array.ChunkFile(position);
        byte[]? packed = null;
        try
        {
            int length;
            using (var handle = File.OpenHandle(file))
            {
                // Incompressible data grows a little; what is far larger than the chunk cannot be the chunk.
                var bytes = RandomAccess.GetLength(handle);
                if (bytes > (long)chunk.Length + (chunk.Length / 2) + 65536)
                    throw Damaged(file, $"{bytes} bytes are too many for a chunk of {chunk.Length}");
                length = (int)bytes;
                packed = ArrayPool<byte>.Shared.Rent(Math.Max(length, 1));
                ReadFully(handle, packed.AsSpan(0, length), file);
            }

            Unpack(packed, length, chunk, file);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return false;
        }
        finally
        {
            if (packed is not null)
                ArrayPool<byte>.Shared.Return(packed);
        }

        if (array.Type == VoxelType.UInt16 && array.BigEndian == BitConverter.IsLittleEndian)
            SwapBytes(chunk);
        return true;
    }

    /// <summary>Writes one chunk by steps 1 to 4; <paramref name="chunk"/> is in native byte order and may be changed.</summary>
    /// <param name="position">Chunk coordinates.</param>
    /// <param name="chunk">The whole chunk.</param>
    /// <param name="stamp">Goes into the temporary file's name, to tell whose orphaned file it is.</param>
    /// <param name="once">Leaves the chunk alone when there is one.</param>
    /// <param name="touched">Gets the directories to flush in step 5.</param>
    /// <returns>Whether this chunk is stored: false only with <paramref name="once"/>, when there was one.</returns>
    public bool Write(ReadOnlySpan<int> position, Span<byte> chunk, string? stamp, bool once, ConcurrentDictionary<string, bool> touched)
    {
        var file = array.ChunkFile(position);
        var directory = Path.GetDirectoryName(file)!;
        MakeDirectory(directory, touched);
        touched[directory] = true;
        if (array.Type == VoxelType.UInt16 && array.BigEndian == BitConverter.IsLittleEndian)
            SwapBytes(chunk);
        switch (array.Compressor.Kind)
        {
            case CompressorKind.None:
                return Put(file, chunk, stamp, once);
            case CompressorKind.Blosc:
                var packed = ArrayPool<byte>.Shared.Rent(BloscWriter.Bound(chunk.Length));
                try
                {
                    var length = BloscWriter.Compress(array.Compressor, array.Type.Bytes(), chunk, packed);
                    return Put(file, packed.AsSpan(0, length), stamp, once);
                }
                finally
                {
                    ArrayPool<byte>.Shared.Return(packed);
                }

            default:
                using (var memory = new MemoryStream())
                {
                    using (var stream = Deflater(memory))
                        stream.Write(chunk);
                    return Put(file, memory.GetBuffer().AsSpan(0, (int)memory.Length), stamp, once);
                }
        }
    }

    private static bool Put(string file, ReadOnlySpan<byte> packed, string? stamp, bool once)
    {
        var temporary = AtomicFile.TemporaryBeside(file, stamp);
        if (once)
            return AtomicFile.TryCreate(file, packed, temporary, "chunk");
        AtomicFile.Replace(file, packed, temporary, "chunk");
        return true;
    }

    /// <summary>Names the chunk's directory and those above it in the array, for step 5 of a chunk that another may have written.</summary>
    public void Touch(ReadOnlySpan<int> position, ConcurrentDictionary<string, bool> touched)
    {
        var directory = Path.GetDirectoryName(array.ChunkFile(position))!;
        for (; directory.Length > array.Directory.Length; directory = Path.GetDirectoryName(directory)!)
            touched[directory] = true;
        touched[array.Directory] = true;
    }

    /// <summary>Step 5.</summary>
    public static void Flush(IEnumerable<string> touched)
    {
        foreach (var directory in touched)
            AtomicFile.FlushDirectory(directory);
    }

    /// <summary>
    /// Removes temporary files under the array's directory; with a stamp, only that writer's. Returns how many.
    /// </summary>
    public int DeleteOrphanedFiles(string? stamp)
    {
        var pattern = AtomicFile.TemporaryPrefix + (stamp is null ? "*" : stamp + "-*");
        var options = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint };
        var count = 0;
        foreach (var file in System.IO.Directory.EnumerateFiles(array.Directory, pattern, options))
        {
            File.Delete(file);
            count++;
        }

        return count;
    }

    private void MakeDirectory(string directory, ConcurrentDictionary<string, bool> touched)
    {
        if (System.IO.Directory.Exists(directory))
            return;
        try
        {
            // Parents that get a new entry are flushed too, or the whole directory could vanish in a power cut.
            for (var parent = directory; parent.Length > array.Directory.Length && !System.IO.Directory.Exists(parent);)
            {
                parent = Path.GetDirectoryName(parent)!;
                touched[parent] = true;
            }

            System.IO.Directory.CreateDirectory(directory);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"cannot make directory {directory}: {e.Message}", e) { HResult = e.HResult };
        }
    }

    private void Unpack(byte[] packed, int length, Span<byte> chunk, string file)
    {
        switch (array.Compressor.Kind)
        {
            case CompressorKind.None:
                if (length != chunk.Length)
                    throw Damaged(file, $"it has {length} bytes instead of {chunk.Length}");
                packed.AsSpan(0, length).CopyTo(chunk);
                break;
            case CompressorKind.Blosc:
                if (BloscReader.Decompress(packed.AsSpan(0, length), chunk) is { } problem)
                    throw Damaged(file, problem);
                break;
            default:
                using (var memory = new MemoryStream(packed, 0, length, writable: false))
                using (var stream = Inflater(memory))
                {
                    try
                    {
                        var read = stream.ReadAtLeast(chunk, chunk.Length, throwOnEndOfStream: false);
                        if (read != chunk.Length)
                            throw Damaged(file, $"it holds {read} bytes instead of {chunk.Length}");
                        if (stream.ReadByte() >= 0)
                            throw Damaged(file, $"it holds more than {chunk.Length} bytes");
                    }
                    catch (Exception e) when (e is InvalidDataException or IOException)
                    {
                        throw Damaged(file, e.Message);
                    }
                }

                break;
        }
    }

    private Stream Inflater(Stream packed) =>
        array.Compressor.Kind == CompressorKind.Gzip ? new GZipStream(packed, CompressionMode.Decompress) : new ZLibStream(packed, CompressionMode.Decompress);

    private Stream Deflater(Stream packed)
    {
        var options = new ZLibCompressionOptions { CompressionLevel = Math.Clamp(array.Compressor.Level, 0, 9) };
        return array.Compressor.Kind == CompressorKind.Gzip
            ? new GZipStream(packed, options, leaveOpen: true)
            : new ZLibStream(packed, options, leaveOpen: true);
    }

    private static void ReadFully(Microsoft.Win32.SafeHandles.SafeFileHandle handle, Span<byte> into, string file)
    {
        for (var done = 0; done < into.Length;)
        {
            var read = RandomAccess.Read(handle, into[done..], done);
            if (read == 0)
                throw Damaged(file, "it became shorter while it was read");
            done += read;
        }
    }

    private static void SwapBytes(Span<byte> chunk)
    {
        var voxels = MemoryMarshal.Cast<byte, ushort>(chunk);
        BinaryPrimitives.ReverseEndianness(voxels, voxels);
    }

    private static InputException Damaged(string file, string why) =>
        new($"chunk {file} is damaged ({why}); write it again or restore it from a copy");
}
