// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts.Api;

namespace Teravox.Contracts.Grains;

/// <summary>
/// Answer to a call whose work may take longer than a call. A call waits for about a second; without a result and a refusal the work
/// goes on, and the same call waits on. Work that nobody waits for any more is stopped after some seconds.
/// </summary>
/// <param name="Result">What came of it; null while the work goes on, or when it was refused.</param>
/// <param name="Refusal">Why it was refused; null when it was not.</param>
/// <typeparam name="T">What was asked for.</typeparam>
[GenerateSerializer]
[Immutable]
public sealed record LongAnswer<T>(T? Result, Refusal? Refusal = null)
    where T : class;

/// <summary>Why something is not done.</summary>
/// <param name="Status">Status of the HTTP API: 404, 409, 422 ...</param>
/// <param name="Text">One sentence for people.</param>
/// <param name="Field">The field of the request at fault, or null.</param>
[GenerateSerializer]
[Immutable]
public sealed record Refusal(int Status, string Text, string? Field = null);

/// <summary>Who asks a grain, and which request of theirs a call belongs to.</summary>
/// <param name="Id">Drawn by the caller, new for each request: calls of one id are one request, whose work is done once.</param>
/// <param name="Owner">Name of the caller's API key; null without keys.</param>
/// <param name="Role">What the caller may do.</param>
/// <param name="IsRepeated">True from the second call of a request on: an activation that is lost by now may have done what it asks for.</param>
[GenerateSerializer]
[Immutable]
public sealed record GrainRequest(string Id, string? Owner = null, ApiRole Role = ApiRole.Operator, bool IsRepeated = false);
