// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Contracts.Work;
using Teravox.Grains;
using Teravox.Grains.Catalog;
using Teravox.Grains.Spec;
using Teravox.Volumes;

namespace Teravox.Silo.Http.Experiments;

/// <summary>
/// From a spec as a client sends it to an experiment as the catalog takes it: names of volumes and models are looked up,
/// every path is kept under the roots, and the whole is checked before anything is written.
/// </summary>
internal sealed class Submission(ApiServices api)
{
    /// <summary>A spec as the catalog takes it, checked whole.</summary>
    /// <param name="spec">As the client sent it.</param>
    /// <param name="ct">Stops the check.</param>
    /// <param name="labelsRead">As for <see cref="SpecCheck.Plan"/>.</param>
    public async Task<NewExperiment> PrepareAsync(JsonElement spec, CancellationToken ct, ISet<string>? labelsRead = null)
    {
        var resolved = await ResolveAsync(Parse(spec), ct);
        var gpuMemory = TileChoice.LeastGpuMemory(await api.Silos.AllAsync(ct));
        return StageGraph.Prepare(await api.Checks.RunAsync(() => SpecCheck.Plan(resolved, null, ct, labelsRead, gpuMemory), ct));
    }

    private ExperimentSpec Parse(JsonElement spec)
    {
        try
        {
            return SpecFile.Parse(spec.GetRawText(), "spec", api.Paths.Base);
        }
        catch (ArgumentException e)
        {
            throw new InputException($"spec: a path in it is none ({e.Message}).", e);
        }
    }

    /// <summary>Puts paths in the place of the cluster's names, and checks all paths.</summary>
    private async Task<ExperimentSpec> ResolveAsync(ExperimentSpec spec, CancellationToken ct)
    {
        var data = spec.Data ?? throw new InputException("spec: data: missing; see docs/spec.md.");
        spec = data.Volume is { } name ? await FromVolumeAsync(spec, data, name, ct) : spec with { Data = Guarded(data) };
        return spec.Model is { } model ? spec with { Model = await ModelAsync(model, ct) } : spec;
    }

    private DataSource Guarded(DataSource data)
    {
        if (data.Folder is { } folder)
        {
            folder = api.Paths.ResolveVolume(folder, "spec.data");
            foreach (var part in (string[])["raw", "labels"])
            {
                if (Path.Exists(Path.Combine(folder, part)))
                    api.Paths.ResolveVolume(Path.Combine(folder, part), "spec.data");
            }

            api.Paths.CheckBeside(Path.Combine(folder, "classes.json"), "spec.data");
            return data with { Folder = folder };
        }

        var labels = data.Labels is null ? null : api.Paths.ResolveVolume(data.Labels, "spec.data.labels");
        if (labels is not null)
            api.Paths.CheckBeside(Path.Combine(Path.GetDirectoryName(labels)!, "classes.json"), "spec.data.labels");
        return data with { Raw = data.Raw is null ? null : api.Paths.ResolveVolume(data.Raw, "spec.data.raw"), Labels = labels };
    }

    private async Task<ExperimentSpec> FromVolumeAsync(ExperimentSpec spec, DataSource data, string name, CancellationToken ct)
    {
        if (data != new DataSource { Volume = name })
            throw new InputException("spec: data: give a volume's name, or paths, or a phantom: exactly one of them.");
        var row = await api.Catalog.FindEntryAsync(EntryKinds.Volume, name, ct)
            ?? throw new InputException($"spec: data.volume: there is no volume {name}; GET /api/v1/volumes lists them.");
        var volume = JsonSerializer.Deserialize<VolumeInfo>(row.Document, TeravoxJson.Compact)!;
        if (spec.Classes is null && spec.Preset.NeedsLabels() && volume.Classes is { } file)
        {
            var map = ClassMapFile.Load(file);
            spec = spec with { Classes = map.Classes, Unmapped = map.Unmapped, Ignore = map.Ignore };
        }

        return spec with
        {
            VoxelSize = spec.VoxelSize ?? volume.VoxelSize,
            Data = new DataSource { Raw = volume.Raw, Labels = spec.Preset.NeedsLabels() ? volume.Labels : null },
        };
    }

    private async Task<string> ModelAsync(string model, CancellationToken ct)
    {
        if (!model.StartsWith(SpecFile.ModelPrefix, StringComparison.Ordinal))
            return api.Paths.Resolve(model, "spec.model");
        var name = model[SpecFile.ModelPrefix.Length..];
        var row = await api.Catalog.FindEntryAsync(EntryKinds.Model, name, ct)
            ?? throw new InputException($"spec: model: there is no model {name}; GET /api/v1/models lists them.");
        return JsonSerializer.Deserialize<ModelInfo>(row.Document, TeravoxJson.Compact)!.Path;
    }
}
