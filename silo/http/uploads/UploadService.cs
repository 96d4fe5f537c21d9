// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text.Json;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Grains.Catalog;
using Teravox.Silo.Http.Security;
using Teravox.Silo.Http.Volumes;

namespace Teravox.Silo.Http.Uploads;

/// <summary>
/// Takes uploads in: an entry of the catalog by the volume's name, and a folder of the store by the entry's number. An
/// upload that became a volume stays as an entry for a while, so that completing it again is answered the same.
/// </summary>
internal sealed class UploadService(ApiServices api, VolumeService volumes)
{
    private const int MostKept = 32;
    private static readonly TimeSpan Abandoned = TimeSpan.FromDays(7);
    private readonly VolumeCatalog _catalog = new(api);

    // The files that were announced never change, and many take long to read for every slab.
    private readonly ConcurrentDictionary<long, (NewUpload Upload, Dictionary<string, UploadFile> Files)> manifests = new();

    private sealed record Entry(string ManifestHash, string? Volume = null);

    /// <summary>The upload, and whether it is new.</summary>
    public async Task<(UploadInfo Info, bool Made)> BeginAsync(NewUpload body, Caller caller, CancellationToken ct)
    {
        ManifestCheck.Run(body, api.Options.Uploads);
        await SweepAsync(ct);
        await _catalog.RefuseTakenAsync(body.Name, ct);
        // Whoever finds while uploading that the voxel size is another need not send the files again.
        var hash = Convert.ToHexStringLower(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(body with { VoxelSize = null }, TeravoxJson.Compact)));
        var document = JsonSerializer.Serialize(new Entry(hash), TeravoxJson.Compact);
        var row = await api.Catalog.FindEntryAsync(EntryKinds.Upload, body.Name, ct);
        if (row is not null && Read(row).Volume is not null)
        {
            // It became a volume, which is gone by now.
            await RemoveAsync(row, ct);
            row = null;
        }

        var made = false;
        if (row is null)
        {
            var bytes = body.Files.Sum(static f => f.Bytes);
            if (new DriveInfo(api.Folder("uploads")).AvailableFreeSpace is var free && free < bytes)
                throw new ProblemException(507, $"The store has {free} bytes left; the upload needs {bytes}.");
            row = await api.Catalog.AddEntryAsync(EntryKinds.Upload, body.Name, caller.Name, document, ct);
            made = row is not null;
            row ??= await api.Catalog.FindEntryAsync(EntryKinds.Upload, body.Name, ct) ?? throw new ProblemException(409, $"The upload {body.Name} was removed just now; announce it again.");
        }

        if (row.Owner != caller.Name || Read(row).ManifestHash != hash)
            throw new ProblemException(409, $"Another upload of a volume {body.Name} is under way; take another name, or delete that upload.", "name");
        FolderOf(row).Create(body);
        return (Info(row), made);
    }

    public async Task<UploadInfo> InfoAsync(long id, Caller caller, CancellationToken ct) => Info(await UnfinishedAsync(id, caller, ct));

    public async Task<UploadedFile> ReceiveAsync(long id, string path, long offset, Stream body, Caller caller, CancellationToken ct)
    {
        var row = await UnfinishedAsync(id, caller, ct);
        if (!Announced(row).Files.TryGetValue(path, out var file))
            throw new ProblemException(404, $"The upload has no file {path}; GET /api/v1/uploads/{id} lists them.");
        var received = await FolderOf(row).ReceiveAsync(file, offset, body, api.Options.Uploads.SlabBytes, ct);
        return new UploadedFile(file.Path, file.Bytes, received);
    }

    /// <summary>The volume that the upload became, and whether it did so just now.</summary>
    public async Task<(VolumeInfo Volume, bool Made)> CompleteAsync(long id, Caller caller, CancellationToken ct)
    {
        var row = await FindAsync(id, caller, ct);
        if (Read(row).Volume is { } done)
            return (await _catalog.FindAsync(done, ct), false);
        var folder = FolderOf(row);
        using var alone = Directory.Exists(folder.Root) ? folder.TryLock() : null;
        if (alone is null)
            throw new ProblemException(409, "The upload is being completed already; ask for the volume in a while.");

        // 1. Everything is checked where it arrived.
        if (Directory.Exists(folder.Files))
        {
            var upload = folder.Read();
            await _catalog.RefuseTakenAsync(row.Name, ct);
            await folder.CheckAsync(upload, ct);
            await api.Checks.RunAsync(() => VolumeLayout.Of(folder.Files, null).Check(upload.Name, upload.VoxelSize, VolumeLayout.Limits(api.Options.Uploads), ct), ct);
        }

        // 2. The volume's grain moves it to its place.
        var volume = await volumes.TakeUploadAsync(row.Name, id, caller, ct);
        await api.Catalog.ReplaceEntryAsync(row.Id, row.Version, JsonSerializer.Serialize(Read(row) with { Volume = row.Name }, TeravoxJson.Compact), ct);
        manifests.TryRemove(id, out _);
        await alone.DisposeAsync();
        _catalog.Remove(folder.Root);
        return (volume, true);
    }

    public async Task DeleteAsync(long id, Caller caller, CancellationToken ct) => await RemoveAsync(await UnfinishedAsync(id, caller, ct), ct);

    private async Task RemoveAsync(EntryRow row, CancellationToken ct)
    {
        await api.Catalog.RemoveEntryAsync(row.Id, ct);
        manifests.TryRemove(row.Id, out _);
        _catalog.Remove(FolderOf(row).Root);
    }

    // Whoever begins an upload clears away what nobody went on with.
    private async Task SweepAsync(CancellationToken ct)
    {
        var before = DateTime.UtcNow - Abandoned;
        for (long? cursor = null; ;)
        {
            var rows = await api.Catalog.EntriesAsync(EntryKinds.Upload, cursor, Paging.MostEntries, ct);
            foreach (var row in rows.Where(r => r.Changed.UtcDateTime < before && FolderOf(r).Touched < before))
                await RemoveAsync(row, ct);
            if (rows.Count < Paging.MostEntries)
                return;
            cursor = rows[^1].Id;
        }
    }

    private async Task<EntryRow> FindAsync(long id, Caller caller, CancellationToken ct)
    {
        var row = await api.Catalog.FindEntryAsync(EntryKinds.Upload, id, ct)
            ?? throw new ProblemException(404, $"There is no upload {id}; it may have been deleted, or removed after a week without news.");
        caller.MustOwn(row.Owner, $"Upload {id}");
        return row;
    }

    private async Task<EntryRow> UnfinishedAsync(long id, Caller caller, CancellationToken ct)
    {
        var row = await FindAsync(id, caller, ct);
        return Read(row).Volume is { } volume ? throw new ProblemException(409, $"The upload {id} has become the volume {volume}.") : row;
    }

    private (NewUpload Upload, Dictionary<string, UploadFile> Files) Announced(EntryRow row)
    {
        if (manifests.Count > MostKept)
            manifests.Clear();
        return manifests.GetOrAdd(row.Id, _ =>
        {
            var upload = FolderOf(row).Read();
            return (upload, upload.Files.ToDictionary(static f => f.Path, StringComparer.Ordinal));
        });
    }

    private UploadInfo Info(EntryRow row)
    {
        var folder = FolderOf(row);
        return new UploadInfo
        {
            Id = row.Id,
            Name = row.Name,
            SlabBytes = api.Options.Uploads.SlabBytes,
            Files = [.. Announced(row).Upload.Files.Select(f => new UploadedFile(f.Path, f.Bytes, folder.Received(f)))],
        };
    }

    private UploadFolder FolderOf(EntryRow row) => UploadFolder.Of(api, row);

    private static Entry Read(EntryRow row) => JsonSerializer.Deserialize<Entry>(row.Document, TeravoxJson.Compact)!;
}
