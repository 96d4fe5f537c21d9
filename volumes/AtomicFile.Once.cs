// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;
using Teravox.Contracts;

namespace Teravox.Volumes;

/// <content>
/// Files that are written once: the first writer's bytes stay, whoever comes later learns that it was not the first.
/// </content>
public static partial class AtomicFile
{
    /// <summary>
    /// Writes the file only when there is none of that name. Its directory must exist. The call returns when the name
    /// survives a power cut, whoever wrote it.
    /// </summary>
    /// <returns>
    /// True when these bytes are stored; false when a file was there, which stays as it is. On a network file system that
    /// loses the server's answer, false may come although these bytes are stored: read the file to know what it holds.
    /// </returns>
    /// <exception cref="IOException">The disk is full or the path cannot be written; the message names the path.</exception>
    public static bool TryCreate(string path, ReadOnlySpan<byte> bytes)
    {
        var ours = TryCreate(path, bytes, TemporaryBeside(path), "file");
        FlushDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        return ours;
    }

    /// <summary>
    /// As above without the directory's fsync; fault points are {kind}.before-link and {kind}.after-link. A crash at the
    /// latter leaves the temporary name as a second name of the stored file.
    /// </summary>
    internal static bool TryCreate(string path, ReadOnlySpan<byte> bytes, string temporary, string kind)
    {
        bool ours;
        try
        {
            WriteFlushed(temporary, bytes);
            FaultPoints.Hit(kind + ".before-link");
            ours = TryLink(temporary, path) ?? TryRename(temporary, path) ?? RenameGuarded(temporary, path, TimeSpan.FromSeconds(10));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            TryDelete(temporary);
            throw CannotWrite(path, e);
        }

        FaultPoints.Hit(kind + ".after-link");
        TryDelete(temporary);
        return ours;
    }

    /// <summary>
    /// Gives the temporary file its final name as a second one, which no system does to a name that is taken. True: done;
    /// false: the name is taken; null: this file system has no hard links.
    /// </summary>
    internal static bool? TryLink(string temporary, string path) =>
        OperatingSystem.IsWindows() ? null : Outcome(Link(temporary, path));

    /// <summary>Renames by the call of Linux that replaces nothing. True, false and null as above.</summary>
    internal static bool? TryRename(string temporary, string path)
    {
        try
        {
            return OperatingSystem.IsLinux() ? Outcome(RenameAt2(CurrentDirectory, temporary, CurrentDirectory, path, NoReplace)) : null;
        }
        catch (EntryPointNotFoundException)
        {
            return null; // a C library without the call
        }
    }

    /// <summary>
    /// The last resort: only one writer at a time holds the guard, a file that opens for its maker alone, and it renames
    /// only when the name is free. True and false as above.
    /// </summary>
    /// <exception cref="IOException">
    /// The guard stays: a writer died in the moment that it held it. Nobody removes it for that writer, since two who do
    /// so at once could both rename.
    /// </exception>
    internal static bool RenameGuarded(string temporary, string path, TimeSpan patience)
    {
        var guard = Path.Combine(Path.GetDirectoryName(temporary)!, $"{TemporaryPrefix}guard-{Path.GetFileName(path)}");
        var until = Environment.TickCount64 + (long)patience.TotalMilliseconds;
        while (true)
        {
            try
            {
                using var held = File.OpenHandle(guard, FileMode.CreateNew, FileAccess.Write, FileShare.None, FileOptions.DeleteOnClose);
                if (File.Exists(path))
                    return false;
                File.Move(temporary, path, overwrite: true);
                return true;
            }
            catch (IOException e) when ((e.HResult & 0xffff) is FileExists or WindowsFileExists)
            {
                if (File.Exists(path))
                    return false;
                if (Environment.TickCount64 > until)
                    throw new IOException($"{guard} stays, as a writer leaves it that dies; remove it when no writer is at work", e);
                Thread.Sleep(10);
            }
        }
    }

    private static bool? Outcome(int result)
    {
        if (result == 0)
            return true;
        var error = Marshal.GetLastPInvokeError();
        return error switch
        {
            FileExists => false,
            // Any other error does not say that the call did nothing: the next way must not be tried after it.
            NotPermitted or CrossDevice or InvalidArgument or NoSuchCall or NotSupported or NotSupportedOnMacOS => null,
            _ => throw new IOException(Marshal.GetPInvokeErrorMessage(error), error),
        };
    }

    private const int NotPermitted = 1, FileExists = 17, CrossDevice = 18, NoSuchCall = 38, NotSupported = 95;
    private const int NotSupportedOnMacOS = 45, WindowsFileExists = 80;
    private const int CurrentDirectory = -100;
    private const uint NoReplace = 1;

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Link(string from, string to);

    [LibraryImport("libc", EntryPoint = "renameat2", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int RenameAt2(int fromDirectory, string from, int toDirectory, string to, uint flags);
}
