// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Grains.Ledger;

/// <summary>
/// Wakes everyone who waits in this process. A ring is not kept for those who come later: who must not miss one
/// takes the wait first, looks, and then awaits it.
/// </summary>
internal sealed class HintBell
{
    private TaskCompletionSource _next = New();

    public void Ring() => Interlocked.Exchange(ref _next, New()).TrySetResult();

    public async Task WaitAsync(TimeSpan atMost, TimeProvider time, CancellationToken ct)
    {
        try
        {
            await Volatile.Read(ref _next).Task.WaitAsync(atMost, time, ct);
        }
        catch (TimeoutException)
        {
            // The poll that follows is the truth; a hint only makes it earlier.
        }
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
