// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using Teravox.Contracts;
using Teravox.Grains;
using Teravox.Grains.Spec;

namespace Teravox.Chaos;

/// <summary>One experiment as a single silo ran it, undisturbed: what every disturbed run must come to.</summary>
internal sealed class Reference
{
    private Reference(ExperimentPlan plan, string folder, List<StoredVersion> states)
    {
        Plan = plan;
        Folder = folder;
        States = states;
        Left = StateAudit.Left(states, "1");
        Files = ResultFiles.Of(folder);
    }

    /// <summary>What is submitted to the cluster.</summary>
    public ExperimentPlan Plan { get; }

    /// <summary>Its folder.</summary>
    public string Folder { get; }

    /// <summary>The states that its grains ended with.</summary>
    public IReadOnlyList<StoredVersion> States { get; }

    /// <summary>Sums and results by stage, in words.</summary>
    public SortedDictionary<string, string> Left { get; }

    /// <summary>Its files; see <see cref="ResultFiles.Of"/>.</summary>
    public SortedDictionary<string, string> Files { get; }

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

        var plan = SpecCheck.Plan(SpecFile.Load(file, []), null, ct);
        return new Reference(plan, outDir, ReadStates(new ExperimentFolder(outDir).Database));
    }

    // The states as the embedded silo's file has them: "range/1/infer-multiclass/0".
    private static List<StoredVersion> ReadStates(string file)
    {
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = file, Mode = SqliteOpenMode.ReadOnly, Pooling = false }.ConnectionString);
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT id, type, etag, state FROM grain";
        using var row = command.ExecuteReader();
        var states = new List<StoredVersion>();
        while (row.Read())
        {
            var (id, type) = (row.GetString(0), row.GetString(1));
            states.Add(new StoredVersion(type, id[(id.IndexOf('/', StringComparison.Ordinal) + 1)..], row.GetInt32(2), false, row.IsDBNull(3) ? null : row.GetFieldValue<byte[]>(3)));
        }

        return states;
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
