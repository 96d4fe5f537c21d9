// SPDX-License-Identifier: Apache-2.0
using System.Reflection;
using System.Runtime.InteropServices;

namespace Teravox.Compute.Interop;

/// <summary>Finds libteravox: in TERAVOX_NATIVE_DIR when that is set, else beside the assembly.</summary>
internal static class NativeLoader
{
    public const string DirectoryVariable = "TERAVOX_NATIVE_DIR";

    private const string FileName = "libteravox.so";

    public static void Install() => NativeLibrary.SetDllImportResolver(typeof(NativeLoader).Assembly, Resolve);

    /// <summary>The file to load.</summary>
    /// <exception cref="TeravoxNativeException">There is none.</exception>
    public static string Find(string? directory, string baseDirectory)
    {
        var path = Path.Combine(string.IsNullOrEmpty(directory) ? baseDirectory : directory, FileName);
        if (File.Exists(path))
        {
            return path;
        }

        throw new TeravoxNativeException(0, string.IsNullOrEmpty(directory)
            ? $"{path} is missing; run ./teravox build, or set {DirectoryVariable} to the directory that holds {FileName}"
            : $"{path} is missing; {DirectoryVariable} must name the directory that holds {FileName}");
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? searchPath)
    {
        if (name != NativeMethods.Library)
        {
            return 0;
        }

        var path = Find(Environment.GetEnvironmentVariable(DirectoryVariable), AppContext.BaseDirectory);
        if (!NativeLibrary.TryLoad(path, out var library))
        {
            // Once more for the loader's own sentence, which names the library that is missing.
            try
            {
                library = NativeLibrary.Load(path);
            }
            catch (DllNotFoundException e)
            {
                throw new TeravoxNativeException(0, $"{path} cannot be loaded: {e.Message}");
            }
        }

        CheckAbi(path, library);
        return library;
    }

    private static unsafe void CheckAbi(string path, nint library)
    {
        // Through the export itself: a call by import would come back here.
        var version = (delegate* unmanaged[Cdecl]<int>)NativeLibrary.GetExport(library, "tvx_abi_version");
        if (version() is var found && found != NativeConstants.AbiVersion)
        {
            throw new TeravoxNativeException(
                0,
                $"{path} has interface version {found}, this program needs {NativeConstants.AbiVersion}; run ./teravox build");
        }
    }
}
