// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Globalization;
using System.Threading.Channels;

namespace Teravox.Bench.Silos;

/// <summary>How long a pause, a resume, a cancel and a retry take to act on the devices, from the call on.</summary>
internal static class SteeringTimes
{
    private const int Items = 100_000;
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(3), LongestWait = TimeSpan.FromMinutes(2);

    public static async Task<IReadOnlyList<RecoveryFigures>> MeasureAsync(BenchCluster cluster, int runs, CancellationToken ct)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var said = Channel.CreateUnbounded<(string What, long At)>();
        var hearing = cluster.Silos.Select(silo => HearAsync(silo, said.Writer, stop.Token)).ToList();
        var (pauses, resumes, cancels, retries) = (new List<double>(), new List<double>(), new List<double>(), new List<double>());
        for (var run = 0; run < runs; run++)
        {
            // 1. Short items: a pause has acted when none begins any more, a resume when one begins.
            var id = await new SimulatedWork(Items, 20).SubmitAsync(cluster.Experiments, ct);
            await NextAsync(said.Reader, SimulatedSilo.Started, after: 0, ct);
            pauses.Add(await FromAsync(() => cluster.Experiments.PauseAsync(id, ct), async since => await LastAsync(said.Reader, since, ct)));
            resumes.Add(await FromAsync(() => cluster.Experiments.ResumeAsync(id, ct), since => NextAsync(said.Reader, SimulatedSilo.Started, since, ct)));
            await cluster.Experiments.CancelAsync(id, ct);
            await LastAsync(said.Reader, 0, ct);

            // 2. A long item: a cancel has acted when it stops.
            id = await new SimulatedWork(1, TimeSpan.FromHours(1).TotalMilliseconds).SubmitAsync(cluster.Experiments, ct);
            await NextAsync(said.Reader, SimulatedSilo.Started, after: 0, ct);
            cancels.Add(await FromAsync(() => cluster.Experiments.CancelAsync(id, ct), since => NextAsync(said.Reader, SimulatedSilo.Stopped, since, ct)));

            // 3. An item that has failed for good: a retry has acted when it begins again.
            id = await new SimulatedWork(1, -1).SubmitAsync(cluster.Experiments, ct);
            await cluster.Experiments.WaitForEndAsync(id, ct);
            await LastAsync(said.Reader, 0, ct);
            retries.Add(await FromAsync(() => cluster.Experiments.RetryAsync(id, ct), since => NextAsync(said.Reader, SimulatedSilo.Started, since, ct)));
            await cluster.Experiments.WaitForEndAsync(id, ct);
            await Console.Error.WriteLineAsync(string.Create(
                CultureInfo.InvariantCulture, $"pause: {pauses[^1]:F2} s, resume: {resumes[^1]:F2} s, cancel: {cancels[^1]:F2} s, retry: {retries[^1]:F2} s"));
        }

        await stop.CancelAsync();
        await Task.WhenAll(hearing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return [new("pause", pauses), new("resume", resumes), new("cancel", cancels), new("retry", retries)];
    }

    private static async Task<double> FromAsync(Func<Task> call, Func<long, Task<long>> effect)
    {
        var since = Stopwatch.GetTimestamp();
        var acting = effect(since);
        await call();
        return Stopwatch.GetElapsedTime(since, await acting).TotalSeconds;
    }

    private static async Task HearAsync(ChildProcess silo, ChannelWriter<(string What, long At)> said, CancellationToken ct)
    {
        while (true)
        {
            if (SimulatedSilo.ParseItem(await silo.HearAsync(ct, TimeSpan.FromHours(2))) is var (what, _, at))
                said.TryWrite((what, at));
        }
    }

    /// <summary>When this happened first after a moment.</summary>
    private static async Task<long> NextAsync(ChannelReader<(string What, long At)> said, string what, long after, CancellationToken ct)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        patience.CancelAfter(LongestWait);
        while (true)
        {
            if (await said.ReadAsync(patience.Token) is var (happened, at) && happened == what && at > after)
                return at;
        }
    }

    /// <summary>When an item began last, once none has begun for a while; <paramref name="since"/> when none did.</summary>
    private static async Task<long> LastAsync(ChannelReader<(string What, long At)> said, long since, CancellationToken ct)
    {
        var last = since;
        while (true)
        {
            using var silence = CancellationTokenSource.CreateLinkedTokenSource(ct);
            silence.CancelAfter(Silence);
            try
            {
                if (await said.ReadAsync(silence.Token) is (SimulatedSilo.Started, var at))
                    last = Math.Max(last, at);
            }
            catch (OperationCanceledException) when (!ct.IsCancellationRequested)
            {
                return last;
            }
        }
    }
}
