// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using Teravox.Volumes;

namespace Teravox.Chaos;

/// <summary>The files that an experiment leaves.</summary>
internal static class ResultFiles
{
    /// <summary>
    /// What is not compared: the embedded database and its lock and process number, which only the reference has; and the checkpoints, of
    /// which each run of a training has a folder.
    /// </summary>
    public const string Exempt = ".teravox/teravox.*, .teravox/checkpoints/";

    /// <summary>SHA-256 of every file by its path, those that are exempt left out.</summary>
    public static SortedDictionary<string, string> Of(string folder)
    {
        var files = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
        {
            var name = Path.GetRelativePath(folder, file);
            if (name.StartsWith(".teravox/teravox.", StringComparison.Ordinal) || name.StartsWith(".teravox/checkpoints/", StringComparison.Ordinal))
                continue;
            using var stream = File.OpenRead(file);
            files[name] = Convert.ToHexStringLower(SHA256.HashData(stream));
        }

        return files;
    }

    /// <summary>What differs between two sets of files; empty when nothing does.</summary>
    public static IReadOnlyList<string> Differences(SortedDictionary<string, string> expected, SortedDictionary<string, string> found) =>
    [
        .. expected.Keys.Except(found.Keys).Select(name => name + " is missing"),
        .. found.Keys.Except(expected.Keys).Select(name => name + " should not be there"),
        .. expected.Where(e => found.TryGetValue(e.Key, out var hash) && hash != e.Value).Select(e => e.Key + " differs"),
    ];

    /// <summary>Temporary files and folders under a folder.</summary>
    public static IReadOnlyList<string> OrphanedFiles(string folder) =>
        [.. Directory.EnumerateFileSystemEntries(folder, "*" + AtomicFile.TemporaryPrefix + "*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(folder, f))];
}
