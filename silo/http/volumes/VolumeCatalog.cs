// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Contracts.Work;
using Teravox.Grains;
using Teravox.Grains.Catalog;
using Teravox.Silo.Http.Security;
using Teravox.Volumes;

namespace Teravox.Silo.Http.Volumes;

/// <summary>The cluster's volumes: entries of the catalog, and for uploaded ones a folder of the store.</summary>
internal sealed class VolumeCatalog(ApiServices api)
{
    private const int MostLookedAt = 1000;

    /// <summary>Where an uploaded volume of this name lies.</summary>
    public string FolderOf(string name) => Path.Combine(api.Folder("volumes"), name);

    public async Task<VolumeInfo> FindAsync(string name, CancellationToken ct) => Info(await RowAsync(name, ct));

    public static VolumeInfo Info(EntryRow row) => JsonSerializer.Deserialize<VolumeInfo>(row.Document, TeravoxJson.Compact)! with
    {
        Id = row.Id,
        Owner = row.Owner,
        Created = row.Created,
    };

    public async Task<VolumeInfo> RegisterAsync(RegisterVolume body, Caller caller, CancellationToken ct)
    {
        Names.Check(body.Name, "name");
        var path = api.Paths.ResolveVolume(body.Path, "path");
        var labels = body.Labels is null ? null : api.Paths.ResolveVolume(body.Labels, "labels");
        await RefuseTakenAsync(body.Name, ct);
        var info = await api.Checks.RunAsync(
            () =>
            {
                var layout = VolumeLayout.Of(path, labels);

                // The parts may be links of their own.
                layout = layout with
                {
                    Raw = api.Paths.ResolveVolume(layout.Raw, "path"),
                    Labels = layout.Labels is null ? null : api.Paths.ResolveVolume(layout.Labels, "labels"),
                    Classes = layout.Classes is null ? null : api.Paths.Resolve(layout.Classes, "path"),
                };
                return layout.Check(body.Name, body.VoxelSize, VolumeLayout.Limits(api.Options.Uploads), ct);
            },
            ct);
        return await AddAsync(info, caller.Name, ct) ?? throw Taken(body.Name);
    }

    /// <summary>Adds the entry; null when the name is taken.</summary>
    public async Task<VolumeInfo?> AddAsync(VolumeInfo info, string? owner, CancellationToken ct) =>
        await api.Catalog.AddEntryAsync(EntryKinds.Volume, info.Name, owner, JsonSerializer.Serialize(info, TeravoxJson.Compact), ct) is { } row
            ? Info(row)
            : null;

    public async Task RefuseTakenAsync(string name, CancellationToken ct)
    {
        if (await api.Catalog.FindEntryAsync(EntryKinds.Volume, name, ct) is not null)
            throw Taken(name);
    }

    public static ProblemException Taken(string name) => new(409, $"There is a volume {name} already; take another name, or delete that one.", "name");

    public async Task DeleteAsync(string name, Caller caller, CancellationToken ct)
    {
        var row = await RowAsync(name, ct);
        caller.MustOwn(row.Owner, $"Volume {name}");
        var info = Info(row);
        if (await UserAsync(info, ct) is { } user)
            throw new ProblemException(409, $"Experiment {user} uses the volume {name} and has not ended; cancel it first.");
        if (!await api.Catalog.RemoveEntryAsync(row.Id, ct))
            return;
        api.Pictures.Forget(row.Id);
        if (info.Raw.StartsWith(FolderOf(name) + "/", StringComparison.Ordinal))
            Remove(FolderOf(name));
    }

    /// <summary>Takes a folder away at once, and then its files, which may be many.</summary>
    public void Remove(string folder)
    {
        if (!Directory.Exists(folder))
            return;
        var away = Path.Combine(api.Folder("uploads"), AtomicFile.TemporaryPrefix + Guid.NewGuid().ToString("N"));
        Directory.Move(folder, away);
        Directory.Delete(away, recursive: true);
    }

    private async Task<EntryRow> RowAsync(string name, CancellationToken ct) =>
        await api.Catalog.FindEntryAsync(EntryKinds.Volume, name, ct)
        ?? throw new ProblemException(404, $"There is no volume {name}; GET /api/v1/volumes lists them.");

    private async Task<long?> UserAsync(VolumeInfo volume, CancellationToken ct)
    {
        foreach (var state in (ExperimentState[])[ExperimentState.Running, ExperimentState.Paused])
        {
            foreach (var row in await api.Catalog.ListAsync(new ExperimentQuery(Limit: MostLookedAt, State: state), ct))
            {
                if (JsonSerializer.Deserialize<ExperimentPlan>(row.SpecJson, TeravoxJson.Compact)?.Spec.Data.Raw == volume.Raw)
                    return row.Id;
            }
        }

        return null;
    }
}
