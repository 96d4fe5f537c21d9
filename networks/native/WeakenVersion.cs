// SPDX-License-Identifier: Apache-2.0
using System;
using System.IO;
using System.Security.Cryptography;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

/// <summary>
/// Makes the folder of native libraries: links to libtorch's, and beside them a copy of TorchSharp's in which one byte differs. The
/// original requires a version of libstdc++ (GLIBCXX_3.4.32) that Debian 12 and Ubuntu 22.04 lack. All it wants of that version is a
/// marker that no code calls. The byte marks the requirement as weak (VER_FLG_WEAK of the Linux Standard Base, "Symbol Versioning"), so
/// that the dynamic linker lets it pass. That was tried with one build of the library alone, which its hash tells.
/// </summary>
public sealed class WeakenVersion : Task
{
    private const byte WeakFlag = 2;

    /// <summary>Path of TorchSharp's library.</summary>
    [Required]
    public string Library { get; set; }

    /// <summary>Its SHA-256, in hexadecimal.</summary>
    [Required]
    public string Sha256 { get; set; }

    /// <summary>Where the flags of the requirement lie in it, bytes from its beginning.</summary>
    [Required]
    public int FlagsAt { get; set; }

    /// <summary>Path of the copy.</summary>
    [Required]
    public string Result { get; set; }

    /// <summary>Folder of the libraries that stand beside it as links.</summary>
    [Required]
    public string Libraries { get; set; }

    /// <inheritdoc/>
    public override bool Execute()
    {
        var bytes = File.ReadAllBytes(Library);
        using (var sha = SHA256.Create())
        {
            if (BitConverter.ToString(sha.ComputeHash(bytes)).Replace("-", "").ToLowerInvariant() != Sha256)
            {
                Log.LogError("{0} is another build than the one that networks/native/Libtorch.targets was written for: find its hash and the place of its flags", Library);
                return false;
            }
        }

        try
        {
            var folder = Path.GetDirectoryName(Result);
            Directory.CreateDirectory(folder);
            foreach (var from in Directory.GetFiles(Libraries, "*.so*"))
                Run("ln", "-sfn", from, Path.Combine(folder, Path.GetFileName(from)));
            bytes[FlagsAt] |= WeakFlag;
            var temporary = Result + ".tmp-" + Guid.NewGuid().ToString("N");
            File.WriteAllBytes(temporary, bytes);
            Run("mv", "-f", temporary, Result);
            return true;
        }
        catch (Exception e) when (e is IOException || e is UnauthorizedAccessException)
        {
            Log.LogError("{0}: {1}", Result, e.Message);
            return false;
        }
    }

    // The framework that tasks are written for has neither links nor a rename over an existing file.
    private static void Run(string program, string options, string from, string to)
    {
        using (var process = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo(program, options + " \"" + from + "\" \"" + to + "\"") { UseShellExecute = false }))
        {
            process.WaitForExit();
            if (process.ExitCode != 0)
                throw new IOException(program + " from " + from + " ended with " + process.ExitCode);
        }
    }
}
