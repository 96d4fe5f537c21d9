// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;

namespace Teravox.Ledger.Tests;

/// <summary>A file system of one MiB, to fill. Needs the right to mount.</summary>
internal sealed class TinyDisk : IDisposable
{
    private readonly string _folder;

    private TinyDisk(string folder) => _folder = folder;

    /// <summary>Mounts it; where that is not allowed the test is skipped at home and fails in CI.</summary>
    public static TinyDisk Mount(string folder)
    {
        Directory.CreateDirectory(folder);
        if (Run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder) != 0)
        {
            const string Reason = "mounting a tmpfs is not allowed here";
            if (Environment.GetEnvironmentVariable("CI") == "true")
            {
                Assert.Fail(Reason);
            }

            Assert.Skip(Reason);
        }

        return new TinyDisk(folder);
    }

    public void Dispose() => Run("umount", "--lazy", _folder);

    private static int Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode;
    }
}
