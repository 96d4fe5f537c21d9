// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Orleans.Concurrency;
using Teravox.Contracts.Api;
using Teravox.Contracts.Grains;
using Teravox.Silo.Http;
using Teravox.Silo.Http.Experiments;
using Teravox.Silo.Http.Security;

namespace Teravox.Silo.Cluster;

/// <summary>Checks a spec and submits it, as the HTTP API does; calls that come meanwhile wait for the same check.</summary>
[Reentrant]
[GrainType("submission")]
internal sealed class SubmissionGrain(ApiServices api, ILogger<SubmissionGrain> log) : LongCallGrain(log), ISubmissionGrain
{
    public async Task<SubmissionAnswer> SubmitAsync(string specJson, int priority)
    {
        // Only calls with the same spec wait for one check: the catalog refuses another spec under the same key.
        var key = this.GetPrimaryKeyString();
        var (submitted, refusal) = await Calls.WaitAsync($"{priority}/{specJson}", ct => SubmitAsync(specJson, priority, key, ct));
        return submitted ?? new SubmissionAnswer(null, refusal?.Text);
    }

    private async Task<SubmissionAnswer> SubmitAsync(string specJson, int priority, string key, CancellationToken ct)
    {
        try
        {
            var body = new SubmitExperiment { Spec = JsonElement.Parse(specJson), Priority = priority };
            var (id, _) = await new IdempotentSubmit(api, new Submission(api)).SubmitAsync(body, key, Caller.Anyone, ct);
            return new SubmissionAnswer(id);
        }
        catch (JsonException e)
        {
            throw new ProblemException(400, $"spec: is not JSON ({e.Message})", "spec");
        }
    }
}
