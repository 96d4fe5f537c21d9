// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;
using Orleans.Placement;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Contracts.Grains;
using Teravox.Contracts.Work;
using Teravox.Grains;
using Teravox.Grains.Catalog;
using Teravox.Silo.Http;
using Teravox.Silo.Http.Security;
using Teravox.Silo.Http.Uploads;
using Teravox.Silo.Http.Views;
using Teravox.Silo.Http.Volumes;

namespace Teravox.Silo.Cluster;

/// <summary>
/// Writes a volume's entry of the catalog, and keeps what was read of its files while it is awake, by the entry's number: a volume
/// that was removed and registered again has another. It is activated on the silo that is asked first: that one serves clients, and has
/// the roots that they may name files under.
/// </summary>
[Reentrant]
[PreferLocalPlacement]
[GrainType("volume")]
internal sealed class VolumeGrain(ApiServices api, ILogger<VolumeGrain> log) : LongCallGrain(log), IVolumeGrain
{
    private const string Marker = ".teravox-upload";
    private const int MostLookedAt = 1000;
    private readonly VolumeCatalog _volumes = new(api);
    private (long Id, VolumeStatistics Value)? _statistics;
    private (long Id, ViewLevel[] Value)? _levels;

    private string Name => this.GetPrimaryKeyString();

    public Task<LongAnswer<VolumeInfo>> RegisterAsync(RegisterVolume volume, GrainRequest request)
    {
        var name = Name;
        return Calls.WaitAloneAsync($"register/{request.Id}", ct => RegisterAsync(name, volume, request, ct));
    }

    public Task<LongAnswer<VolumeInfo>> TakeUploadAsync(long upload, GrainRequest request)
    {
        var name = Name;
        return Calls.WaitAloneAsync($"upload/{request.Id}", ct => TakeUploadAsync(name, upload, request, ct));
    }

    public async Task<LongAnswer<VolumeDescription>> DescribeAsync()
    {
        if (await _volumes.EntryAsync(Name, CancellationToken.None) is not { } row)
            return new(null, LongCalls.RefusalOf(VolumeCatalog.Missing(Name)));
        var volume = VolumeCatalog.Info(row);
        if (_levels is { } known && known.Id == row.Id)
            return new(new VolumeDescription(volume, known.Value));
        var answer = await Calls.WaitAsync($"describe/{row.Id}", _ => Task.FromResult(new VolumeDescription(volume, LevelsOf(volume))));
        if (answer.Result is { } read)
            _levels = (row.Id, read.Levels);
        return answer;
    }

    public async Task<LongAnswer<VolumeStatistics>> StatisticsAsync()
    {
        if (await _volumes.EntryAsync(Name, CancellationToken.None) is not { } row)
            return new(null, LongCalls.RefusalOf(VolumeCatalog.Missing(Name)));
        if (_statistics is { } known && known.Id == row.Id)
            return new(known.Value);
        var volume = VolumeCatalog.Info(row);
        var answer = await Calls.WaitAsync($"statistics/{row.Id}", ct => api.Checks.RunAsync(() => api.Pictures.Statistics(volume, ct), ct));
        if (answer.Result is { } read)
            _statistics = (row.Id, read);
        return answer;
    }

    public Task<LongAnswer<RemovedVolume>> RemoveAsync(GrainRequest request)
    {
        var name = Name;
        return Calls.WaitAloneAsync($"remove/{request.Id}", ct => RemoveAsync(name, request, ct));
    }

    private async Task<VolumeInfo> RegisterAsync(string name, RegisterVolume volume, GrainRequest request, CancellationToken ct)
    {
        if (Names.Check(volume.Name, "name") != name)
            throw new ProblemException(422, $"name: the grain of the volume {name} registers no volume {volume.Name}.", "name");
        var path = api.Paths.ResolveVolume(volume.Path, "path");
        var labels = volume.Labels is null ? null : api.Paths.ResolveVolume(volume.Labels, "labels");
        var row = await _volumes.EntryAsync(name, ct);
        if (row is not null && !request.IsRepeated)
            throw VolumeCatalog.Taken(name);
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
                return layout.Check(name, volume.VoxelSize, VolumeLayout.Limits(api.Options.Uploads), ct);
            },
            ct);

        // An entry that is just what this request makes was made by a call of it that was lost.
        row ??= await AddAsync(info, request.Owner);
        return row is not null && row.Owner == request.Owner && row.Document == VolumeCatalog.Document(info) ? VolumeCatalog.Info(row) : throw VolumeCatalog.Taken(name);
    }

    private async Task<VolumeInfo> TakeUploadAsync(string name, long id, GrainRequest request, CancellationToken ct)
    {
        var entry = await api.Catalog.FindEntryAsync(EntryKinds.Upload, id, ct);
        if (entry?.Name != name)
            throw new ProblemException(404, $"There is no upload {id} of a volume {name}.");
        new Caller(request.Owner, request.Role).MustOwn(entry.Owner, $"Upload {id}");
        var folder = UploadFolder.Of(api, entry);
        var place = _volumes.FolderOf(name);
        var isInPlace = File.Exists(Path.Combine(place, Marker)) && await File.ReadAllTextAsync(Path.Combine(place, Marker), ct) == $"{id}";
        if (await _volumes.EntryAsync(name, ct) is { } there)
            return isInPlace && VolumeCatalog.Info(there) is var taken && _volumes.IsUploaded(taken) ? taken : throw VolumeCatalog.Taken(name);
        var upload = folder.Read();
        if (Directory.Exists(folder.Files))
        {
            // 1. It moves whole. What lies there without an entry is the rest of a volume that was deleted, or of a crash.
            await File.WriteAllTextAsync(Path.Combine(folder.Files, Marker), $"{id}", ct);
            _volumes.Remove(place);
            FaultPoints.Hit("upload.before-rename:" + name);
            Directory.Move(folder.Files, place);
            FaultPoints.Hit("upload.after-rename:" + name);
        }
        else if (!isInPlace)
        {
            throw new ProblemException(409, "The files of this upload are gone; delete it and begin anew.");
        }

        // 2. From here on it is a volume. Headers are read again, so that the entry says where things lie now.
        var info = await api.Checks.RunAsync(() => VolumeLayout.Of(place, null).Check(name, upload.VoxelSize, VolumeLayout.Limits(api.Options.Uploads), ct), ct);
        if (await AddAsync(info, entry.Owner) is { } row)
            return VolumeCatalog.Info(row);
        Directory.Move(place, folder.Files);
        throw VolumeCatalog.Taken(name);
    }

    private async Task<RemovedVolume> RemoveAsync(string name, GrainRequest request, CancellationToken ct)
    {
        if (await _volumes.EntryAsync(name, ct) is not { } row)
            return request.IsRepeated ? new RemovedVolume(null) : throw VolumeCatalog.Missing(name);
        new Caller(request.Owner, request.Role).MustOwn(row.Owner, $"Volume {name}");
        var volume = VolumeCatalog.Info(row);
        if (await UserAsync(volume, ct) is { } user)
            throw new ProblemException(409, $"Experiment {user} uses the volume {name} and has not ended; cancel it first.");
        if (await api.Catalog.RemoveEntryAsync(row.Id, CancellationToken.None))
        {
            api.Pictures.Forget(row.Id);
            FaultPoints.Hit("volume.after-entry-removed:" + name);
            if (_volumes.IsUploaded(volume))
                _volumes.Remove(_volumes.FolderOf(name));
        }

        return new RemovedVolume(row.Id);
    }

    // Null when the name is taken: two activations for a moment are kept apart by the catalog.
    private Task<EntryRow?> AddAsync(VolumeInfo info, string? owner) =>
        api.Catalog.AddEntryAsync(EntryKinds.Volume, info.Name, owner, VolumeCatalog.Document(info), CancellationToken.None);

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

    private ViewLevel[] LevelsOf(VolumeInfo volume)
    {
        try
        {
            return api.Paths.IsOpen(volume.Raw) ? [.. CatalogVolumes.LevelsOf(volume)] : [];
        }
        catch (Exception e) when (e is InputException or IOException or UnauthorizedAccessException)
        {
            // Raw that lies elsewhere may be moved or broken by its owner; the volume is described all the same.
            return [];
        }
    }
}
