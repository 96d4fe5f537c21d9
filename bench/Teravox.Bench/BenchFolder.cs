// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Bench;

/// <summary>A folder for a bench's servers and files, removed at its end.</summary>
internal sealed class BenchFolder : IDisposable
{
    /// <param name="parent">An existing folder, or null for the system's temporary one.</param>
    /// <exception cref="InputException">The folder does not exist.</exception>
    public BenchFolder(string? parent)
    {
        parent = System.IO.Path.GetFullPath(parent ?? System.IO.Path.GetTempPath());
        if (!Directory.Exists(parent))
            throw new InputException($"--folder {parent}: there is no such folder; make it first.");
        Path = System.IO.Path.Combine(parent, "teravox-bench-" + Guid.NewGuid().ToString("N")[..8]);

        // Not private to this user: PostgreSQL runs as another one where this is root, and must get through.
        Directory.CreateDirectory(Path);
    }

    public string Path { get; }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
