// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text.Json;
using Teravox.Contracts;
using Teravox.Contracts.Work;
using Teravox.Grains;
using Teravox.Grains.Ranges;

namespace Teravox.Chaos;

/// <summary>
/// Walks through all versions of the states that ranges and experiments ever stored, and notes what must never be:
/// <list type="number">
/// <item>a version is skipped, repeated or removed;</item>
/// <item>an item's bit is cleared, or set although nobody had the item in the version before;</item>
/// <item>sums or results change without a new bit, or shrink;</item>
/// <item>an attempt is given twice;</item>
/// <item>an experiment counts a range that is not done, or other sums than those of its ranges.</item>
/// </list>
/// </summary>
internal sealed class StateAudit
{
    private readonly Dictionary<string, RangeRecord> _ranges = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ExperimentRecord> _experiments = new(StringComparer.Ordinal);
    private readonly List<string> _versions = [], _items = [], _sums = [], _attempts = [];
    private readonly Dictionary<(string Range, int Index), int> _lastAttempt = [];

    /// <summary>Versions that were skipped, repeated or removed.</summary>
    public IReadOnlyList<string> Versions => _versions;

    /// <summary>Items that are not done exactly once.</summary>
    public IReadOnlyList<string> Items => _items;

    /// <summary>Sums that are not those of the items.</summary>
    public IReadOnlyList<string> Sums => _sums;

    /// <summary>Attempts that were given wrongly.</summary>
    public IReadOnlyList<string> Attempts => _attempts;

    /// <summary>The silo that had an item when its bit was set, by range and index.</summary>
    public Dictionary<(string Range, int Index), string> DoneBy { get; } = [];

    /// <summary>Number of stored versions.</summary>
    public long Written { get; private set; }

    /// <summary>How often a bit was set.</summary>
    public long Done { get; private set; }

    /// <summary>How often an item was handed out.</summary>
    public long HandedOut { get; private set; }

    /// <summary>Walks through the versions, which are in the order of the writes of each grain.</summary>
    public static StateAudit Of(IReadOnlyList<StoredVersion> versions)
    {
        var audit = new StateAudit();
        foreach (var grain in versions.GroupBy(v => (v.Type, v.Grain)))
            audit.Walk(grain.Key.Type, grain.Key.Grain, [.. grain]);
        audit.CompareExperiments();
        return audit;
    }

    /// <summary>Sums and results of an experiment's stages in words, from the last states of its ranges.</summary>
    public static SortedDictionary<string, string> Left(IEnumerable<StoredVersion> states, string experiment)
    {
        var stages = new Dictionary<string, (SortedDictionary<string, long[]> Sums, SortedDictionary<int, string> Results)>(StringComparer.Ordinal);
        foreach (var state in states.Where(s => s.State is not null && IsRange(s.Type)))
        {
            var (range, plan) = Read<RangeRecord>(state.State!) is { Stage: { } stage } r ? (r, stage) : default;
            if (range is null || plan.Experiment.ToString(CultureInfo.InvariantCulture) != experiment)
                continue;
            if (!stages.TryGetValue(plan.Name, out var left))
                left = stages[plan.Name] = (new SortedDictionary<string, long[]>(StringComparer.Ordinal), []);
            Add(left.Sums, range.Sums);
            foreach (var (index, result) in range.Results)
                left.Results[index] = JsonSerializer.Serialize(JsonElement.Parse(result));
        }

        return new SortedDictionary<string, string>(
            stages.ToDictionary(
                s => s.Key,
                s => string.Concat(s.Value.Sums.Select(x => $"{x.Key}: {string.Join(' ', x.Value)}\n").Concat(s.Value.Results.Select(x => $"{x.Key}: {x.Value}\n"))),
                StringComparer.Ordinal),
            StringComparer.Ordinal);
    }

    /// <summary>The sums of a stage, from the last states of its ranges.</summary>
    public static SortedDictionary<string, long[]> SumsOf(IEnumerable<StoredVersion> states, long experiment, string stage)
    {
        var sums = new SortedDictionary<string, long[]>(StringComparer.Ordinal);
        foreach (var state in states.Where(s => s.State is not null && IsRange(s.Type)))
        {
            var range = Read<RangeRecord>(state.State!);
            if (range.Stage is { } plan && plan.Experiment == experiment && plan.Name == stage)
                Add(sums, range.Sums);
        }

        return sums;
    }

    /// <summary>The items that a silo has.</summary>
    public static List<(string Range, int Index)> HeldBy(IEnumerable<StoredVersion> states, string silo) =>
    [
        .. states.Where(s => s.State is not null && IsRange(s.Type))
            .SelectMany(s => Read<RangeRecord>(s.State!).Out.Where(o => o.Value.Silo == silo).Select(o => (s.Grain, o.Key))),
    ];

    private static bool IsRange(string type) => type == "range";

    private static T Read<T>(byte[] state) => JsonSerializer.Deserialize<T>(state, TeravoxJson.Compact)!;

    private static bool Has(byte[] bits, int bit) => bit / 8 < bits.Length && (bits[bit / 8] & (1 << (bit % 8))) != 0;

    private static void Add(SortedDictionary<string, long[]> into, Dictionary<string, byte[]> more)
    {
        foreach (var (name, packed) in more)
        {
            var counts = SumCodec.Unpack(packed);
            into[name] = into.TryGetValue(name, out var sum) ? [.. sum.Zip(counts, (a, b) => a + b)] : counts;
        }
    }

    private void Walk(string type, string grain, IReadOnlyList<StoredVersion> versions)
    {
        var number = 0;
        RangeRecord? range = null;
        ExperimentRecord? experiment = null;
        foreach (var version in versions)
        {
            Written++;
            if (version.Removed || version.State is null)
            {
                _versions.Add($"{type} {grain} was removed at version {version.Number}");
                continue;
            }

            if (version.Number != number + 1)
                _versions.Add($"{type} {grain} has version {version.Number} after {number}");
            number = version.Number;
            if (IsRange(type))
            {
                var next = Read<RangeRecord>(version.State);
                Compare(grain, number, range ?? new RangeRecord(), next);
                _ranges[grain] = range = next;
            }
            else if (type == "experiment")
            {
                var next = Read<ExperimentRecord>(version.State);
                Compare(grain, number, experiment ?? next, next);
                _experiments[grain] = experiment = next;
            }
        }
    }

    private void Compare(string grain, int version, RangeRecord before, RangeRecord after)
    {
        var first = after.Range * StagePlan.RangeSize;
        var items = after.Stage!.ItemsOf(after.Range);
        var set = 0;
        for (var i = 0; i < items; i++)
        {
            var (was, isNow) = (Has(before.Done, i), Has(after.Done, i));
            if (was && !isNow)
                _items.Add($"{grain} version {version}: item {first + i} was done and is not any more");
            if (was || !isNow)
                continue;
            set++;
            Done++;
            if (before.Out.TryGetValue(first + i, out var held))
                DoneBy[(grain, first + i)] = held.Silo;
            else
                _items.Add($"{grain} version {version}: item {first + i} is done, and nobody had it");
        }

        // 1. What is out.
        foreach (var (index, having) in after.Out)
        {
            if (Has(after.Done, index - first))
                _items.Add($"{grain} version {version}: item {index} is done and handed out");
            if (before.Out.GetValueOrDefault(index) == having)
                continue;
            HandedOut++;
            var last = _lastAttempt.GetValueOrDefault((grain, index));
            if (having.Attempt <= last)
                _attempts.Add($"{grain} version {version}: item {index} has attempt {having.Attempt} after {last}");
            _lastAttempt[(grain, index)] = having.Attempt;
        }

        foreach (var (index, history) in before.History)
        {
            if (!Has(after.Done, index - first) && !(after.History.GetValueOrDefault(index) is { } now && now.Attempts >= history.Attempts))
                _attempts.Add($"{grain} version {version}: item {index} was handed out {history.Attempts} times, and that is forgotten");
        }

        // 2. Sums and results belong to bits.
        foreach (var name in before.Sums.Keys.Union(after.Sums.Keys))
        {
            long[] was = before.Sums.TryGetValue(name, out var b) ? SumCodec.Unpack(b) : [], now = after.Sums.TryGetValue(name, out var a) ? SumCodec.Unpack(a) : [];
            if (set == 0 ? !was.AsSpan().SequenceEqual(now) : was.Where((count, i) => i >= now.Length || now[i] < count).Any())
                _sums.Add($"{grain} version {version}: sum '{name}' changed{(set == 0 ? " without an item" : " downwards")}");
        }

        if (before.Results.Any(r => after.Results.GetValueOrDefault(r.Key) != r.Value) || after.Results.Keys.Any(i => !Has(after.Done, i - first)))
            _sums.Add($"{grain} version {version}: a result changed, or is of an item that is not done");
    }

    private void Compare(string grain, int version, ExperimentRecord before, ExperimentRecord after)
    {
        if (before.Stages.Count != after.Stages.Count)
        {
            _items.Add($"experiment {grain} version {version}: has {after.Stages.Count} stages after {before.Stages.Count}");
            return;
        }

        foreach (var (was, now) in before.Stages.Zip(after.Stages))
        {
            if (was.State == StageState.Done && now.State != StageState.Done)
                _items.Add($"experiment {grain} version {version}: stage {now.Stage.Name} was done and is {now.State}");
            for (var range = 0; range < StagePlan.RangesOf(was.Items); range++)
            {
                if (Has(was.RangesDone, range) && !Has(now.RangesDone, range))
                    _items.Add($"experiment {grain} version {version}: range {range} of {now.Stage.Name} was done and is not any more");
            }
        }
    }

    /// <summary>In the end: a stage has the sums of its ranges, and a range that counts is done.</summary>
    private void CompareExperiments()
    {
        foreach (var (id, experiment) in _experiments)
        {
            foreach (var stage in experiment.Stages)
            {
                var sums = new SortedDictionary<string, long[]>(StringComparer.Ordinal);
                for (var range = 0; range < StagePlan.RangesOf(stage.Items); range++)
                {
                    if (!Has(stage.RangesDone, range))
                        continue;
                    if (!_ranges.TryGetValue($"{id}/{stage.Stage.Name}/{range}", out var record) || !IsDone(record))
                        _items.Add($"experiment {id}: range {range} of {stage.Stage.Name} counts, and is not done");
                    else
                        Add(sums, record.Sums);
                }

                var its = new SortedDictionary<string, long[]>(StringComparer.Ordinal);
                Add(its, stage.Sums);
                if (!its.Keys.SequenceEqual(sums.Keys) || its.Any(s => !s.Value.AsSpan().SequenceEqual(sums[s.Key])))
                    _sums.Add($"experiment {id}: the sums of {stage.Stage.Name} are not those of its ranges");
                if (stage.State == StageState.Done && stage.DoneRanges != StagePlan.RangesOf(stage.Items))
                    _items.Add($"experiment {id}: {stage.Stage.Name} is done with {stage.DoneRanges} of {StagePlan.RangesOf(stage.Items)} ranges");
            }
        }
    }

    private static bool IsDone(RangeRecord range) => Enumerable.Range(0, range.Stage!.ItemsOf(range.Range)).All(i => Has(range.Done, i));
}
