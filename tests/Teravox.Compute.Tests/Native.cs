// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Compute.Tests;

/// <summary>What the tests that run the library share.</summary>
internal static class Native
{
    public static readonly UNetArchitecture SmallNet = new() { Levels = 3, FMaps = 4 };

    /// <summary>Skips at home, fails in CI, when the native build has not run.</summary>
    public static void Require() =>
        Prerequisite.Require(File.Exists(Path.Combine(AppContext.BaseDirectory, "libteravox.so")), "libteravox.so; run ./teravox build");

    /// <summary>Reproducible bytes.</summary>
    public static byte[] Bytes(long count, int seed)
    {
        var bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}

/// <summary>A folder that is gone after the test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("teravox-compute-");

    public string File(string name) => Path.Combine(_folder.FullName, name);

    public void Dispose() => _folder.Delete(recursive: true);
}
