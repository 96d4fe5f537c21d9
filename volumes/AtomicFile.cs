// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;
using System.Text;
using Teravox.Contracts;

namespace Teravox.Volumes;

/// <summary>
/// Writes a file so that a crash leaves the old content or the new, never half of one: temporary file in the same
/// directory, write, fsync, rename (or link, see TryCreate), fsync of the directory.
/// </summary>
public static partial class AtomicFile
{
    /// <summary>How the names of temporary files and directories begin; what a crash leaves carries such a name.</summary>
    public const string TemporaryPrefix = ".tmp-";

    /// <summary>Replaces the file by these bytes. Its directory must exist.</summary>
    /// <exception cref="IOException">
    /// The disk is full or the path cannot be written; the message names the path, the old file stays.
    /// </exception>
    public static void WriteAllBytes(string path, ReadOnlySpan<byte> bytes)
    {
        Replace(path, bytes, TemporaryBeside(path), "file");
        FlushDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
    }

    /// <summary>Replaces the file by this text in UTF-8 without a byte order mark.</summary>
    /// <exception cref="IOException">As for <see cref="WriteAllBytes"/>.</exception>
    public static void WriteAllText(string path, string text) => WriteAllBytes(path, Encoding.UTF8.GetBytes(text));

    /// <summary>A name for a temporary file or directory beside <paramref name="path"/> that nobody else takes.</summary>
    internal static string TemporaryBeside(string path, string? stamp = null)
    {
        var directory = Path.GetDirectoryName(Path.GetFullPath(path))!;
        return Path.Combine(directory, $"{TemporaryPrefix}{(stamp is null ? "" : stamp + "-")}{Guid.NewGuid():N}");
    }

    /// <summary>
    /// Steps 1 to 3 (write, fsync, rename) without the directory's fsync; fault points are {kind}.before-rename and
    /// {kind}.after-rename.
    /// </summary>
    internal static void Replace(string path, ReadOnlySpan<byte> bytes, string temporary, string kind)
    {
        try
        {
            WriteFlushed(temporary, bytes);
            FaultPoints.Hit(kind + ".before-rename");
            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            TryDelete(temporary);
            throw CannotWrite(path, e);
        }

        FaultPoints.Hit(kind + ".after-rename");
    }

    private static void WriteFlushed(string temporary, ReadOnlySpan<byte> bytes)
    {
        using var handle = File.OpenHandle(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None);
        RandomAccess.Write(handle, bytes, 0);
        RandomAccess.FlushToDisk(handle);
    }

    private static IOException CannotWrite(string path, Exception e) =>
        new($"cannot write {path}: {e.Message}", e) { HResult = e.HResult };

    /// <summary>Makes renames inside the directory survive a power cut. Does nothing where the system has no such call.</summary>
    internal static void FlushDirectory(string directory)
    {
        if (OperatingSystem.IsWindows())
            return;
        var descriptor = Open(directory, 0);
        if (descriptor < 0)
            throw new IOException($"cannot open directory {directory} to flush it: {Marshal.GetLastPInvokeErrorMessage()}");
        try
        {
            // Some network file systems cannot flush a directory and say EINVAL: then there is nothing more to do.
            if (FSync(descriptor) != 0 && Marshal.GetLastPInvokeError() != InvalidArgument)
                throw new IOException($"cannot flush directory {directory}: {Marshal.GetLastPInvokeErrorMessage()}");
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The first error is the one to report; an orphaned file is harmless and carries the temporary prefix.
        }
    }

    private const int InvalidArgument = 22;

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int FSync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);
}
