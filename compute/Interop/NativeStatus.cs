// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;
using Teravox.Contracts;

namespace Teravox.Compute.Interop;

/// <summary>Whose doing a bad argument would be.</summary>
internal enum Arguments
{
    /// <summary>This program's: a bad one is a defect.</summary>
    Ours,

    /// <summary>The user's: files, architectures, options.</summary>
    Users,
}

/// <summary>The one place where a tvx_status becomes an exception.</summary>
internal static class NativeStatus
{
    /// <summary>Nothing on TVX_OK. Called on the thread that made the call, whose last error it reads.</summary>
    /// <exception cref="OperationCanceledException">TVX_ABORTED, with the caller's token.</exception>
    /// <exception cref="InputException">A file, the device, or an argument that is the user's.</exception>
    /// <exception cref="TeravoxNativeException">Anything else.</exception>
    public static unsafe void Check(
        int status, Arguments arguments = Arguments.Ours, CancellationToken cancellationToken = default)
    {
        if (status == NativeConstants.Ok)
        {
            return;
        }

        var text = Marshal.PtrToStringUTF8((nint)NativeMethods.LastError()) ?? "";
        throw status switch
        {
            NativeConstants.Aborted => new OperationCanceledException(text, cancellationToken),
            >= 200 and < 300 or NativeConstants.NoDevice => new InputException(text),
            >= 100 and < 200 when arguments == Arguments.Users => new InputException(text),
            _ => new TeravoxNativeException(status, text),
        };
    }
}
