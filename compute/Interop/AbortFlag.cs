// SPDX-License-Identifier: Apache-2.0
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Teravox.Compute.Interop;

/// <summary>Lets a cancellation token stop a native call: the token sets a flag that the library polls.</summary>
internal sealed unsafe class AbortFlag : IDisposable
{
    // Native memory, so that the callback needs no handle to a managed object.
    private readonly int* _asked;
    private readonly CancellationTokenRegistration _registration;

    public AbortFlag(CancellationToken cancellationToken)
    {
        _asked = (int*)NativeMemory.AllocZeroed(sizeof(int));
        Callbacks = new TvxCallbacks { Abort = &IsAsked, User = _asked };
        _registration = cancellationToken.UnsafeRegister(static flag => Volatile.Write(ref *((AbortFlag)flag!)._asked, 1), this);
    }

    public TvxCallbacks Callbacks { get; }

    public void Dispose()
    {
        // Waits for a running registration, so nothing writes to the memory afterwards.
        _registration.Dispose();
        NativeMemory.Free(_asked);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int IsAsked(void* user) => Volatile.Read(ref *(int*)user);
}
