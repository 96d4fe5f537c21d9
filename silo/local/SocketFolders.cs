// SPDX-License-Identifier: Apache-2.0
using System.Text;

namespace Teravox.Silo.Local;

/// <summary>Folders that can hold the socket of a server.</summary>
internal static class SocketFolders
{
    /// <summary>Most bytes of a socket's path: Linux takes 107, macOS 103.</summary>
    public const int LongestPath = 103;

    /// <summary>
    /// Whether a server and its clients can use a socket of this name there: its path is short enough, and the folder's name has no comma
    /// or quote, which both read as a list of hosts.
    /// </summary>
    public static bool CanHold(string folder, string socket) =>
        Encoding.UTF8.GetByteCount(Path.Combine(folder, socket)) <= LongestPath && folder.AsSpan().IndexOfAny(',', '"') < 0;

    /// <summary>Folders with short paths that do not exist yet and whose parents let nobody rename another user's folder.</summary>
    public static IEnumerable<string> Elsewhere(string socket)
    {
        var name = "teravox-" + Guid.NewGuid().ToString("N")[..16];

        // The runtime folder is its user's alone, so another user's server could not get there.
        var runtime = Environment.IsPrivilegedProcess ? null : Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR");
        return new[] { runtime, Path.GetTempPath(), "/tmp" }
            .OfType<string>()
            .Where(parent => Path.IsPathFullyQualified(parent) && Directory.Exists(parent) && KeepsNames(parent))
            .Select(parent => Path.Combine(parent, name))
            .Where(folder => CanHold(folder, socket));
    }

    private static bool KeepsNames(string parent) =>
        !OperatingSystem.IsWindows()
        && File.GetUnixFileMode(parent) is var mode
        && (mode.HasFlag(UnixFileMode.StickyBit) || (mode & (UnixFileMode.GroupWrite | UnixFileMode.OtherWrite)) == 0);
}
