// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts.Work;
using Teravox.Grains;
using Teravox.Grains.Catalog;
using Teravox.Silo.Cluster;
using Teravox.Silo.Devices;

namespace Teravox.Engine.Tests;

/// <summary>A real catalog in a SQLite file, and silos whose items do what the test says.</summary>
public abstract class EngineFixture : IAsyncLifetime
{
    private readonly TempFolder _folder = new();
    private readonly List<IAsyncDisposable> _open = [];
    private ICatalog? _catalog;

    private protected static CancellationToken Ct => TestContext.Current.CancellationToken;

    private protected static WorkResult One => TestBench.One;

    /// <summary>Short enough for a test: an item that failed comes back soon.</summary>
    private protected static WorkLimits Quick => new() { RetryDelay = TimeSpan.FromMilliseconds(5), BetweenWrites = TimeSpan.FromMilliseconds(20) };

    private protected TestBench Bench { get; } = new();

    private protected EventLog Log { get; } = new();

    private protected ICatalog Catalog => _catalog!;

    private protected string CatalogFile => _folder["teravox.db"];

    public virtual async ValueTask InitializeAsync() => _catalog = await Catalogs.OpenAsync("sqlite:" + CatalogFile, Ct);

    public virtual async ValueTask DisposeAsync()
    {
        foreach (var silo in Enumerable.Reverse(_open))
            await silo.DisposeAsync();
        await Catalog.DisposeAsync();
        _folder.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected static NewStage Stage(string name, params string[] after) => new(name, TestBench.Kind, after);

    private protected static NewStage Whole(string name, params string[] after) => new(name, TestBench.Whole, after);

    private protected static DeviceOptions OneSlot(DeviceOptions options) => options with { Devices = [new Device("cpu", 1, 1)] };

    private protected static DeviceOptions Slots(DeviceOptions options, int slots) => options with { Devices = [new Device("cpu", slots, 1)] };

    /// <summary>Disposed with the test.</summary>
    private protected T Own<T>(T silo)
        where T : IAsyncDisposable
    {
        _open.Add(silo);
        return silo;
    }

    /// <summary>A silo with one device of three slots, unless <paramref name="change"/> says otherwise.</summary>
    private protected SiloSetup Setup(Func<DeviceOptions, DeviceOptions>? change = null, WorkLimits? limits = null)
    {
        var options = new DeviceOptions(DeviceOptions.NewName(), [new Device("cpu", Device.OverlapSlots, 1)]) { ReportEvery = TimeSpan.FromMilliseconds(200) };
        return new SiloSetup(Catalog, id => _folder[$"{id}"], change is null ? options : change(options))
        {
            Kinds = TestBench.Kinds,
            Limits = limits ?? Quick,
            Planner = Bench,
            Events = Log.Events,
        };
    }

    private protected async Task<LocalSilo> StartAsync(SiloSetup? setup = null) => Own(await LocalSilo.StartAsync(setup ?? Setup(), TestContext.Current.SendDiagnosticMessage, Ct));

    private protected static async Task<long> SubmitAsync(ExperimentService experiments, params NewStage[] stages) =>
        (await experiments.SubmitAsync([new NewExperiment("e", "{}", stages)], Ct))[0];

    private protected static async Task<ExperimentStatus> StatusAsync(ExperimentService experiments, long id) =>
        await experiments.DescribeAsync(id, Ct) ?? throw new InvalidOperationException($"experiment {id} is not known");

    private protected static async Task<StageRow> StageAsync(ExperimentService experiments, long id, string stage = "s") =>
        (await StatusAsync(experiments, id)).Stages.Single(s => s.Name == stage);

    /// <summary>Waits until it is so.</summary>
    private protected static async Task UntilAsync(string what, Func<Task<bool>> isSo)
    {
        for (var deadline = Environment.TickCount64 + 60_000; !await isSo(); await Task.Delay(20, Ct))
            Assert.True(Environment.TickCount64 < deadline, $"never: {what}");
    }

    private protected static async Task<long> SumAsync(IGrainFactory grains, long id, string stage = "s")
    {
        var sums = await grains.GetGrain<Contracts.Grains.IExperimentGrain>($"{id}").SumsAsync(stage);
        return sums!.Counts.TryGetValue("n", out var packed) ? SumCodec.Unpack(packed)[0] : 0;
    }
}
