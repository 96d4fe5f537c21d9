// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using OpenTelemetry.Trace;

namespace Teravox.Silo.Telemetry;

/// <summary>
/// Which traces begin: requests and submissions, or a share of them. The calls that silos make of each other all the time, to pull
/// items say, begin none; within a trace that has begun calls are shown.
/// </summary>
/// <param name="share">0..1.</param>
internal sealed class SubmissionSampler(double share) : Sampler
{
    private readonly TraceIdRatioBasedSampler _share = new(share);

    /// <inheritdoc/>
    public override SamplingResult ShouldSample(in SamplingParameters samplingParameters) =>
        samplingParameters.Kind == ActivityKind.Internal || samplingParameters.Name.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal)
            ? _share.ShouldSample(samplingParameters)
            : new SamplingResult(SamplingDecision.Drop);
}
