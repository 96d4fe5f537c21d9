// SPDX-License-Identifier: Apache-2.0
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace Teravox.Compute.Interop;

/// <summary>
/// Lets a token stop a native call and a delegate hear of its progress. The delegate runs on the calling thread; what it
/// throws stops the call and is thrown again by <see cref="ThrowIfFailed"/>, since nothing may unwind through native frames.
/// </summary>
internal sealed unsafe class ProgressCallbacks : IDisposable
{
    private readonly CancellationToken _ct;
    private readonly Action<double>? _progress;
    private GCHandle _self;
    private ExceptionDispatchInfo? _failure;

    public ProgressCallbacks(Action<double>? progress, CancellationToken ct)
    {
        (_ct, _progress) = (ct, progress);
        _self = GCHandle.Alloc(this);
        Native = new TvxCallbacks { Abort = &IsAsked, Progress = &Told, User = (void*)GCHandle.ToIntPtr(_self) };
    }

    public TvxCallbacks Native { get; }

    public void ThrowIfFailed() => _failure?.Throw();

    public void Dispose() => _self.Free();

    private static ProgressCallbacks Of(void* user) => (ProgressCallbacks)GCHandle.FromIntPtr((nint)user).Target!;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int IsAsked(void* user)
    {
        var callbacks = Of(user);
        return callbacks._ct.IsCancellationRequested || callbacks._failure is not null ? 1 : 0;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Told(double fraction, void* user)
    {
        var callbacks = Of(user);
        try
        {
            if (callbacks._failure is null)
            {
                callbacks._progress?.Invoke(fraction);
            }
        }
#pragma warning disable CA1031 // whatever it is, it must not unwind through native frames
        catch (Exception e)
#pragma warning restore CA1031
        {
            callbacks._failure = ExceptionDispatchInfo.Capture(e);
        }
    }
}
