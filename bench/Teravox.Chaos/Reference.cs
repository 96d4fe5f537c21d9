// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Teravox.Contracts;
using Teravox.Grains;
using Teravox.Grains.Ledger;
using Teravox.Grains.Spec;

namespace Teravox.Chaos;

/// <summary>One experiment as a single silo ran it, undisturbed: what every disturbed run must come to.</summary>
internal sealed class Reference
{
    private Reference(ExperimentPlan plan, string folder, IReadOnlyDictionary<string, string> left)
    {
        Plan = plan;
        Folder = folder;
        Left = left;
    }

    /// <summary>What is submitted to the cluster.</summary>
    public ExperimentPlan Plan { get; }

    /// <summary>Its folder.</summary>
    public string Folder { get; }

    /// <summary>Sums and results by stage, as the ledger has them.</summary>
    public IReadOnlyDictionary<string, string> Left { get; }

    /// <summary>Runs a spec with the program's embedded silo.</summary>
    /// <exception cref="InputException">It did not succeed.</exception>
    public static async Task<Reference> RunAsync(string program, string folder, string name, object spec, CancellationToken ct)
    {
        Directory.CreateDirectory(folder);
        var (file, outDir) = (Path.Combine(folder, name + ".json"), Path.Combine(folder, name));
        await File.WriteAllTextAsync(file, JsonSerializer.Serialize(spec), ct);

        var info = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in (string[])[program, "run", file, "--device", "cpu", "--threads", "1", "--out", outDir])
            info.ArgumentList.Add(argument);
        info.Environment["OMP_WAIT_POLICY"] = "PASSIVE";
        using var process = Process.Start(info)!;
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(ct);
            var error = await process.StandardError.ReadToEndAsync(ct);
            await process.WaitForExitAsync(ct);
            if (process.ExitCode != 0)
                throw new InputException($"the undisturbed run of {name} failed: {error}{await output}");
        }
        finally
        {
            if (!process.HasExited)
                process.Kill();
        }

        await using var ledger = await Ledgers.OpenAsync("sqlite:" + new ExperimentFolder(outDir).Ledger, ct);
        var experiment = (await ledger.ListAsync(new ExperimentQuery(Limit: 1), ct)).Single();
        var plan = SpecCheck.Plan(SpecFile.Load(file, []), null, ct);
        return new Reference(plan, outDir, await LeftAsync(ledger, experiment.Id, ct));
    }

    /// <summary>Sums and results of an experiment's stages in words.</summary>
    public static async Task<IReadOnlyDictionary<string, string>> LeftAsync(ILedger ledger, long experiment, CancellationToken ct)
    {
        var left = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var stage in await ledger.StagesAsync(experiment, ct))
        {
            var text = new StringBuilder();
            foreach (var (name, counts) in (await ledger.SumsAsync(stage.Id, ct)).OrderBy(s => s.Key, StringComparer.Ordinal))
                text.Append(name).Append(": ").AppendJoin(' ', counts).Append('\n');
            foreach (var (index, result) in (await ledger.ResultsAsync(stage.Id, ct)).OrderBy(r => r.Key))
                text.Append(index).Append(": ").Append(Canonical(result)).Append('\n');
            left[stage.Name] = text.ToString();
        }

        return left;
    }

    // A ledger may keep JSON with other white space than it was given.
    private static string Canonical(string json)
    {
        using var document = JsonDocument.Parse(json);
        return JsonSerializer.Serialize(document.RootElement);
    }
}

/// <summary>The specs of a chaos run: networks that are learnt in seconds, and many small tiles.</summary>
internal static class ChaosSpecs
{
    public static object Train(int[] shape) => new
    {
        name = "chaos-train",
        preset = "train",
        seed = 7,
        data = new { phantom = new { shape, seed = 7 } },
        network = new { levels = 2, fMaps = 4 },
        training = new { iterations = 200, patch = new[] { 8, 16, 16 }, learningRate = 0.003, checkpointEvery = 10 },
        inference = new { tile = new[] { 8, 8, 8 } },
        storage = new { chunk = new[] { 8, 8, 8 } },
        limits = Limits,
    };

    public static object Segment(int[] shape, string model) => new
    {
        name = "chaos-segment",
        preset = "segment",
        data = new { phantom = new { shape, seed = 8 } },
        model,
        inference = new { tile = new[] { 8, 8, 8 } },
        storage = new { chunk = new[] { 8, 8, 8 } },
        limits = Limits,
    };

    // Every silo dies every few seconds here: how often an item dies says nothing about the item.
    private static object Limits => new { deaths = 1000 };
}
