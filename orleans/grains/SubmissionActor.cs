// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using Orleans.Concurrency;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Silo.Http;
using Teravox.Silo.Http.Experiments;
using Teravox.Silo.Http.Security;

namespace Teravox.Orleans.Grains;

/// <summary>Checks a spec and submits it, as the HTTP face does; calls that come meanwhile wait for the same check.</summary>
[Reentrant]
internal sealed class SubmissionActor(ApiServices api) : Grain, ISubmissionGrain
{
    // Shorter than the time after which a client takes a call for lost.
    private static readonly TimeSpan LongestCall = TimeSpan.FromMilliseconds(250);
    private Task<ExperimentInfo>? _work;

    public async Task<ExperimentInfo?> SubmitAsync(SubmitExperiment experiment)
    {
        var work = _work ??= Task.Run(() => WorkAsync(experiment, this.GetPrimaryKeyString()));
        if (await Task.WhenAny(work, Task.Delay(LongestCall)) != work)
            return null;
        if (work.IsFaulted)
            _work = null;
        var made = await work;
        await GrainFactory.GetGrain<IExperimentGrain>(made.Id.ToString(CultureInfo.InvariantCulture)).WakeAsync();
        return made;
    }

    private async Task<ExperimentInfo> WorkAsync(SubmitExperiment experiment, string key)
    {
        try
        {
            var submit = new IdempotentSubmit(api, new Teravox.Silo.Http.Experiments.Submission(api));
            var (id, _) = await submit.SubmitAsync(experiment, key, Caller.Anyone, CancellationToken.None);
            return ExperimentViews.Info((await api.Ledger.FindAsync(id, CancellationToken.None))!);
        }
        catch (ProblemException e)
        {
            throw new InputException(e.Message, e);
        }
    }
}
