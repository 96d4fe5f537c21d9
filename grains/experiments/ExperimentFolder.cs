// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Teravox.Contracts;

namespace Teravox.Grains;

/// <summary>
/// Where an experiment keeps its files. What people want lies at the top; what only a restart needs lies in
/// <c>.teravox</c>.
/// </summary>
/// <param name="Root">Absolute path of the experiment's folder.</param>
public sealed record ExperimentFolder(string Root)
{
    /// <summary>Database, stored inputs, checkpoints.</summary>
    public string Work => Path.Combine(Root, ".teravox");

    /// <summary>The embedded database: catalog and states of grains.</summary>
    public string Database => Path.Combine(Work, "teravox.db");

    /// <summary>Stored labels as class ids.</summary>
    public string Truth => Path.Combine(Work, "truth.zarr");

    /// <summary>report.html, scores.csv, ...</summary>
    public string Report => Root;

    /// <summary>provenance.json.</summary>
    public string Provenance => Path.Combine(Root, "provenance.json");

    /// <summary>Stored raw voxels, or where they lie already.</summary>
    public string Raw(ExperimentPlan plan) => plan.RawInPlace ? plan.Spec.Data.Raw! : Path.Combine(Work, "raw.zarr");

    /// <summary>Where a volume's voxels lie; views of the original lie in it.</summary>
    public string Volume(ExperimentPlan plan, PlannedVolume volume) =>
        volume.Name is VolumeNames.LowRes or VolumeNames.Lr or VolumeNames.Boosted ? Path.Combine(Root, volume.Name + ".zarr") : Raw(plan);

    /// <summary>Probabilities of a prediction: uint8, (class, z, y, x).</summary>
    public string Probabilities(string prediction) => Path.Combine(Root, $"probabilities{Suffix(prediction)}.zarr");

    /// <summary>Labels of a prediction: uint8 class ids, (z, y, x).</summary>
    public string Labels(string prediction) => Path.Combine(Root, $"labels{Suffix(prediction)}.zarr");

    /// <summary>A finished model, thresholds in its card.</summary>
    public string Model(string network) => Path.Combine(Root, "models", network + ".safetensors");

    /// <summary>A trained network before thresholds are known.</summary>
    public string Trained(string network) => Path.Combine(Work, "trained", network + ".safetensors");

    /// <summary>Checkpoints of a network in training.</summary>
    public string Checkpoints(string network) => Path.Combine(Work, "checkpoints", network);

    /// <summary>The weights that inference runs: the given model, or the trained one.</summary>
    public string Weights(ExperimentPlan plan, string network) => plan.Spec.Preset == Preset.Segment ? plan.Spec.Model! : Trained(network);

    /// <summary>What a finished experiment found; null where its preset scores nothing.</summary>
    public ScoreReport? ReadScores()
    {
        var file = Path.Combine(Report, "scores.json");
        return File.Exists(file) ? JsonSerializer.Deserialize<ScoreReport>(File.ReadAllText(file), TeravoxJson.Compact) : null;
    }

    private static string Suffix(string prediction) => prediction == "multiclass" ? "" : "-" + prediction;
}
