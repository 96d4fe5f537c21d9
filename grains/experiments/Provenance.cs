// SPDX-License-Identifier: Apache-2.0
using System.Reflection;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Teravox.Contracts;
using Teravox.Networks;
using Teravox.Volumes;

namespace Teravox.Grains;

/// <summary>
/// provenance.json: what was made from what by which versions. It holds no times and no machine names, so that the same
/// experiment leaves the same bytes.
/// </summary>
public sealed record Provenance
{
    /// <summary>The spec with every default filled in.</summary>
    public required ExperimentSpec Spec { get; init; }

    /// <summary>Teravox, TorchSharp with libtorch, .NET.</summary>
    public required IReadOnlyDictionary<string, string> Versions { get; init; }

    /// <summary>SHA-256 of raw and labels as stored.</summary>
    public required IReadOnlyDictionary<string, string> Inputs { get; init; }

    /// <summary>SHA-256 of each model file.</summary>
    public required IReadOnlyDictionary<string, string> Models { get; init; }

    /// <summary>Shape, tiles and halo that were used.</summary>
    public required object Volume { get; init; }

    internal static async Task<Provenance> OfAsync(ExperimentStore store, long experiment, ExperimentPlan plan, ExperimentFolder folder, CancellationToken ct) => new()
    {
        Spec = plan.Spec,
        Versions = new Dictionary<string, string>
        {
            ["teravox"] = Assembly.GetExecutingAssembly().GetName().Version?.ToString(3) ?? "unknown",
            ["networks"] = Devices.BuildInfo,
            ["dotnet"] = RuntimeInformation.FrameworkDescription,
        },
        Inputs = await InputHashesAsync(store, experiment, ct),
        Models = plan.Networks.ToDictionary(n => n.Name, n => HashOf(ModelFile(plan, folder, n))),
        Volume = new { plan.Shape, plan.Type, plan.VoxelSize, plan.Chunk, plan.Tile, plan.Halo, plan.HaloIsExact },
    };

    /// <summary>SHA-256 over the slabs' own SHA-256 in order: of the voxels as stored, however they came.</summary>
    internal static async Task<IReadOnlyDictionary<string, string>> InputHashesAsync(ExperimentStore store, long experiment, CancellationToken ct)
    {
        var slabs = (await store.ResultsAsync<SlabGrain.SlabResult>(experiment, StageNames.Import, ct)).OrderBy(s => s.Key).Select(s => s.Value).ToList();
        var hashes = new Dictionary<string, string> { ["raw"] = Combine(slabs.Select(s => s.RawHash)) };
        if (slabs.All(s => s.TruthHash is not null))
            hashes["labels"] = Combine(slabs.Select(s => s.TruthHash!));
        return hashes;
    }

    internal void Write(string path) => AtomicFile.WriteAllText(path, JsonSerializer.Serialize(this, TeravoxJson.Indented) + "\n");

    private static string ModelFile(ExperimentPlan plan, ExperimentFolder folder, PlannedNetwork network) =>
        plan.Spec.Preset == Preset.Segment ? plan.Spec.Model! : folder.Model(network.Name);

    private static string HashOf(string path)
    {
        using var file = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(file));
    }

    private static string Combine(IEnumerable<string> hashes) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(string.Join('\n', hashes))));
}
