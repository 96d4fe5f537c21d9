// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Teravox.Networks;

/// <summary>
/// Copies between host and one GPU that run beside its computing: by two streams of their own, from and to memory that the system
/// cannot move. TorchSharp has no streams; its work is in the device's default one. The order of a tile's work:
/// <list type="number">
/// <item>the stream of copies in waits until the device's buffer has been read by the last tile that used it, copies, and marks the end;</item>
/// <item>the default stream waits for that mark, computes, and marks that the buffer is read and the results are there;</item>
/// <item>the stream of copies out waits for that mark, copies, and marks the end;</item>
/// <item>the host waits for this last mark.</item>
/// </list>
/// There are two buffers for blocks, so that one is filled while the other is read.
/// </summary>
internal sealed class CudaCopies : IDisposable
{
    private const nint Default = 0;
    private readonly Cuda _cuda;
    private readonly nint _in, _out;
    private readonly DeviceBuffer[] _buffers;
    private readonly Stack<PinnedMemory> _pinnedBlocks = [], _pinnedResults = [];
    private readonly Lock _lock = new();
    private int _next;

    public CudaCopies(Device device)
    {
        _cuda = new Cuda(device.index);
        (_in, _out) = (_cuda.NewStream(), _cuda.NewStream());
        _buffers = [new(_cuda.NewEvent()), new(_cuda.NewEvent())];
    }

    /// <summary>A block on the device. It is read by the default stream until <see cref="ToHost"/>.</summary>
    /// <param name="values">What is copied.</param>
    /// <param name="shape">Its shape (z, y, x).</param>
    /// <param name="type">What the values are.</param>
    public DeviceBlock ToDevice(ReadOnlySpan<byte> values, long[] shape, ScalarType type)
    {
        _cuda.Use();
        var host = Pinned(_pinnedBlocks, values.Length);
        try
        {
            values.CopyTo(host.Bytes);
            var buffer = _buffers[_next++ % _buffers.Length];
            buffer.Fit(shape, type, _cuda);
            var written = _cuda.NewEvent();
            _cuda.Wait(_in, buffer.Read);
            _cuda.Copy(buffer.Address, host.Address, values.Length, Cuda.ToDevice, _in);
            _cuda.Record(written, _in);
            _cuda.Wait(Default, written);
            return new(buffer, host, written);
        }
        catch
        {
            GiveBack(_pinnedBlocks, host);
            throw;
        }
    }

    /// <summary>Brings results of the default stream to the host, with one number.</summary>
    /// <param name="values">On the device, contiguous.</param>
    /// <param name="number">float32, on the device.</param>
    /// <param name="block">What they were computed from.</param>
    public HostValues ToHost(Tensor values, Tensor number, DeviceBlock block)
    {
        _cuda.Use();
        var count = checked((int)values.NumberOfElements);
        var host = Pinned(_pinnedResults, count + sizeof(float));
        try
        {
            var copied = _cuda.NewEvent();
            _cuda.Record(block.Buffer.Read, Default);
            _cuda.Wait(_out, block.Buffer.Read);
            _cuda.Copy(host.Address, Cuda.AddressOf(values), count, Cuda.ToHost, _out);
            _cuda.Copy(host.Address + count, Cuda.AddressOf(number), sizeof(float), Cuda.ToHost, _out);
            _cuda.Record(copied, _out);

            // The device's memory is taken by the next tensor once these are disposed: they stay until the copy is made.
            return new(this, host, count, copied, block, [values.DetachFromDisposeScope(), number.DetachFromDisposeScope()]);
        }
        catch
        {
            GiveBack(_pinnedResults, host);
            throw;
        }
    }

    /// <summary>Gives a block up whose results nobody wants.</summary>
    public void Drop(DeviceBlock block)
    {
        _cuda.Use();
        _cuda.Record(block.Buffer.Read, Default);
        _cuda.Synchronize(block.Written);
        _cuda.FreeEvent(block.Written);
        GiveBack(_pinnedBlocks, block.Host);
    }

    public void Dispose()
    {
        _cuda.Use();
        foreach (var buffer in _buffers)
        {
            _cuda.Synchronize(buffer.Read);
            buffer.Tensor?.Dispose();
            _cuda.FreeEvent(buffer.Read);
        }

        _cuda.FreeStream(_in);
        _cuda.FreeStream(_out);
        foreach (var memory in _pinnedBlocks.Concat(_pinnedResults))
            _cuda.FreePinned(memory.Address);
    }

    // Getting such memory takes as long as a tile: what is there is used again. What is too small is let go.
    private PinnedMemory Pinned(Stack<PinnedMemory> stack, int bytes)
    {
        while (true)
        {
            PinnedMemory memory;
            lock (_lock)
            {
                if (!stack.TryPop(out memory))
                    break;
            }

            if (memory.Capacity >= bytes)
                return memory with { Count = bytes };
            _cuda.FreePinned(memory.Address);
        }

        return new(_cuda.NewPinned(bytes), bytes, bytes);
    }

    private void GiveBack(Stack<PinnedMemory> stack, PinnedMemory memory)
    {
        lock (_lock)
            stack.Push(memory);
    }

    /// <summary>Memory of the host that a device reads and writes while the processor works.</summary>
    internal readonly record struct PinnedMemory(nint Address, int Count, int Capacity)
    {
        public unsafe Span<byte> Bytes => new((void*)Address, Count);
    }

    /// <summary>Memory of the device that blocks are copied to; <see cref="Read"/> is the mark after its last reader.</summary>
    internal sealed class DeviceBuffer(nint read)
    {
        public nint Read => read;

        public Tensor? Tensor { get; private set; }

        public nint Address => Cuda.AddressOf(Tensor!);

        // The tensor's memory comes from that of the default stream's tensors, whose work must have ended before another stream writes there.
        public void Fit(long[] shape, ScalarType type, Cuda cuda)
        {
            if (Tensor is not null && Tensor.dtype == type && Tensor.shape.AsSpan().SequenceEqual(shape))
                return;
            cuda.Synchronize(Read);
            Tensor?.Dispose();
            Tensor = null;
            Tensor = empty(shape, type, new Device(DeviceType.CUDA, cuda.Index)).DetachFromDisposeScope();
            cuda.Record(Read, Default);
        }
    }

    /// <summary>A block on the device.</summary>
    internal sealed record DeviceBlock(DeviceBuffer Buffer, PinnedMemory Host, nint Written)
    {
        public Tensor Tensor => Buffer.Tensor!;
    }

    /// <summary>What comes back from the device.</summary>
    internal sealed class HostValues : IDisposable
    {
        private readonly CudaCopies _copies;
        private readonly PinnedMemory _values, _block;
        private readonly int _count;
        private readonly nint _copied, _written;
        private readonly Tensor[] _tensors;
        private readonly (long[] Shape, ScalarType Type) _stored;

        public HostValues(CudaCopies copies, PinnedMemory values, int count, nint copied, DeviceBlock block, Tensor[] tensors)
        {
            (_copies, _values, _count, _copied, _tensors) = (copies, values, count, copied, tensors);
            (_block, _written, _stored) = (block.Host, block.Written, (block.Tensor.shape, block.Tensor.dtype));
        }

        /// <summary>The results.</summary>
        public ReadOnlySpan<byte> Bytes => _values.Bytes[.._count];

        /// <summary>The block that they were computed from, on the CPU.</summary>
        public Tensor Voxels
        {
            get
            {
                var voxels = empty(_stored.Shape, _stored.Type);
                _block.Bytes.CopyTo(voxels.bytes);
                return voxels;
            }
        }

        /// <summary>Waits until they are here; the number.</summary>
        public float Wait()
        {
            _copies._cuda.Use();
            _copies._cuda.Synchronize(_copied);
            return MemoryMarshal.Read<float>(_values.Bytes[_count..]);
        }

        public void Dispose()
        {
            _copies._cuda.Use();
            _copies._cuda.Synchronize(_copied);
            _copies._cuda.FreeEvent(_copied);
            _copies._cuda.FreeEvent(_written);
            foreach (var tensor in _tensors)
                tensor.Dispose();
            _copies.GiveBack(_copies._pinnedResults, _values);
            _copies.GiveBack(_copies._pinnedBlocks, _block);
        }
    }
}
