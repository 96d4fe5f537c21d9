// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts.Work;
using Teravox.Grains.Catalog;
using Teravox.Grains.Spec;
using Teravox.Silo.Cluster;
using Teravox.Silo.Devices;

namespace Teravox.Grains.Tests;

/// <summary>An experiment in a folder of its own: the real catalog, the real grains, a real silo, in this process.</summary>
internal sealed class SmallRun : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);
    private readonly TestFolder _folder;
    private readonly ICatalog _catalog;
    private LocalSilo? _silo;

    private SmallRun(ICatalog catalog, TestFolder folder, ExperimentPlan plan, long id) => (_catalog, _folder, Plan, Id) = (catalog, folder, plan, id);

    public ExperimentPlan Plan { get; }

    public long Id { get; }

    /// <summary>What items know of the experiment; once a silo has run.</summary>
    public ExperimentStore Store => _silo!.Store;

    public ExperimentFolder Folder => new(_folder["run"]);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>Checks and submits a spec; paths in it count from <paramref name="data"/>.</summary>
    public static async Task<SmallRun> SubmitAsync(string spec, string data = "/")
    {
        var folder = new TestFolder();
        var plan = SpecCheck.Plan(SpecFile.Parse(spec, "spec", data), null, Ct);
        Directory.CreateDirectory(folder["run/.teravox"]);
        var catalog = await Catalogs.OpenAsync("sqlite:" + folder["teravox.db"], Ct);
        return new SmallRun(catalog, folder, plan, (await catalog.SubmitAsync([StageGraph.Prepare(plan)], Ct))[0]);
    }

    /// <summary>How far it is.</summary>
    public async Task<ExperimentStatus> StatusAsync() => (await _silo!.Experiments.DescribeAsync(Id, Ct))!;

    /// <summary>Works with a silo of its own until the experiment has ended or until <paramref name="stop"/>; its state then.</summary>
    public async Task<ExperimentState> WorkAsync(CancellationToken stop, Action<WorkEvent>? happened = null, int devices = 1)
    {
        if (_silo is not null)
            await _silo.DisposeAsync();
        var options = new DeviceOptions(DeviceOptions.NewName(), [.. Enumerable.Range(0, devices).Select(_ => new Device("cpu", Device.OverlapSlots, 1))]) { GracePeriod = TimeSpan.Zero };
        var setup = new SiloSetup(_catalog, _ => _folder["run"], options);
        if (happened is not null)
            setup.Events.Happened += happened;
        _silo = await LocalSilo.StartAsync(setup, TestContext.Current.SendDiagnosticMessage, Ct);
        return await _silo.RunToEndAsync(Id, stop);
    }

    /// <summary>Works until the experiment has ended; it must have succeeded.</summary>
    /// <param name="devices">CPU devices that work on it side by side.</param>
    public async Task FinishAsync(int devices = 1)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        patience.CancelAfter(Patience);
        var state = await WorkAsync(patience.Token, devices: devices);
        var failures = (await StatusAsync()).Failures;
        Assert.True(state == ExperimentState.Succeeded, string.Join("; ", failures.Select(f => $"{f.StageName} {f.Index}: {f.Error}").Prepend(state.ToString())));
    }

    /// <summary>The lines of the experiment's log.</summary>
    public async Task<IReadOnlyList<string>> LinesAsync() => [.. (await _catalog.EventsAsync(Id, 0, 1000, Ct)).Select(e => e.Text)];

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
        if (_silo is not null)
            await _silo.DisposeAsync();
        await _catalog.DisposeAsync();
        _folder.Dispose();
    }
}
