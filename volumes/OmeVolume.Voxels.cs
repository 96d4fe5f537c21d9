// SPDX-License-Identifier: Apache-2.0
using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using Teravox.Contracts;

namespace Teravox.Volumes;

/// <content>Reading and writing voxels.</content>
public sealed partial class OmeVolume
{
    /// <summary>
    /// Reads voxels in native byte order, x fastest. Chunks that were never written are 0 (or the array's fill value).
    /// </summary>
    /// <param name="box">Inside the volume.</param>
    /// <param name="into">At least box.Count voxels.</param>
    /// <param name="channel">0..Channels - 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">The box or channel lies outside the volume.</exception>
    /// <exception cref="InputException">A chunk is damaged; names its file.</exception>
    public unsafe void Read(Box3 box, Span<byte> into, int channel = 0)
    {
        var bytes = CheckBox(box, into.Length, channel);
        var area = ChunkArea(box);
        fixed (byte* target = into)
        {
            var start = (nint)target;
            EachChunk(area, i => ReadChunk(area, i, box, new Span<byte>((void*)start, bytes), channel, orFill: true));
        }
    }

    /// <summary>
    /// As <see cref="Read"/>, but the box may reach beyond the border by any amount: there the volume is mirrored
    /// (<see cref="MirrorIndex"/>).
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The box is empty, too large, or the channel does not exist.</exception>
    /// <exception cref="InputException">A chunk is damaged; names its file.</exception>
    public void ReadMirrored(Box3 box, Span<byte> into, int channel = 0) => ReadMirrored(box, Box3.Whole(Shape), into, channel);

    /// <summary>
    /// As above, with a part of the volume for the whole: past the border of <paramref name="within"/> it is mirrored, and
    /// nothing outside is read.
    /// </summary>
    /// <param name="box">In voxels of the volume.</param>
    /// <param name="within">A part of the volume.</param>
    /// <param name="into">At least box.Count voxels.</param>
    /// <param name="channel">0..Channels - 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">The box or the part is empty or too large, or the channel does not exist.</exception>
    /// <exception cref="InputException">A chunk is damaged; names its file.</exception>
    public void ReadMirrored(Box3 box, Box3 within, Span<byte> into, int channel = 0)
    {
        if (within.IsEmpty || !Box3.Whole(Shape).Contains(within))
            throw new ArgumentOutOfRangeException(nameof(within), $"{within} is no part of the volume {Shape} of {Path}");
        if (within.Contains(box))
            Read(box, into, channel);
        else
            Mirroring.Read(this, box, within, into, channel);
    }

    /// <summary>
    /// Writes whole chunks: the box starts on chunk borders and ends on chunk borders or the volume's end, so that no
    /// chunk has two writers. When the call returns, the chunks survive a power cut; when it is cut short, each chunk is
    /// whole, the old one or the new one.
    /// </summary>
    /// <param name="box">Inside the volume, on chunk borders.</param>
    /// <param name="from">At least box.Count voxels in native byte order, x fastest.</param>
    /// <param name="channel">0..Channels - 1.</param>
    /// <param name="stamp">Letters, digits, '-' or '_' that go into temporary files' names, to tell whose orphaned files they are.</param>
    /// <exception cref="ArgumentException">The box is not on chunk borders.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The box or channel lies outside the volume.</exception>
    /// <exception cref="IOException">A chunk cannot be written (disk full); names its file. The old chunk stays.</exception>
    public unsafe void Write(Box3 box, ReadOnlySpan<byte> from, int channel = 0, string? stamp = null)
    {
        var bytes = CheckBox(box, from.Length, channel);
        CheckWritable(box);
        CheckStamp(stamp);
        var area = ChunkArea(box);
        var touched = new ConcurrentDictionary<string, bool>(StringComparer.Ordinal);
        fixed (byte* source = from)
        {
            var start = (nint)source;
            EachChunk(area, i => WriteChunk(area, i, box, new ReadOnlySpan<byte>((void*)start, bytes), channel, stamp, once: false, touched));
        }

        ChunkStore.Flush(touched.Keys);
    }

    /// <summary>
    /// Stores whole chunks, each only when it is not there, and gives back what is stored: where a chunk is there already,
    /// from an earlier run or from another writer at this very moment, its voxels replace those in
    /// <paramref name="voxels"/>. So all who store the same box end with the same voxels, and no stored byte changes. A
    /// chunk of zeros is stored like any other. When the call returns, the chunks survive a power cut, whoever wrote them.
    /// </summary>
    /// <param name="box">Inside the volume, on chunk borders as for <see cref="Write"/>.</param>
    /// <param name="voxels">At least box.Count voxels in native byte order, x fastest.</param>
    /// <param name="channel">0..Channels - 1.</param>
    /// <param name="stamp">As for <see cref="Write"/>.</param>
    /// <exception cref="ArgumentException">The box is not on chunk borders.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The box or channel lies outside the volume.</exception>
    /// <exception cref="InputException">A stored chunk is damaged; names its file, which stays.</exception>
    /// <exception cref="IOException">A chunk cannot be written (disk full); names its file.</exception>
    public unsafe void StoreOnce(Box3 box, Span<byte> voxels, int channel = 0, string? stamp = null)
    {
        var bytes = CheckBox(box, voxels.Length, channel);
        CheckWritable(box);
        CheckStamp(stamp);
        var area = ChunkArea(box);
        var touched = new ConcurrentDictionary<string, bool>(StringComparer.Ordinal);
        fixed (byte* buffer = voxels)
        {
            var start = (nint)buffer;
            EachChunk(area, i =>
            {
                var all = new Span<byte>((void*)start, bytes);
                if (ReadChunk(area, i, box, all, channel, orFill: false) ||
                    WriteChunk(area, i, box, all, channel, stamp, once: true, touched) ||
                    ReadChunk(area, i, box, all, channel, orFill: false))
                    return;
                throw new IOException($"a chunk of {box} in {_array.Directory} was there and is gone: " +
                    "something removes chunks while they are stored");
            });
        }

        FlushStored(area, channel);
    }

    /// <summary>
    /// Reads the box if every chunk of it is stored, so that whoever repeats a work item need not compute what is there.
    /// As after <see cref="StoreOnce"/>, the chunks survive a power cut when the call returns true.
    /// </summary>
    /// <param name="box">Inside the volume.</param>
    /// <param name="voxels">At least box.Count voxels; the stored ones when true is returned, of no meaning otherwise.</param>
    /// <param name="channel">0..Channels - 1.</param>
    /// <returns>False when a chunk is missing, which <see cref="Read"/> would give as the fill value.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The box or channel lies outside the volume.</exception>
    /// <exception cref="InputException">A chunk is damaged; names its file.</exception>
    public unsafe bool TryReadStored(Box3 box, Span<byte> voxels, int channel = 0)
    {
        var bytes = CheckBox(box, voxels.Length, channel);
        var area = ChunkArea(box);
        var missing = false;
        fixed (byte* target = voxels)
        {
            var start = (nint)target;
            EachChunk(area, i =>
            {
                if (!missing && !ReadChunk(area, i, box, new Span<byte>((void*)start, bytes), channel, orFill: false))
                    missing = true;
            });
        }

        if (!missing)
            FlushStored(area, channel);
        return !missing;
    }

    /// <summary>
    /// Flushes the directories of an area's chunks. Another writer may have died, or be at work, between its link and its
    /// flush: what is counted from its chunk must not outlive the chunk.
    /// </summary>
    private void FlushStored(Box3 area, int channel)
    {
        var touched = new ConcurrentDictionary<string, bool>(StringComparer.Ordinal);
        Span<int> position = stackalloc int[_array.Shape.Length];
        for (var i = 0; i < area.Count; i++)
        {
            Locate(area, i, channel, position);
            _chunks.Touch(position, touched);
        }

        ChunkStore.Flush(touched.Keys);
    }

    private static void CheckStamp(string? stamp)
    {
        if (stamp is not null && (stamp.Length is 0 or > 64 || !stamp.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_')))
            throw new ArgumentException($"stamp \"{stamp}\" must be 1 to 64 letters, digits, '-' or '_'", nameof(stamp));
    }

    /// <summary>Checks box, channel and buffer; returns the number of bytes.</summary>
    private int CheckBox(Box3 box, int length, int channel)
    {
        if (box.IsEmpty || !Box3.Whole(Shape).Contains(box))
            throw new ArgumentOutOfRangeException(nameof(box), $"box {box} does not lie inside the volume {Shape} of {Path}");
        CheckChannel(channel);
        return CheckLength(box, length);
    }

    internal void CheckChannel(int channel)
    {
        if (channel < 0 || channel >= Channels)
            throw new ArgumentOutOfRangeException(nameof(channel), $"channel {channel} does not exist; {Path} has {Channels}");
    }

    internal int CheckLength(Box3 box, int length)
    {
        var bytes = box.Count * Type.Bytes();
        return bytes <= length ? (int)bytes : throw new ArgumentException($"a buffer of {length} bytes is too small " +
            $"for box {box}, which takes {bytes}");
    }

    private void CheckWritable(Box3 box)
    {
        if (ChannelAxis >= 0 && _array.Chunks[ChannelAxis] != 1)
            throw new InputException($"{_array.MetadataFile}: a chunk holds {_array.Chunks[ChannelAxis]} channels; " +
                "such a volume can be read but not written");
        for (var axis = 0; axis < 3; axis++)
        {
            if (box.Start[axis] % Chunk[axis] != 0 || (box.End[axis] % Chunk[axis] != 0 && box.End[axis] != Shape[axis]))
                throw new ArgumentException($"box {box} does not lie on the borders of chunks {Chunk} in the volume {Shape}; " +
                    "no chunk may have two writers", nameof(box));
        }
    }

    /// <summary>The chunks that a box touches, in chunk coordinates.</summary>
    private Box3 ChunkArea(Box3 box) => Box3.Between(
        Int3.Zip(box.Start, Chunk, static (s, c) => s / c),
        Int3.Zip(box.End, Chunk, static (e, c) => (int)(((long)e + c - 1) / c)));

    /// <summary>Fills the chunk coordinates of the i-th chunk of an area; returns the chunk's first voxel (z, y, x).</summary>
    private Int3 Locate(Box3 area, int i, int channel, Span<int> position)
    {
        var (y, x) = (area.Shape.Y, area.Shape.X);
        var p = area.Start + new Int3(i / (y * x), i / x % y, i % x);
        position.Clear();
        if (ChannelAxis >= 0)
            position[ChannelAxis] = channel / _array.Chunks[ChannelAxis];
        (position[^3], position[^2], position[^1]) = (p.Z, p.Y, p.X);
        return p * Chunk;
    }

    private void EachChunk(Box3 area, Action<int> work)
    {
        if (Parallelism <= 1 || area.Count == 1)
        {
            for (var i = 0; i < area.Count; i++)
                work(i);
            return;
        }

        try
        {
            Parallel.For(0, checked((int)area.Count), new ParallelOptions { MaxDegreeOfParallelism = Parallelism }, work);
        }
        catch (AggregateException e) when (e.InnerException is InputException or IOException)
        {
            // The caller sees the error of one chunk, as without parallelism.
            ExceptionDispatchInfo.Throw(e.InnerException);
        }
    }

    private bool WriteChunk(
        Box3 area, int i, Box3 box, ReadOnlySpan<byte> from, int channel, string? stamp, bool once, ConcurrentDictionary<string, bool> touched)
    {
        Span<int> position = stackalloc int[_array.Shape.Length];
        var origin = Locate(area, i, channel, position);
        var part = new Box3(origin, Chunk).Intersect(box);
        var buffer = ArrayPool<byte>.Shared.Rent(_array.ChunkBytes);
        try
        {
            var chunk = buffer.AsSpan(0, _array.ChunkBytes);
            if (part.Shape != Chunk)
                chunk.Clear();
            Rows.Copy(from, box, chunk, new Box3(origin, Chunk), part, Type.Bytes());
            return _chunks.Write(position, chunk, stamp, once, touched);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Reads a chunk's part of the box. A missing chunk reads as the fill value, or is told by false.</summary>
    private bool ReadChunk(Box3 area, int i, Box3 box, Span<byte> into, int channel, bool orFill)
    {
        Span<int> position = stackalloc int[_array.Shape.Length];
        var origin = Locate(area, i, channel, position);
        var part = new Box3(origin, Chunk).Intersect(box);
        var buffer = ArrayPool<byte>.Shared.Rent(_array.ChunkBytes);
        try
        {
            var whole = buffer.AsSpan(0, _array.ChunkBytes);
            if (!_chunks.TryRead(position, whole))
            {
                if (!orFill)
                    return false;
                if (_array.FillValue == 0)
                    whole.Clear();
                else if (Type == VoxelType.UInt8)
                    whole.Fill((byte)_array.FillValue);
                else
                    MemoryMarshal.Cast<byte, ushort>(whole).Fill(_array.FillValue);
            }

            // Others put several channels or time points into one chunk: this channel's voxels lie together in it.
            var voxels = checked((int)(Chunk.Count * Type.Bytes()));
            var inChunk = ChannelAxis < 0 ? 0 : ChannelAxis == _array.Shape.Length - 4 ? channel % _array.Chunks[ChannelAxis] : 0;
            Rows.Copy(whole.Slice(inChunk * voxels, voxels), new Box3(origin, Chunk), into, box, part, Type.Bytes());
            return true;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
