// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using Teravox.Contracts;
using Teravox.Contracts.Grains;
using Teravox.Contracts.Work;
using Teravox.Grains;
using Teravox.Grains.Ranges;

namespace Teravox.Engine.Tests;

/// <summary>
/// Whatever silos do in whatever order, and whichever writes of a range fail or lose their answers: each item is done once, with the
/// one result that was taken, and nothing is handed out that is not stored as handed out.
/// </summary>
public sealed class RangeSequenceTests : EngineFixture
{
    private const int Sequences = 60, Steps = 60, Items = 9, MaxFailures = 1000, MaxDeaths = 1000;

    [Fact]
    public async Task AnySequence_WhenWritesFailBeforeOrAfterTheyTakeEffect_CountsEachItemOnce()
    {
        var first = Environment.GetEnvironmentVariable("TERAVOX_SEED") is { Length: > 0 } text
            ? int.Parse(text, CultureInfo.InvariantCulture)
            : (int)(DateTime.UtcNow.Ticks / TimeSpan.TicksPerDay) * Sequences;
        TestContext.Current.TestOutputHelper!.WriteLine($"TERAVOX_SEED={first}");
        var (storage, members) = (new TestStorage(), new TestMembers());
        var limits = new WorkLimits { BetweenWrites = TimeSpan.Zero, RetryDelay = TimeSpan.Zero };
        var host = Own(await EngineHost.StartAsync(Setup(limits: limits), silo => silo.Storage(storage).Members(members), Ct));
        var (lost, done) = (0, 0);
        for (var seed = first; seed < first + Sequences; seed++)
        {
            var sequence = new Sequence(host, storage, members, seed);
            try
            {
                await sequence.RunAsync();
                (lost, done) = (lost + sequence.Lost, done + sequence.Done);
            }
            catch (Exception e)
            {
                Assert.Fail($"TERAVOX_SEED={seed}: {e.Message}\n{string.Join('\n', sequence.Trace)}");
            }
        }

        Assert.True(lost >= Sequences, $"{lost} answers were lost in {Sequences} sequences: the faults are not reached");
        Assert.Equal(Sequences * Items, done);
    }

    /// <summary>One sequence on a range of its own. Sum "n" gets, for each result that is offered, a number that no other has.</summary>
    private sealed class Sequence(EngineHost host, TestStorage storage, TestMembers members, int seed)
    {
        private readonly Random _random = new(seed);
        private readonly StagePlan _stage = new(1_000_000 + seed, "s", 0, TestBench.Kind, null, new WorkNeeds(), Items, MaxFailures, MaxDeaths);
        private readonly List<(string Silo, WorkItem Item)> _held = [];
        private readonly Dictionary<int, HashSet<long>> _offered = [];
        private readonly Dictionary<int, long> _taken = [];
        private readonly List<string> _silos = ["a", "b", "c"];
        private long _next = 1;
        private int _fault;

        public List<string> Trace { get; } = [];

        public int Lost { get; private set; }

        public int Done { get; private set; }

        private IWorkRangeGrain Range => host.Range(_stage);

        private string Prefix => $"{seed}-";

        public async Task RunAsync()
        {
            storage.BeforeWrite = grain => FaultAsync(grain, 1);
            storage.AfterWrite = grain => FaultAsync(grain, 2);
            for (var step = 0; step < Steps; step++)
            {
                _fault = _random.Next(4) == 0 ? _random.Next(1, 3) : 0;
                await StepAsync();
            }

            // The rest is done by a silo that nothing happens to.
            _fault = 0;
            for (var rounds = 0; Stored().Done.Sum(b => int.PopCount(b)) < Items; rounds++)
            {
                Assert.True(rounds < 1000, "the range hands the rest out");
                foreach (var silo in _silos)
                    members.Kill(Prefix + silo);
                _silos.Clear();
                _silos.Add($"last{rounds}");
                foreach (var item in (await Range.TakeAsync(_stage, new TakeRequest(Prefix + _silos[0], 99, false, true))).Items)
                    await FinishAsync(_silos[0], item);
            }

            Check();
            Done = _taken.Count;
        }

        private async Task StepAsync()
        {
            var silo = _silos[_random.Next(_silos.Count)];
            switch (_random.Next(12))
            {
                case < 4:
                    await TakeAsync(silo);
                    break;
                case < 8 when Any() is { } held:
                    await FinishAsync(held.Silo, held.Item);
                    break;
                case 8 when Any() is { } held:
                    await SendAsync(held.Silo, new ItemReport(held.Item.Index, held.Item.Attempt, ReportKind.Failed, null, new RunOutcome(RunEnd.Failed, Error: "thrown")));
                    break;
                case 9 when Any() is { } held:
                    await SendAsync(held.Silo, new ItemReport(held.Item.Index, held.Item.Attempt, ReportKind.Released));
                    break;
                case 10 when Any() is { } held:
                    await SendAsync(held.Silo, new ItemReport(held.Item.Index, held.Item.Attempt, ReportKind.Held, new WorkProgress(0.5, Checkpoint: _random.Next(5))));
                    break;
                case 11:
                    // It may be a zombie: what it holds it may still report.
                    Trace.Add($"{silo} dies");
                    members.Kill(Prefix + silo);
                    _silos.Remove(silo);
                    _silos.Add($"d{_next++}");
                    break;
            }

            Check();
        }

        private (string Silo, WorkItem Item)? Any() => _held.Count == 0 ? null : _held[_random.Next(_held.Count)];

        private async Task TakeAsync(string silo)
        {
            var most = _random.Next(1, 5);
            if (await CallAsync($"{silo} takes {most}", () => Range.TakeAsync(_stage, new TakeRequest(Prefix + silo, most, false, true))) is not { } got)
                return;
            var stored = Stored();
            foreach (var item in got.Items)
            {
                // Handed out is what the state says is handed out, in this very moment.
                Assert.Equal(new HandedOut(Prefix + silo, item.Attempt), stored.Out.GetValueOrDefault(item.Index));
                _held.Add((silo, item));
            }
        }

        private async Task FinishAsync(string silo, WorkItem item)
        {
            // Each run of an item has a result of its own, so that a sum of two would show.
            var result = 1L << (2 * item.Index) << (_random.Next(2) == 0 ? 0 : 1);
            var offered = _offered.TryGetValue(item.Index, out var known) ? known : _offered[item.Index] = [];
            offered.Add(result);
            var outcome = new RunOutcome(RunEnd.Done, $"{result}", new Dictionary<string, byte[]> { ["n"] = SumCodec.Pack([result, 1]) });
            var report = new ItemReport(item.Index, item.Attempt, ReportKind.Done, null, outcome);
            if (await SendAsync(silo, report) is not { } answer)
            {
                // As a silo does: the same report again until it is answered.
                _fault = 0;
                answer = (await SendAsync(silo, report))!;
            }

            if (answer.Verdict == ReportVerdict.Taken)
                Assert.True(IsDone(item.Index), $"item {item.Index} is answered as done and is not stored as done");
        }

        private async Task<ReportAnswer?> SendAsync(string silo, ItemReport report) =>
            (await CallAsync($"{silo} reports {report.Kind} of {report.Index} attempt {report.Attempt}", () => Range.ReportAsync(Prefix + silo, [report])))?[0];

        private async Task<T?> CallAsync<T>(string what, Func<Task<T>> call)
            where T : class
        {
            var fault = _fault;
            try
            {
                var answer = await call();
                Trace.Add(what);
                return answer;
            }
            catch (Exception e) when (GrainCalls.MayPass(e))
            {
                Lost++;
                Trace.Add($"{what}: lost {(fault == 1 ? "before" : "after")} the write");
                return null;
            }
        }

        private Task FaultAsync(GrainId grain, int where)
        {
            if (_fault != where || !grain.ToString().Contains($"/{_stage.Experiment}/", StringComparison.Ordinal))
                return Task.CompletedTask;
            _fault = 0;
            throw new DatabaseUnavailableException("connection lost");
        }

        private RangeRecord Stored() => storage.Read<RangeRecord>(Range, "range") ?? new RangeRecord();

        private bool IsDone(int index) => Stored() is { Done.Length: > 0 } stored && (stored.Done[index / 8] & (1 << (index % 8))) != 0;

        private void Check()
        {
            var stored = Stored();
            var done = Enumerable.Range(0, Items).Where(i => stored.Done.Length > 0 && (stored.Done[i / 8] & (1 << (i % 8))) != 0).ToList();

            // 1. Done stays done, with the result it had.
            Assert.Equal(done, stored.Results.Keys.Order());
            foreach (var index in done)
            {
                var result = long.Parse(stored.Results[index], CultureInfo.InvariantCulture);
                Assert.Contains(result, _offered[index]);
                Assert.Equal(result, _taken.TryGetValue(index, out var taken) ? taken : result);
                _taken[index] = result;
            }

            Assert.Equal(_taken.Keys.Order(), done);

            // 2. The sums are those of one result for each item that is done.
            long[] sums = stored.Sums.TryGetValue("n", out var packed) ? SumCodec.Unpack(packed) : [0, 0];
            Assert.Equal([_taken.Values.Sum(), done.Count], sums);

            // 3. What is done is not handed out, and has no history.
            Assert.DoesNotContain(stored.Out.Keys, done.Contains);
            Assert.DoesNotContain(stored.History.Keys, done.Contains);
        }
    }
}
