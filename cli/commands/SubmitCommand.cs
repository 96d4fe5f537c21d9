// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using Teravox.Cli.Remote;
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
        return Remote.Remote.Command(
            "submit",
            """
            Submits an experiment to a cluster. Data on this machine that the cluster cannot read are uploaded as a volume; broken off, the same command uploads only the rest.

            Example:
              ./teravox submit specs/phantom-quick.json --set training.iterations=100 --watch
            """,
            [spec, set, quick, upload, watch, priority],
            async (r, session, ct) =>
            {
                var loaded = SpecFile.Load(ShippedSpecs.Find(r.GetRequiredValue(spec)), ShippedSpecs.Settings(r.GetValue(quick), r.GetRequiredValue(set)));
                var order = r.GetRequiredValue(priority);
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
}
