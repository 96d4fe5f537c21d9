// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Silo;

/// <summary>
/// Sends requests that arrive while one is in flight together with the next; one that finds none in flight goes alone and
/// at once. So nothing waits for company, and a busy ledger is asked once for many.
/// </summary>
/// <param name="send">Answers in the requests' order.</param>
/// <param name="most">Requests that go together at most.</param>
internal sealed class Gathering<TRequest, TAnswer>(Func<IReadOnlyList<TRequest>, Task<IReadOnlyList<TAnswer>>> send, int most)
{
    private readonly Lock _lock = new();
    private readonly Queue<(TRequest Request, TaskCompletionSource<TAnswer> Answer)> _waiting = [];
    private bool _sending;

    /// <summary>The request's answer; throws what its sending threw.</summary>
    public Task<TAnswer> AskAsync(TRequest request)
    {
        var answer = new TaskCompletionSource<TAnswer>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            _waiting.Enqueue((request, answer));
            if (_sending)
            {
                return answer.Task;
            }

            _sending = true;
        }

        _ = SendUntilNoneWaitsAsync();
        return answer.Task;
    }

    private async Task SendUntilNoneWaitsAsync()
    {
        while (Next() is { Count: > 0 } batch)
        {
            try
            {
                await SendAsync(batch);
            }
            catch (InvalidOperationException) when (batch.Count > 1)
            {
                // One of them can not be; it must not spoil the others.
                foreach (var one in batch)
                {
                    await SendAloneAsync(one);
                }
            }
            catch (Exception e)
            {
                Refuse(batch, e);
            }
        }
    }

    private async Task SendAloneAsync((TRequest Request, TaskCompletionSource<TAnswer> Answer) one)
    {
        try
        {
            await SendAsync([one]);
        }
        catch (Exception e)
        {
            Refuse([one], e);
        }
    }

    private async Task SendAsync(List<(TRequest Request, TaskCompletionSource<TAnswer> Answer)> batch)
    {
        var answers = await send([.. batch.Select(one => one.Request)]);
        for (var i = 0; i < batch.Count; i++)
        {
            batch[i].Answer.TrySetResult(answers[i]);
        }
    }

    private List<(TRequest Request, TaskCompletionSource<TAnswer> Answer)> Next()
    {
        lock (_lock)
        {
            var batch = new List<(TRequest, TaskCompletionSource<TAnswer>)>();
            while (batch.Count < most && _waiting.TryDequeue(out var one))
            {
                batch.Add(one);
            }

            _sending = batch.Count > 0;
            return batch;
        }
    }

    private static void Refuse(List<(TRequest Request, TaskCompletionSource<TAnswer> Answer)> batch, Exception e)
    {
        foreach (var one in batch)
        {
            one.Answer.TrySetException(e);
        }
    }
}
