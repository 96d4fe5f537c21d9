// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using Teravox.Contracts;
using Teravox.Contracts.Grains;
using Teravox.Silo.Http;

namespace Teravox.Silo.Cluster;

/// <summary>A reentrant grain whose work may take longer than a call.</summary>
internal abstract class LongCallGrain(ILogger log) : Grain
{
    /// <summary>Its work.</summary>
    protected LongCalls Calls { get; } = new(log);

    public sealed override Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        Calls.Stop();
        return Task.CompletedTask;
    }
}

/// <summary>
/// Work of a reentrant grain that runs beside its calls and may take longer than one: calls of one key wait for the same work, each
/// for a second at most. Only the grain's own turns use this.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "A semaphore that nobody blocks on holds nothing.")]
internal sealed class LongCalls(ILogger log)
{
    private static readonly TimeSpan LongestCall = TimeSpan.FromSeconds(1), Abandoned = TimeSpan.FromSeconds(10);
    private readonly Dictionary<string, Work> _works = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _turn = new(1, 1);

    [SuppressMessage("Design", "CA1001", Justification = "Its timer ends by itself, and it may be cancelled at any time.")]
    private sealed class Work(Func<CancellationToken, Task> begin)
    {
        private readonly CancellationTokenSource _stop = new();
        private int _waiting;
        private Task? _task;

        public Task Task => _task ??= begin(_stop.Token);

        public bool IsOver => _waiting == 0 && _stop.IsCancellationRequested && Task.IsCompleted;

        public void Enter()
        {
            _waiting++;
            _stop.CancelAfter(Timeout.InfiniteTimeSpan);
        }

        public void Leave()
        {
            if (--_waiting == 0)
                _stop.CancelAfter(Abandoned);
        }

        public void Stop() => _stop.Cancel();
    }

    /// <summary>Begins the work, or waits on for what an earlier call of the key began.</summary>
    /// <param name="key">What is worked at.</param>
    /// <param name="begin">The work. It runs beside the grain's turns. Its token is cancelled when nobody waits for it any more.</param>
    public async Task<LongAnswer<T>> WaitAsync<T>(string key, Func<CancellationToken, Task<T>> begin)
        where T : class
    {
        foreach (var over in _works.Where(static w => w.Value.IsOver).Select(static w => w.Key).ToList())
            _works.Remove(over);
        if (!_works.TryGetValue(key, out var work))
            _works[key] = work = new Work(ct => Task.Run(() => AnswerAsync(begin, ct), CancellationToken.None));
        work.Enter();
        try
        {
            var answer = (Task<LongAnswer<T>>)work.Task;
            if (await Task.WhenAny(answer, Task.Delay(LongestCall)) != answer)
                return new LongAnswer<T>(null);
            if (_works.GetValueOrDefault(key) == work)
                _works.Remove(key);
            return await answer;
        }
        finally
        {
            work.Leave();
        }
    }

    /// <summary>As above; works that change something run one after the other.</summary>
    public Task<LongAnswer<T>> WaitAloneAsync<T>(string key, Func<CancellationToken, Task<T>> begin)
        where T : class => WaitAsync(key, async ct =>
    {
        await _turn.WaitAsync(ct);
        try
        {
            return await begin(ct);
        }
        finally
        {
            _turn.Release();
        }
    });

    /// <summary>The activation ends: so does its work.</summary>
    public void Stop()
    {
        foreach (var work in _works.Values)
            work.Stop();
    }

    /// <summary>What a problem is to the callers of a grain.</summary>
    public static Refusal RefusalOf(ProblemException problem) => new(problem.Status, problem.Message, problem.Field);

    private async Task<LongAnswer<T>> AnswerAsync<T>(Func<CancellationToken, Task<T>> begin, CancellationToken ct)
        where T : class
    {
        try
        {
            return new LongAnswer<T>(await begin(ct));
        }
        catch (Exception e) when (e is ProblemException or InputException or IOException)
        {
            // Files that cannot be read are no better the next time; callers repeat only what is lost with a silo.
            var problem = Problems.Of(e);
            if (problem.Status >= 500 && e is not ProblemException)
                log.LogError(e, "A grain's work failed");
            return new LongAnswer<T>(null, RefusalOf(problem));
        }
    }
}
