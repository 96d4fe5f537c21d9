// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Teravox.Compute;
using Teravox.Contracts;
using Teravox.Grains;
using Teravox.Grains.Ledger;
using Teravox.Grains.Ledger.Sqlite;
using Teravox.Grains.Spec;
using Teravox.Silo;

namespace Teravox.Cli;

/// <summary>How an embedded run computes and speaks.</summary>
/// <param name="Device">"auto", "cpu", "cuda:0", ...</param>
/// <param name="Threads">Native threads.</param>
/// <param name="Json">JSON lines instead of text.</param>
internal sealed record RunSettings(string Device, int Threads, bool Json);

/// <summary>
/// One experiment in one folder on one machine: an embedded silo on the folder's own ledger. Run again on the same
/// folder, it goes on from the last commit.
/// </summary>
internal static class EmbeddedRun
{
    /// <summary>Checks the spec, then runs it to its end. Returns the exit code.</summary>
    /// <exception cref="InputException">The spec or the folder is at fault; nothing was written.</exception>
    public static async Task<int> RunAsync(ExperimentSpec spec, string outDir, RunSettings settings, CancellationToken ct)
    {
        using var progress = ProgressView.Make(settings.Json);

        // 1. Everything that can be known is checked before anything is written.
        var device = Devices.Choose(settings.Device);
        var plan = SpecCheck.Plan(spec, (done, all) => progress.Check("checking labels", done, all), ct);
        var folder = new ExperimentFolder(Path.GetFullPath(outDir));
        CheckFolder(folder);

        // 2. One process at a time works in a folder; the lock goes with the process, however it ends.
        Directory.CreateDirectory(folder.Work);
        using var held = EmbeddedLock.Acquire(folder.Work);
        await using var ledger = await SqliteLedger.OpenAsync(folder.Ledger, ct: ct);
        await RefuseOtherAsync(ledger, plan, folder, ct);

        // 3. The same experiment goes on; what had failed gets another chance.
        var id = await ExperimentGrain.SubmitAsync(ledger, plan, ct);
        var before = (await ledger.FindAsync(id, ct))!;
        if (before.State == ExperimentState.Failed)
            await ledger.RetryFailedAsync(id, ct);
        progress.Start(plan, folder, device, resumed: before.State != ExperimentState.Succeeded && (await ledger.StagesAsync(id, ct)).Any(s => s.Done > 0));

        // 4. Work.
        var store = new ExperimentStore(ledger, _ => folder.Root);
        using var sessions = new SessionCache();
        IWorkGrain[] grains =
        [
            new VolumeGrain(store), new TrainingGrain(store), new TileGrain(store, sessions),
            new ThresholdGrain(store), new LabelGrain(store), new ReportGrain(store),
        ];
        var options = new SiloOptions(SiloOptions.NewName(), [new SiloDevice(device, Slots: 1, settings.Threads)]) { Alone = true, GracePeriod = TimeSpan.FromSeconds(2) };
        var silo = new SiloHost(ledger, grains, new ExperimentGrain(store), options);
        silo.Happened += progress.On;
        var state = await silo.RunToEndAsync(id, ct);
        progress.Finish();
        if (state is ExperimentState.Running or ExperimentState.Paused)
            ct.ThrowIfCancellationRequested();

        // 5. How it ended.
        if (state != ExperimentState.Succeeded)
        {
            foreach (var failed in await ledger.FailuresAsync(id, 10, CancellationToken.None))
                await Console.Error.WriteLineAsync($"teravox: {failed.StageName}, item {failed.Index}: {failed.Error}");
            await Console.Error.WriteLineAsync($"teravox: experiment {plan.Spec.Name} ended {state.ToString().ToLowerInvariant()}; once the cause is mended, the same command goes on from here.");
            return Guarded.Failed;
        }

        Summary.Print(plan, folder, settings.Json);
        return Guarded.Success;
    }

    private static void CheckFolder(ExperimentFolder folder)
    {
        if (File.Exists(folder.Root))
            throw new InputException($"--out {folder.Root}: is a file; name a folder.");
        if (Directory.Exists(folder.Root) && !Directory.Exists(folder.Work) && Directory.EnumerateFileSystemEntries(folder.Root).Any())
            throw new InputException($"--out {folder.Root}: the folder is not empty and holds no experiment; name another.");
    }

    private static async Task RefuseOtherAsync(ILedger ledger, ExperimentPlan plan, ExperimentFolder folder, CancellationToken ct)
    {
        var key = ExperimentGrain.KeyOf(JsonSerializer.Serialize(plan, TeravoxJson.Compact));
        var there = await ledger.ListAsync(null, 1, ct);
        if (there.Count > 0 && there[0].IdempotencyKey != key)
        {
            throw new InputException(
                $"--out {folder.Root}: the folder holds the experiment \"{there[0].Name}\", whose spec or input differs; name another folder, or remove this one.");
        }
    }
}
