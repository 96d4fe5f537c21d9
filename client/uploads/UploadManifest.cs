// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text;
using Teravox.Contracts;
using Teravox.Contracts.Api;

namespace Teravox.Client;

/// <summary>The files of a stack with their sizes and SHA-256: what an upload is announced with.</summary>
public sealed class UploadManifest
{
    private static readonly string[] Slices = [".tif", ".tiff", ".png"], Archives = [".zip", .. Slices], ZarrFiles = [".zattrs", ".zarray", ".zgroup", ".zmetadata"];

    private UploadManifest(IReadOnlyList<LocalFile> files) => Files = files;

    /// <summary>A file: where it lies, and what it is called on the cluster.</summary>
    /// <param name="Local">Path on this disk.</param>
    /// <param name="Remote">As it is announced.</param>
    public sealed record LocalFile(string Local, UploadFile Remote);

    /// <summary>The files by their path on the cluster.</summary>
    public IReadOnlyList<LocalFile> Files { get; }

    /// <summary>Bytes in all.</summary>
    public long Bytes => Files.Sum(f => f.Remote.Bytes);

    /// <summary>Hex SHA-256 over paths, sizes and hashes: equal for equal stacks, wherever they lie.</summary>
    public string Fingerprint
    {
        get
        {
            var text = string.Concat(Files.Select(f => $"{f.Remote.Path}\n{f.Remote.Bytes}\n{f.Remote.Sha256}\n"));
            return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
        }
    }

    /// <summary>Finds the files of a stack and reads each once for its hash.</summary>
    /// <exception cref="InputException">No slices there, or a file that cannot be read.</exception>
    public static async Task<UploadManifest> ReadAsync(UploadSource source, Action<UploadProgress>? progress = null, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        var files = FilesOf(source.Raw, "raw").ToList();
        if (source.Labels is { } labels)
            files.AddRange(FilesOf(labels, "labels"));
        if (source.Classes is { } classes)
            files.Add((classes, "classes.json"));
        files.Sort(static (a, b) => string.CompareOrdinal(a.Remote, b.Remote));

        var meter = new UploadMeter(UploadPhase.Reading, files.Count, files.Sum(f => new FileInfo(f.Local).Length), progress);
        var hashed = new LocalFile[files.Count];
        await Parallel.ForEachAsync(Enumerable.Range(0, files.Count), new ParallelOptions { MaxDegreeOfParallelism = 2, CancellationToken = ct }, async (i, token) =>
        {
            var (local, remote) = files[i];
            try
            {
                await using var stream = new FileStream(local, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 20, FileOptions.SequentialScan | FileOptions.Asynchronous);
                var hash = await SHA256.HashDataAsync(stream, token);
                hashed[i] = new LocalFile(local, new UploadFile(remote, stream.Length, Convert.ToHexStringLower(hash)));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new InputException($"{local}: cannot be read ({e.Message}).", e);
            }

            meter.Add(hashed[i].Remote.Bytes);
            meter.FileDone();
        });
        return new UploadManifest(hashed);
    }

    private static IEnumerable<(string Local, string Remote)> FilesOf(string path, string part)
    {
        if (File.Exists(path))
        {
            return Archives.Contains(Path.GetExtension(path).ToLowerInvariant())
                ? [(path, $"{part}/{Path.GetFileName(path)}")]
                : throw new InputException($"{path}: is not a stack; give a folder of .tif or .png slices, a .zip of them, a .tif or an OME-Zarr.");
        }

        if (!Directory.Exists(path))
            throw new InputException($"{path} does not exist.");
        if (File.Exists(Path.Combine(path, ".zattrs")) || File.Exists(Path.Combine(path, ".zarray")))
        {
            // An OME-Zarr is all its files; of those that begin with a dot only its own, not what a desktop leaves behind.
            return Directory.EnumerateFiles(path, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 })
                .Select(f => (Local: f, Relative: Path.GetRelativePath(path, f).Replace('\\', '/')))
                .Where(f => f.Relative.Split('/').All(p => !p.StartsWith('.') || ZarrFiles.Contains(p)))
                .Select(f => (f.Local, $"{part}/{f.Relative}"));
        }

        var slices = Directory.EnumerateFiles(path)
            .Where(f => Slices.Contains(Path.GetExtension(f).ToLowerInvariant()) && !Path.GetFileName(f).StartsWith('.'))
            .Select(f => (f, $"{part}/{Path.GetFileName(f)}"))
            .ToList();
        if (slices.Count > 0)
            return slices;

        // A folder that holds nothing but one archive or one OME-Zarr stands for that.
        var entries = Directory.EnumerateFileSystemEntries(path).Where(e => !Path.GetFileName(e).StartsWith('.')).Take(2).ToList();
        return entries is [var one] && Path.GetExtension(one).ToLowerInvariant() is ".zip" or ".zarr" ? FilesOf(one, part) : throw new InputException($"{path}: holds no .tif, .tiff or .png file and is no OME-Zarr.");
    }
}
