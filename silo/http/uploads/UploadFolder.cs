// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text.Json;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Grains.Catalog;
using Teravox.Volumes;

namespace Teravox.Silo.Http.Uploads;

/// <summary>
/// The files of one upload in the store. How much of a file has arrived is its length; slabs are received beside it and
/// put on its end whole, one silo at a time, so that a break anywhere leaves a file that can go on.
/// </summary>
internal sealed class UploadFolder(string root)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    /// <summary>The folder of an upload's entry.</summary>
    public static UploadFolder Of(ApiServices api, EntryRow row) => new(Path.Combine(api.Folder("uploads"), $"{row.Id}"));

    /// <summary>Where the volume grows.</summary>
    public string Files => Path.Combine(root, "files");

    public string Root => root;

    private string Manifest => Path.Combine(root, "manifest.json");

    private string Slabs => Path.Combine(root, "slabs");

    private string Checked => Path.Combine(root, "checked");

    /// <summary>Makes the folder, or takes over the voxel size of what is announced again.</summary>
    public void Create(NewUpload upload)
    {
        Directory.CreateDirectory(Files);
        Directory.CreateDirectory(Slabs);
        if (!File.Exists(Manifest) || Read().VoxelSize != upload.VoxelSize)
            AtomicFile.WriteAllBytes(Manifest, JsonSerializer.SerializeToUtf8Bytes(upload, TeravoxJson.Compact));
    }

    /// <summary>What was announced.</summary>
    /// <exception cref="ProblemException">409: the silo that took the upload has not written it down.</exception>
    public NewUpload Read() => File.Exists(Manifest)
        ? JsonSerializer.Deserialize<NewUpload>(File.ReadAllBytes(Manifest), TeravoxJson.Compact)!
        : throw new ProblemException(409, "The upload was not begun whole; announce it again.");

    public long Received(UploadFile file) => new FileInfo(Path.Combine(Files, file.Path)) is { Exists: true } there ? there.Length : 0;

    /// <summary>When something arrived last.</summary>
    public DateTime Touched => Directory.GetLastWriteTimeUtc(Slabs);

    /// <summary>Receives a slab.</summary>
    /// <param name="file">The file it is of.</param>
    /// <param name="offset">Where it begins.</param>
    /// <param name="body">The slab.</param>
    /// <param name="most">Most bytes of a slab.</param>
    /// <param name="ct">Stops the receiving; nothing of the slab is kept then.</param>
    /// <returns>Bytes of the file that have arrived.</returns>
    /// <exception cref="ProblemException">409: the file does not end at the offset; 422: the slab does not fit the file.</exception>
    public async Task<long> ReceiveAsync(UploadFile file, long offset, Stream body, int most, CancellationToken ct)
    {
        // 1. The slab arrives beside the file, however slowly, in nobody's way.
        Directory.CreateDirectory(Slabs);
        var temporary = Path.Combine(Slabs, AtomicFile.TemporaryPrefix + Guid.NewGuid().ToString("N"));
        await using var slab = new FileStream(
            temporary, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Delete, 1 << 16, FileOptions.DeleteOnClose | FileOptions.Asynchronous);
        await body.CopyToAsync(slab, ct);
        if (slab.Length == 0)
            throw new ProblemException(422, "The slab is empty; send 1 byte or more.");
        if (slab.Length > most)
            throw new ProblemException(413, $"The slab has more than {most} bytes.");
        if (offset > file.Bytes - slab.Length)
            throw new ProblemException(422, $"The slab of {slab.Length} bytes at {offset} goes beyond the {file.Bytes} bytes announced for {file.Path}.");

        // 2. It goes on the end of the file, if that is where it begins.
        await using var whole = await LockAsync(Path.Combine(Files, file.Path), ct);
        var received = whole.Length;
        if (offset == received)
        {
            slab.Position = 0;
            whole.Position = received;
            await slab.CopyToAsync(whole, CancellationToken.None);
            whole.Flush(flushToDisk: true);
            return whole.Length;
        }

        // 3. A slab that was received, but whose answer was lost, is sent again.
        return offset + slab.Length <= received && await SameAsync(slab, whole, offset, ct)
            ? received
            : throw new ProblemException(409, $"{file.Path} has {received} bytes; send the slab that begins there.") { More = { ["received"] = received } };
    }

    /// <summary>Checks that all is there as announced; files that were found right once are not read again.</summary>
    /// <exception cref="ProblemException">409: something is missing; 422: a file has another SHA-256.</exception>
    public async Task CheckAsync(NewUpload upload, CancellationToken ct)
    {
        foreach (var file in upload.Files)
        {
            if (file.Bytes == 0)
                await (await LockAsync(Path.Combine(Files, file.Path), ct)).DisposeAsync();
            var received = Received(file);
            if (received != file.Bytes)
                throw new ProblemException(409, $"{file.Path} has {received} of {file.Bytes} bytes; send the rest first.") { More = { ["received"] = received } };
        }

        var done = File.Exists(Checked) ? (await File.ReadAllLinesAsync(Checked, ct)).ToHashSet(StringComparer.Ordinal) : [];
        await using var log = new StreamWriter(Checked, append: true) { AutoFlush = true };
        foreach (var file in upload.Files.Where(f => f.Sha256 is not null && !done.Contains(f.Path)))
        {
            await using var stream = File.OpenRead(Path.Combine(Files, file.Path));
            var sha = Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, ct));
            if (!string.Equals(sha, file.Sha256, StringComparison.OrdinalIgnoreCase))
                throw new ProblemException(422, $"{file.Path} arrived with the SHA-256 {sha} instead of {file.Sha256}; delete the upload and send it again.");
            await log.WriteLineAsync(file.Path);
        }
    }

    /// <summary>Keeps all others out of the completing; null when another is at it.</summary>
    public FileStream? TryLock()
    {
        try
        {
            return new FileStream(Path.Combine(root, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static async Task<FileStream> LockAsync(string path, CancellationToken ct)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        for (var until = Environment.TickCount64 + (long)Patience.TotalMilliseconds; ;)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1 << 16, FileOptions.Asynchronous);
            }
            catch (IOException e) when (e is not (DirectoryNotFoundException or FileNotFoundException))
            {
                if (Environment.TickCount64 > until)
                    throw new ProblemException(409, "Another slab of this file is being received; ask how far it is and go on there.");
            }

            await Task.Delay(Pause, ct);
        }
    }

    private static async Task<bool> SameAsync(FileStream slab, FileStream whole, long offset, CancellationToken ct)
    {
        slab.Position = 0;
        whole.Position = offset;
        byte[] a = new byte[1 << 16], b = new byte[1 << 16];
        for (int read; (read = await slab.ReadAsync(a, ct)) > 0;)
        {
            if (await whole.ReadAtLeastAsync(b.AsMemory(0, read), read, throwOnEndOfStream: false, ct) != read || !a.AsSpan(0, read).SequenceEqual(b.AsSpan(0, read)))
                return false;
        }

        return true;
    }
}
