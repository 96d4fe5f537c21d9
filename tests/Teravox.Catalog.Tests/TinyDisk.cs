// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using Teravox.Testing;

namespace Teravox.Catalog.Tests;

/// <summary>A file system of one MiB, to fill. Needs the right to mount.</summary>
internal sealed class TinyDisk : IDisposable
{
    private readonly string _folder;

    private TinyDisk(string folder) => _folder = folder;

    /// <summary>Mounts it; where that is not allowed the test is skipped at home and fails in CI.</summary>
    public static TinyDisk Mount(string folder)
    {
        Directory.CreateDirectory(folder);
        Prerequisite.Require(Run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder) == 0, "the right to mount a tmpfs");
        return new TinyDisk(folder);
    }

    /// <summary>From now on nothing can be written.</summary>
    public void MakeReadOnly() => Assert.Equal(0, Run("mount", "-o", "remount,ro", _folder));

    /// <summary>Gives it to the owner of another folder.</summary>
    public void GiveToOwnerOf(string other) => Assert.Equal(0, Run("chown", "--reference", other, _folder));

    public void Dispose() => Run("umount", "--lazy", _folder);

    private static int Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode;
    }
}
