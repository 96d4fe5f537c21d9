// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;

namespace Teravox.Contracts;

/// <summary>
/// Who may read the file of a key: its owner alone. A file of root may also be readable for a group, since Kubernetes and
/// systemd hand secrets to a service of another user so, and that user can not change it.
/// </summary>
internal static partial class KeyFileAccess
{
    private const UnixFileMode Group = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute;
    private const UnixFileMode Other = UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    /// <summary>Checks a file that exists. On Windows folders guard files, so nothing is checked there.</summary>
    /// <exception cref="InputException">Others may read or write it.</exception>
    public static void Check(string path)
    {
        if (!OperatingSystem.IsWindows() && !IsGuarded(File.GetUnixFileMode(path), Owner(path), Environment.IsPrivilegedProcess))
            throw new InputException($"{path}: other users of this machine can read or change the key; close it with: chmod 600 {path}");
    }

    /// <summary>The rule itself.</summary>
    /// <param name="mode">Permissions of the file.</param>
    /// <param name="owner">Number of its owner; null where it is not known.</param>
    /// <param name="asRoot">Whether this process runs as root, and so could close the file.</param>
    internal static bool IsGuarded(UnixFileMode mode, uint? owner, bool asRoot)
    {
        var open = mode & (Group | Other);
        return open == UnixFileMode.None || (open == UnixFileMode.GroupRead && owner == 0 && !asRoot);
    }

    /// <summary>Number of a file's owner; null where the system does not tell. .NET has no call for it.</summary>
    internal static uint? Owner(string path)
    {
        // struct statx is the same on every processor: its mask of what is known comes first, the owner is at byte 20.
        const int currentFolder = -100, wantOwner = 0x8, ownerAt = 20;
        if (!OperatingSystem.IsLinux())
            return null;
        Span<byte> status = stackalloc byte[256];
        return Statx(currentFolder, path, 0, wantOwner, status) == 0 && (MemoryMarshal.Read<uint>(status) & wantOwner) != 0
            ? MemoryMarshal.Read<uint>(status[ownerAt..])
            : null;
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Statx(int folder, string path, int flags, uint mask, Span<byte> status);
}
