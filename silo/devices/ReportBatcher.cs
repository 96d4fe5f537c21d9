// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Diagnostics;
using Teravox.Contracts.Grains;
using Teravox.Contracts.Work;
using Teravox.Grains;

namespace Teravox.Silo.Devices;

/// <summary>
/// Sends reports to ranges. Those of one range that come while a call is in flight go together with the next, so that a busy range
/// is called once for many. The next does not wait long: a range answers after its write, and with its last report it writes at once.
/// A few calls of a range are in flight at most, however long it does not answer. A call that is lost is made again until it is
/// answered: no report counts twice, and their order does not matter.
/// </summary>
/// <param name="grains">The cluster.</param>
/// <param name="silo">Name of this silo.</param>
/// <param name="noAnswer">Told when a call failed.</param>
/// <param name="giveUp">When nothing is sent any more.</param>
internal sealed class ReportBatcher(IGrainFactory grains, string silo, Action<Exception> noAnswer, CancellationToken giveUp)
{
    private const int MostTogether = 256, MostInFlight = 10;
    private static readonly TimeSpan LongestWait = TimeSpan.FromMilliseconds(100), FirstPause = TimeSpan.FromMilliseconds(50), LongestPause = TimeSpan.FromSeconds(1);
    private readonly ConcurrentDictionary<string, Batch> _ranges = new(StringComparer.Ordinal);

    private sealed class Batch
    {
        public Queue<(ItemReport Report, TaskCompletionSource<ReportAnswer> Answer)> Waiting { get; } = [];

        public bool IsSending { get; set; }

        public bool IsOver { get; set; }
    }

    /// <summary>The range's answer.</summary>
    /// <exception cref="OperationCanceledException">It was given up.</exception>
    public Task<ReportAnswer> SendAsync(string rangeKey, ItemReport report)
    {
        var answer = new TaskCompletionSource<ReportAnswer>(TaskCreationOptions.RunContinuationsAsynchronously);
        while (true)
        {
            var batch = _ranges.GetOrAdd(rangeKey, _ => new Batch());
            lock (batch)
            {
                if (batch.IsOver)
                    continue;
                batch.Waiting.Enqueue((report, answer));
                if (batch.IsSending)
                    return answer.Task;
                batch.IsSending = true;
            }

            _ = Task.Run(() => SendAllAsync(rangeKey, batch), CancellationToken.None);
            return answer.Task;
        }
    }

    private async Task SendAllAsync(string rangeKey, Batch batch)
    {
        // It carries reports of many items: it is part of no one's trace.
        Activity.Current = null;
        var range = grains.GetGrain<IWorkRangeGrain>(rangeKey);
        var calls = new List<Task>();
        while (Next(rangeKey, batch, calls.Count == 0) is { } reports)
        {
            if (reports.Count > 0)
                calls.Add(SendUntilAnsweredAsync(range, reports));
            await Task.WhenAny(calls.Count < MostInFlight ? [.. calls, Task.Delay(LongestWait, CancellationToken.None)] : calls);
            calls.RemoveAll(call => call.IsCompleted);
        }
    }

    private async Task SendUntilAnsweredAsync(IWorkRangeGrain range, List<(ItemReport Report, TaskCompletionSource<ReportAnswer> Answer)> reports)
    {
        for (var pause = FirstPause; !await TrySendAsync(range, reports); pause = pause < LongestPause ? pause * 2 : pause)
            await Task.Delay(Jitter.Around(pause), CancellationToken.None);
    }

    private async Task<bool> TrySendAsync(IWorkRangeGrain range, List<(ItemReport Report, TaskCompletionSource<ReportAnswer> Answer)> reports)
    {
        if (giveUp.IsCancellationRequested)
        {
            reports.ForEach(r => r.Answer.TrySetCanceled(giveUp));
            return true;
        }

        try
        {
            var answers = await range.ReportAsync(silo, [.. reports.Select(r => r.Report)]);
            for (var i = 0; i < reports.Count; i++)
                reports[i].Answer.TrySetResult(answers[i]);
            return true;
        }
        catch (Exception e)
        {
            noAnswer(e);
            if (GrainCalls.MayPass(e))
                return false;
            reports.ForEach(r => r.Answer.TrySetException(e));
            return true;
        }
    }

    /// <summary>What waits; null when that is nothing and <paramref name="mayEnd"/>: then this batch is over, and the next report has another.</summary>
    private List<(ItemReport Report, TaskCompletionSource<ReportAnswer> Answer)>? Next(string rangeKey, Batch batch, bool mayEnd)
    {
        lock (batch)
        {
            var reports = new List<(ItemReport, TaskCompletionSource<ReportAnswer>)>();
            while (reports.Count < MostTogether && batch.Waiting.TryDequeue(out var one))
                reports.Add(one);
            if (reports.Count > 0 || !mayEnd)
                return reports;
            batch.IsOver = true;
            _ranges.TryRemove(rangeKey, out _);
            return null;
        }
    }
}
