// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Grains.Catalog;
using Teravox.Volumes;

namespace Teravox.Silo.Http.Volumes;

/// <summary>The cluster's volumes as every silo reads them: entries of the catalog, and for uploaded ones a folder of the store.</summary>
internal sealed class VolumeCatalog(ApiServices api)
{
    /// <summary>Where an uploaded volume of this name lies.</summary>
    public string FolderOf(string name) => Path.Combine(api.Folder("volumes"), name);

    /// <summary>Whether its files are the store's own.</summary>
    public bool IsUploaded(VolumeInfo volume) => volume.Raw.StartsWith(FolderOf(volume.Name) + "/", StringComparison.Ordinal);

    public Task<EntryRow?> EntryAsync(string name, CancellationToken ct) => api.Catalog.FindEntryAsync(EntryKinds.Volume, name, ct);

    public async Task<VolumeInfo> FindAsync(string name, CancellationToken ct) => Info(await EntryAsync(name, ct) ?? throw Missing(name));

    public static VolumeInfo Info(EntryRow row) => JsonSerializer.Deserialize<VolumeInfo>(row.Document, TeravoxJson.Compact)! with
    {
        Id = row.Id,
        Owner = row.Owner,
        Created = row.Created,
    };

    /// <summary>What the entry holds of a volume that is not registered yet.</summary>
    public static string Document(VolumeInfo volume) => JsonSerializer.Serialize(volume, TeravoxJson.Compact);

    public async Task RefuseTakenAsync(string name, CancellationToken ct)
    {
        if (await EntryAsync(name, ct) is not null)
            throw Taken(name);
    }

    public static ProblemException Taken(string name) => new(409, $"There is a volume {name} already; take another name, or delete that one.", "name");

    public static ProblemException Missing(string name) => new(404, $"There is no volume {name}; GET /api/v1/volumes lists them.");

    /// <summary>Takes a folder away at once, and then its files, which may be many.</summary>
    public void Remove(string folder)
    {
        if (!Directory.Exists(folder))
            return;
        var away = Path.Combine(api.Folder("uploads"), AtomicFile.TemporaryPrefix + Guid.NewGuid().ToString("N"));
        Directory.Move(folder, away);
        Directory.Delete(away, recursive: true);
    }
}
