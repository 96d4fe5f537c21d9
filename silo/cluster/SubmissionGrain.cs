// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Orleans.Concurrency;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Contracts.Grains;
using Teravox.Silo.Http;
using Teravox.Silo.Http.Experiments;
using Teravox.Silo.Http.Security;

namespace Teravox.Silo.Cluster;

/// <summary>Checks a spec and submits it, as the HTTP API does; calls that come meanwhile wait for the same check.</summary>
[Reentrant]
[GrainType("submission")]
internal sealed class SubmissionGrain(ApiServices api) : Grain, ISubmissionGrain
{
    private static readonly TimeSpan LongestCall = TimeSpan.FromSeconds(1);
    private Task<SubmissionAnswer>? _work;

    public async Task<SubmissionAnswer> SubmitAsync(string specJson, int priority)
    {
        var work = _work ??= Task.Run(() => WorkAsync(specJson, priority, this.GetPrimaryKeyString()));
        if (!work.IsCompleted && await Task.WhenAny(work, Task.Delay(LongestCall)) != work)
            return new SubmissionAnswer(null);
        if (!work.IsCompletedSuccessfully || work.Result.Refusal is not null)
            _work = null;
        return await work;
    }

    private async Task<SubmissionAnswer> WorkAsync(string specJson, int priority, string key)
    {
        try
        {
            var body = new SubmitExperiment { Spec = JsonElement.Parse(specJson), Priority = priority };
            var submit = new IdempotentSubmit(api, new Http.Experiments.Submission(api));
            var (id, _) = await submit.SubmitAsync(body, key, Caller.Anyone, CancellationToken.None);
            return new SubmissionAnswer(id);
        }
        catch (Exception e) when (e is ProblemException or InputException)
        {
            return new SubmissionAnswer(null, e.Message);
        }
        catch (JsonException e)
        {
            return new SubmissionAnswer(null, $"spec: is not JSON ({e.Message})");
        }
    }
}
