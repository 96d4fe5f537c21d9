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
    private SubmissionAnswer? _submitted;

    public async Task<SubmissionAnswer> SubmitAsync(string specJson, int priority)
    {
        var key = this.GetPrimaryKeyString();
        var answer = _submitted is null ? await Calls.WaitAsync("submit", ct => SubmitAsync(specJson, priority, key, ct)) : new(_submitted);
        _submitted ??= answer.Result;
        return answer.Result ?? new SubmissionAnswer(null, answer.Refusal?.Text);
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
