// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;

namespace Teravox.Networks;

/// <summary>Numbers at a fixed place that begins a cache line, zero at first.</summary>
internal sealed unsafe class AlignedFloats : SafeHandle
{
    private const nuint CacheLine = 64;

    public AlignedFloats(long count)
        : base(invalidHandleValue: 0, ownsHandle: true)
    {
        var bytes = checked((nuint)(count * sizeof(float)));
        SetHandle((nint)NativeMemory.AlignedAlloc(bytes, CacheLine));
        NativeMemory.Clear(Data, bytes);
        Count = count;
    }

    public long Count { get; }

    public float* Data => (float*)handle;

    public override bool IsInvalid => handle == 0;

    public Span<float> Span => new(Data, checked((int)Count));

    protected override bool ReleaseHandle()
    {
        NativeMemory.AlignedFree(Data);
        return true;
    }
}
