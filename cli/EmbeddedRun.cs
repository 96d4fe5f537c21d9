// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Teravox.Contracts;
using Teravox.Contracts.Work;
using Teravox.Grains;
using Teravox.Grains.Catalog;
using Teravox.Grains.Spec;
using Teravox.Networks;
using Teravox.Silo.Cluster;
using Teravox.Silo.Devices;

namespace Teravox.Cli;

/// <summary>How an embedded run computes and speaks.</summary>
/// <param name="Device">"auto", "cpu", "cuda:0", ...</param>
/// <param name="Threads">Native threads.</param>
/// <param name="Json">JSON lines instead of text.</param>
internal sealed record RunSettings(string Device, int Threads, bool Json);

/// <summary>
/// One experiment in one folder on one machine: an embedded silo on the folder's own database. Run again on the same
/// folder, it goes on from the last commit.
/// </summary>
internal static class EmbeddedRun
{
    /// <summary>Checks the spec, then runs it to its end. Returns the exit code.</summary>
    /// <param name="spec">What to run.</param>
    /// <param name="outDir">The experiment's folder.</param>
    /// <param name="settings">How.</param>
    /// <param name="ct">Stops it; the same call goes on.</param>
    /// <param name="finish">Done when the experiment has succeeded, at every call: it leaves be what it finds done.</param>
    /// <exception cref="InputException">The spec or the folder is at fault; nothing was written.</exception>
    public static async Task<int> RunAsync(
        ExperimentSpec spec, string outDir, RunSettings settings, CancellationToken ct, Action<ExperimentFolder, ProgressView>? finish = null)
    {
        using var progress = ProgressView.Make(settings.Json);

        // 1. Everything that can be known is checked before anything is written.
        var device = Devices.Choose(settings.Device);
        var plan = SpecCheck.Plan(spec, (done, all) => progress.Check("checking labels", done, all), ct, gpuMemory: CudaMemory.OfDevice(device));
        var folder = new ExperimentFolder(Path.GetFullPath(outDir));
        CheckFolder(folder);

        // 2. The work, and how it ended.
        if (!await WorkAsync(plan, folder, device, settings.Threads, progress, ct, finish))
            return Guarded.Failed;
        Summary.Print(plan, folder, settings.Json);
        return Guarded.Success;
    }

    /// <summary>Runs a checked experiment in its folder, from the last commit on. False when it failed; standard error then says why.</summary>
    /// <exception cref="InputException">The folder holds another experiment, or another process works there.</exception>
    /// <exception cref="OperationCanceledException">It was stopped before its end.</exception>
    public static async Task<bool> WorkAsync(
        ExperimentPlan plan, ExperimentFolder folder, string device, int threads, ProgressView progress, CancellationToken ct, Action<ExperimentFolder, ProgressView>? finish = null)
    {
        // 1. One process at a time works in a folder; the lock goes with the process, however it ends.
        Directory.CreateDirectory(folder.Work);
        using var held = EmbeddedLock.Acquire(folder.Work);
        await using var catalog = await Catalogs.OpenAsync("sqlite:" + folder.Database, ct);
        await RefuseOtherAsync(catalog, plan, folder, ct);

        // 2. A silo of its own, without a port. The plan's own hash is the key, so that the same experiment goes on; what had failed
        // gets another chance.
        var options = new DeviceOptions(DeviceOptions.NewName(), [new Device(device, Device.OverlapSlots, threads, CudaMemory.OfDevice(device))]) { GracePeriod = TimeSpan.FromSeconds(2) };
        var setup = new SiloSetup(catalog, _ => folder.Root, options);
        setup.Events.Happened += progress.On;
        await using var silo = await LocalSilo.StartAsync(setup, text => progress.On(new NoAnswer(text)), ct);
        var experiment = StageGraph.Prepare(plan);
        var id = (await silo.Experiments.SubmitAsync([experiment with { IdempotencyKey = StageGraph.KeyOf(experiment.SpecJson) }], ct))[0];
        var before = (await silo.Experiments.DescribeAsync(id, ct))!;
        if (before.State == ExperimentState.Failed)
            await silo.Experiments.RetryAsync(id, ct);
        progress.Start(plan, folder, device, resumed: before.State != ExperimentState.Succeeded && before.Stages.Any(s => s.Done > 0));

        // 3. Work.
        var state = await silo.RunToEndAsync(id, ct);
        progress.Finish();
        if (state is ExperimentState.Running or ExperimentState.Paused)
            ct.ThrowIfCancellationRequested();

        // 4. How it ended. The lock is held still, so that what a killed start left can go.
        if (state == ExperimentState.Succeeded)
        {
            if (finish is not null)
            {
                OrphanedFiles.Delete(folder.Root);
                finish(folder, progress);
                progress.Finish();
            }

            return true;
        }

        foreach (var failed in (await silo.Experiments.DescribeAsync(id, CancellationToken.None))!.Failures.Take(10))
            await Console.Error.WriteLineAsync($"teravox: {failed.StageName}, item {failed.Index}: {failed.Error}");
        await Console.Error.WriteLineAsync($"teravox: experiment {plan.Spec.Name} ended {state.ToString().ToLowerInvariant()}; once the cause is mended, the same command goes on from here.");
        return false;
    }

    /// <summary>Refuses what is no folder of an experiment or a campaign, whichever is asked for, and cannot become one.</summary>
    /// <exception cref="InputException">A file, a folder of other things, or a campaign's for an experiment or the other way round.</exception>
    public static void CheckFolder(ExperimentFolder folder, bool isCampaign = false)
    {
        if (File.Exists(folder.Root))
            throw new InputException($"--out {folder.Root}: is a file; name a folder.");
        if (Directory.Exists(folder.Root) && !Directory.Exists(folder.Work) && Directory.EnumerateFileSystemEntries(folder.Root).Any())
            throw new InputException($"--out {folder.Root}: the folder is not empty and holds no experiment; name another.");
        if (File.Exists(isCampaign ? folder.Database : Path.Combine(folder.Root, EmbeddedCampaign.DocumentName)))
            throw new InputException($"--out {folder.Root}: the folder holds {(isCampaign ? "an experiment" : "a campaign")}; name another.");
    }

    private static async Task RefuseOtherAsync(ICatalog catalog, ExperimentPlan plan, ExperimentFolder folder, CancellationToken ct)
    {
        if (File.Exists(Path.Combine(folder.Work, "ledger.db")))
            throw new InputException($"--out {folder.Root}: the folder is of an older Teravox, whose unfinished work this version cannot go on with; name another folder, or remove this one.");
        var key = StageGraph.KeyOf(JsonSerializer.Serialize(plan, TeravoxJson.Compact));
        var there = await catalog.ListAsync(new ExperimentQuery(Limit: 1), ct);
        if (there.Count > 0 && there[0].IdempotencyKey != key)
        {
            throw new InputException(
                $"--out {folder.Root}: the folder holds the experiment \"{there[0].Name}\", whose spec or input differs; name another folder, or remove this one.");
        }
    }
}
