// SPDX-License-Identifier: Apache-2.0
using Teravox.Grains.Ledger;
using Teravox.Grains.Ledger.Sqlite;
using Teravox.Grains.Spec;
using Teravox.Silo;

namespace Teravox.Grains.Tests;

/// <summary>An experiment in a folder of its own: the real ledger, the real grains, real silos, in this process.</summary>
internal sealed class SmallRun : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);
    private readonly TestFolder _folder;
    private readonly SessionCache _sessions = new();
    private readonly ILedger _ledger;

    private SmallRun(ILedger ledger, TestFolder folder, ExperimentPlan plan, long id)
    {
        (_ledger, _folder, Plan, Id) = (ledger, folder, plan, id);
        Store = new ExperimentStore(ledger, _ => folder["run"]);
    }

    public ExperimentPlan Plan { get; }

    public long Id { get; }

    public ExperimentStore Store { get; }

    public ExperimentFolder Folder => Store.Folder(Id);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>Checks and submits a spec; paths in it count from <paramref name="data"/>.</summary>
    public static async Task<SmallRun> SubmitAsync(string spec, string data = "/")
    {
        var folder = new TestFolder();
        var plan = SpecCheck.Plan(SpecFile.Parse(spec, "spec", data), null, Ct);
        Directory.CreateDirectory(folder["run/.teravox"]);
        var ledger = await SqliteLedger.OpenAsync(folder["ledger.db"], ct: Ct);
        return new SmallRun(ledger, folder, plan, await ExperimentGrain.SubmitAsync(ledger, plan, Ct));
    }

    /// <summary>A silo of its own; several may work at a time.</summary>
    public SiloHost Silo()
    {
        var options = new SiloOptions(SiloOptions.NewName(), [new SiloDevice("cpu", SiloDevice.OverlapSlots, 1)])
        {
            Poll = TimeSpan.FromMilliseconds(20),
            GracePeriod = TimeSpan.Zero,
        };
        return new SiloHost(_ledger, WorkGrains.All(Store, _sessions), new ExperimentGrain(Store), options);
    }

    /// <summary>Runs silos until the experiment has ended; it must have succeeded.</summary>
    public async Task FinishAsync(int silos = 1)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        patience.CancelAfter(Patience);
        var states = await Task.WhenAll(Enumerable.Range(0, silos).Select(_ => Silo().RunToEndAsync(Id, patience.Token)));
        var failures = await _ledger.FailuresAsync(Id, 3, Ct);
        Assert.True(states.All(s => s == ExperimentState.Succeeded), string.Join("; ", failures.Select(f => $"{f.StageName} {f.Index}: {f.Error}").Prepend(string.Join(' ', states))));
    }

    /// <summary>The lines of the experiment's log.</summary>
    public async Task<IReadOnlyList<string>> LinesAsync() => [.. (await _ledger.EventsAsync(Id, 0, 1000, Ct)).Select(e => e.Text)];

    /// <summary>Every file that the two experiments leave for people is the same, byte for byte; says where the first one differs.</summary>
    public void MustLeaveTheFilesOf(SmallRun other)
    {
        var (expected, actual) = (other.Files(), Files());
        Assert.Equal(expected.Keys.Order(), actual.Keys.Order());
        var differing = expected.Where(f => !f.Value.AsSpan().SequenceEqual(actual[f.Key])).Select(f => f.Key + ": " + Difference(f.Value, actual[f.Key])).ToList();
        Assert.True(differing.Count == 0, string.Join("\n", differing));
    }

    private Dictionary<string, byte[]> Files() => Directory
        .EnumerateFiles(Folder.Root, "*", SearchOption.AllDirectories)
        .Where(f => !f.StartsWith(Folder.Work, StringComparison.Ordinal))
        .ToDictionary(f => Path.GetRelativePath(Folder.Root, f), File.ReadAllBytes);

    private static string Difference(byte[] expected, byte[] actual)
    {
        var at = expected.AsSpan().CommonPrefixLength(actual);
        return $"byte {at} of {expected.Length}: {Around(expected)} became {Around(actual)}";

        string Around(byte[] file) => System.Text.Encoding.Latin1.GetString(file[Math.Max(0, at - 120)..Math.Min(file.Length, at + 80)]);
    }

    public async ValueTask DisposeAsync()
    {
        await _ledger.DisposeAsync();
        _sessions.Dispose();
        _folder.Dispose();
    }
}
