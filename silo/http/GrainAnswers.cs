// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts.Grains;
using Teravox.Grains;
using Teravox.Silo.Http.Security;

namespace Teravox.Silo.Http;

/// <summary>Asks a grain until its work is done. A call that is lost with a silo is made again.</summary>
internal static class GrainAnswers
{
    /// <summary>What came of the calls.</summary>
    /// <param name="caller">Who asks.</param>
    /// <param name="call">A call of the request that it is given.</param>
    /// <param name="ct">Stops asking; the grain stops its work when nobody else asks for it.</param>
    /// <exception cref="ProblemException">The grain refused it.</exception>
    public static async Task<T> WaitAsync<T>(Caller caller, Func<GrainRequest, Task<LongAnswer<T>>> call, CancellationToken ct)
        where T : class
    {
        var next = new GrainRequest(Guid.NewGuid().ToString("N"), caller.Name, caller.Role);
        while (true)
        {
            var (result, refusal) = await GrainCalls.RepeatAsync(
                () =>
                {
                    var request = next;
                    next = next with { IsRepeated = true };
                    return call(request);
                },
                ct);
            if (refusal is { } why)
                throw new ProblemException(why.Status, why.Text, why.Field);
            if (result is not null)
                return result;
        }
    }
}
