// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;
using Teravox.Contracts;

namespace Teravox.Networks;

/// <summary>
/// Writes a file whole or not at all: a temporary file beside it, fsync, rename, fsync of the folder. Teravox.Volumes has a fuller one; this
/// library stands without it.
/// </summary>
internal static partial class WholeFile
{
    private const int InvalidArgument = 22;

    /// <summary>Replaces the file by these bytes.</summary>
    /// <exception cref="InputException">It cannot be written; what was there stays.</exception>
    public static void Write(string path, ReadOnlySpan<byte> bytes)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        var temporary = Path.Combine(folder, $".tmp-{Guid.NewGuid():N}");
        try
        {
            using (var file = File.OpenHandle(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None))
            {
                RandomAccess.Write(file, bytes, 0);
                RandomAccess.FlushToDisk(file);
            }

            File.Move(temporary, path, overwrite: true);
            FlushFolder(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (File.Exists(temporary))
                File.Delete(temporary);
            throw new InputException($"{path} cannot be written: {e.Message}", e);
        }
    }

    // Without this, a power cut could undo the rename after the caller was told that the file is there.
    private static void FlushFolder(string folder)
    {
        var descriptor = Open(folder, 0);
        if (descriptor < 0)
            throw new IOException($"its folder cannot be opened to flush it: {Marshal.GetLastPInvokeErrorMessage()}");
        var (result, error) = (FSync(descriptor), Marshal.GetLastPInvokeError());
        _ = Close(descriptor);

        // Some network file systems cannot flush a folder and say EINVAL: then there is nothing more to do.
        if (result != 0 && error != InvalidArgument)
            throw new IOException($"its folder cannot be flushed: {Marshal.GetPInvokeErrorMessage(error)}");
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FSync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);
}
