// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Silo.Http;

/// <summary>
/// Runs what reads volumes (checks of specs, registrations, statistics, sections that are looked at) beside the requests, a few at a time: a
/// silo's cores are for its items, and a client that goes away stops its check.
/// </summary>
internal sealed class CheckGate : IDisposable
{
    private const int AtATime = 2;
    private readonly SemaphoreSlim turns = new(AtATime, AtATime);

    public async Task<T> RunAsync<T>(Func<T> work, CancellationToken ct)
    {
        await turns.WaitAsync(ct);
        try
        {
            return await Task.Run(work, ct);
        }
        finally
        {
            turns.Release();
        }
    }

    public void Dispose() => turns.Dispose();
}
