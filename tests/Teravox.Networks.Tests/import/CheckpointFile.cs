// SPDX-License-Identifier: Apache-2.0
using System.IO.Compression;

namespace Teravox.Networks.Tests;

/// <summary>Checkpoints by Python's PyTorch, and what damage can make of them.</summary>
internal static class CheckpointFile
{
    /// <summary>Rewrites the zip record by record: change(name, bytes) gives the new bytes, or null to drop it.</summary>
    public static void Rewrite(string path, Func<string, byte[], byte[]?> change, CompressionLevel level = CompressionLevel.NoCompression)
    {
        var records = new List<(string Name, byte[] Bytes)>();
        using (var old = ZipFile.OpenRead(path))
        {
            foreach (var entry in old.Entries)
            {
                using var stream = entry.Open();
                var bytes = new byte[entry.Length];
                stream.ReadExactly(bytes);
                records.Add((entry.FullName, bytes));
            }
        }

        using var made = new ZipArchive(File.Create(path), ZipArchiveMode.Create);
        foreach (var (name, bytes) in records)
        {
            if (change(name[(name.IndexOf('/', StringComparison.Ordinal) + 1)..], bytes) is { } changed)
            {
                using var stream = made.CreateEntry(name, level).Open();
                stream.Write(changed);
            }
        }
    }
}
