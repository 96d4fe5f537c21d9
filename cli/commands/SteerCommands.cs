// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using Teravox.Client;
using Teravox.Contracts.Api;

namespace Teravox.Cli.Commands;

/// <summary>teravox pause, resume, cancel and retry: steer an experiment.</summary>
internal static class SteerCommands
{
    public static IEnumerable<Command> Make() =>
    [
        One("pause", "Begins no more of an experiment's work; what runs may end.", static (e, id, ct) => e.PauseAsync(id, ct)),
        One("resume", "Undoes a pause.", static (e, id, ct) => e.ResumeAsync(id, ct)),
        One("cancel", "Ends an experiment. What it has committed is kept, but it does not go on.", static (e, id, ct) => e.CancelAsync(id, ct)),
        One("retry", "Runs again what failed of an experiment; what is done is kept.", static (e, id, ct) => e.RetryAsync(id, ct)),
    ];

    private static Command One(string name, string what, Func<ExperimentsClient, long, CancellationToken, Task<ExperimentInfo>> change)
    {
        var ids = new Argument<long[]>("id") { Description = "Experiments, one or more.", Arity = ArgumentArity.OneOrMore };
        return Remote.Remote.Command(
            name,
            $"""
            {what}

            Example:
              ./teravox {name} 12
            """,
            [ids],
            async (r, session, ct) =>
            {
                foreach (var id in r.GetRequiredValue(ids))
                {
                    var now = await change(session.Client.Experiments, id, ct);
                    session.Write(now, () => $"Experiment {now.Id} ({now.Name}) is {now.State}.");
                }

                return Guarded.Success;
            });
    }
}
