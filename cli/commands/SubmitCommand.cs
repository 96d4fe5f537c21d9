// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Text.Json;
using Teravox.Cli.Remote;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Grains.Spec;

namespace Teravox.Cli.Commands;

/// <summary>teravox submit: an experiment for a cluster.</summary>
internal static class SubmitCommand
{
    public static Command Make()
    {
        var spec = new Argument<string>("spec") { Description = "The experiment's spec, a JSON file, or the name of one that comes with the program, as table5; docs/spec.md explains it." };
        var set = Options.Set();
        var quick = Options.Quick();
        var upload = new Option<bool>("--upload") { Description = "Upload the data in any case. Without it they are uploaded only when the cluster cannot read their path." };
        var watch = new Option<bool>("--watch") { Description = "Follow it to its end." };
        var priority = new Option<int>("--priority") { Description = "Lower is run first.", DefaultValueFactory = _ => 100 };
        var host = GrainHosts.Option();
        var ledger = new Option<string?>("--ledger") { Description = $"With --host orleans: the cluster's database, in which its silos are found; {LedgerDoor.Variable} when left out." };
        return Remote.Remote.Command(
            "submit",
            """
            Submits an experiment to a cluster. Data on this machine that the cluster cannot read are uploaded as a volume; broken off, the same command uploads only the rest.

            Example:
              ./teravox submit specs/phantom-quick.json --set training.iterations=100 --watch
            """,
            [spec, set, quick, upload, watch, priority, host, ledger],
            async (r, session, ct) =>
            {
                var loaded = SpecFile.Load(ShippedSpecs.Find(r.GetRequiredValue(spec)), ShippedSpecs.Settings(r.GetValue(quick), r.GetRequiredValue(set)));
                var order = r.GetRequiredValue(priority);
                if (GrainHosts.Choose(r.GetRequiredValue(host)) is { } orleans)
                {
                    if (r.GetValue(upload))
                        throw new InputException("--upload: with --host orleans the data must lie where the silos see them; upload them with teravox volumes add, by HTTP.");
                    return await SubmitToAsync(orleans, LedgerDoor.Address(r.GetValue(ledger)), loaded, order, r.GetValue(watch), session.Json, ct);
                }

                var made = await LocalData.SendAsync(
                    session,
                    loaded,
                    r.GetValue(upload),
                    (json, stop) => session.Client.Experiments.SubmitAsync(new SubmitExperiment { Spec = json, Priority = order }, ct: stop),
                    ct);
                var watches = r.GetValue(watch);
                session.Write(made, () => $"Experiment {made.Id} ({made.Name}) is submitted.{(watches ? "" : $" Follow it with: teravox status {made.Id} --watch")}");
                if (made.Blocked is { } why)
                    session.Say($"No silo can run it now: {why}. It waits for one that can.");
                return watches ? await Watching.FollowAsync(session, made.Id, ct) : Guarded.Success;
            });
    }

    private static async Task<int> SubmitToAsync(IOrleansHost host, string ledger, ExperimentSpec spec, int priority, bool watch, bool json, CancellationToken ct)
    {
        await using var door = await host.ConnectAsync(ledger, ct);
        var made = await door.SubmitAsync(new SubmitExperiment { Spec = JsonSerializer.SerializeToElement(spec, TeravoxJson.Compact), Priority = priority }, ct);
        Session.Write(json, made, () => $"Experiment {made.Id} ({made.Name}) is submitted.");
        return watch
            ? await Watching.FollowAsync(json, made.Id, (seen, every, stop) => door.WatchAsync(made.Id, seen, every, stop), ct)
            : Guarded.Success;
    }
}
