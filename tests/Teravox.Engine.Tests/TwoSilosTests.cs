// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Configuration;
using Orleans.TestingHost;
using Teravox.Contracts.Grains;
using Teravox.Contracts.Work;
using Teravox.Grains;
using Teravox.Silo.Cluster;
using Teravox.Silo.Devices;

namespace Teravox.Engine.Tests;

/// <summary>Silos of one cluster: they share the work, and go on where one is lost.</summary>
public sealed class TwoSilosTests : EngineFixture
{
    private const int Items = 1200;
    private readonly ConcurrentDictionary<string, (DeviceService Devices, Task Working, CancellationTokenSource Stop)> _working = [];
    private InProcessTestCluster? _cluster;

    private InProcessTestCluster Cluster => _cluster ?? throw new InvalidOperationException("the cluster was not started");

    [Fact]
    public async Task RunAsync_WhenTwoSilosShareACatalog_EachItemRunsOnce()
    {
        var ran = new ConcurrentBag<(string, int)>();
        var silos = new ConcurrentDictionary<string, int>();
        Bench.Count = (_, _) => Items;
        Bench.Work = async (turn, ct) =>
        {
            ran.Add((turn.Item.Stage.Name, turn.Item.Index));
            silos.AddOrUpdate(turn.Device, 1, (_, n) => n + 1);
            await Task.Delay(1, ct);
            return One;
        };
        var experiments = await StartAsync(2);
        var id = await SubmitAsync(experiments, Stage("a"), Stage("b", "a"));

        Assert.Equal(ExperimentState.Succeeded, await experiments.WaitForEndAsync(id, Ct));

        Assert.Equal(2 * Items, ran.Count);
        Assert.Equal(2 * Items, ran.Distinct().Count());
        Assert.Equal((Items, Items), (await SumAsync(Cluster.Client, id, "a"), await SumAsync(Cluster.Client, id, "b")));
        Assert.Equal(2, silos.Count);
    }

    [Theory]
    [InlineData("scheduler")]
    [InlineData("experiment")]
    [InlineData("range")]
    public async Task RunAsync_WhenAGrainIsLost_TheWorkGoesOn(string grain)
    {
        Bench.Count = (_, _) => Items;
        var experiments = await StartAsync(2);
        var id = await SubmitAsync(experiments, Stage("a"), Stage("b", "a"));
        IAddressable Lost(string stage) => grain switch
        {
            "scheduler" => Cluster.Client.GetGrain<ISchedulerGrain>(ISchedulerGrain.Key),
            "experiment" => Cluster.Client.GetGrain<IExperimentGrain>($"{id}"),
            _ => Cluster.Client.GetGrain<IWorkRangeGrain>(StagePlan.RangeKey(id, stage, 0)),
        };

        foreach (var stage in new[] { "a", "b" })
        {
            await Log.WaitAsync<ItemDone>(item => item.Stage == stage);
            await Cluster.DeactivateAsync(Lost(stage));
        }

        Assert.Equal(ExperimentState.Succeeded, await experiments.WaitForEndAsync(id, Ct));
        Assert.Equal((Items, Items), (await SumAsync(Cluster.Client, id, "a"), await SumAsync(Cluster.Client, id, "b")));
    }

    /// <summary>The silo with the scheduler and the experiment is lost as well as any other.</summary>
    [Fact]
    public async Task RunAsync_WhenSilosAreKilledOneAfterTheOther_TheirItemsRunElsewhere()
    {
        Bench.Count = (_, _) => Items;
        Bench.Work = async (_, ct) =>
        {
            await Task.Delay(1, ct);
            return One;
        };
        await StartAsync(3);
        var last = Cluster.Silos[^1];
        var experiments = Of(last);
        var id = await SubmitAsync(experiments, Stage("a") with { MaxDeaths = 100 }, Stage("b", "a") with { MaxDeaths = 100 });
        foreach (var (victim, stage) in Cluster.Silos.SkipLast(1).Zip(["a", "b"]).ToList())
        {
            await Log.WaitAsync<ItemDone>(item => item.Stage == stage);
            await KillAsync(victim);
        }

        Assert.Equal(ExperimentState.Succeeded, await experiments.WaitForEndAsync(id, Ct));

        Assert.Equal((Items, Items), (await SumAsync(last.ServiceProvider.GetRequiredService<IGrainFactory>(), id, "a"), await SumAsync(last.ServiceProvider.GetRequiredService<IGrainFactory>(), id, "b")));
        Assert.Equal(0, (await StatusAsync(experiments, id)).Stages.Sum(s => s.Failed));
    }

    /// <summary>A silo that leaves as it should loses nothing, and nothing counts as a death.</summary>
    [Fact]
    public async Task RunAsync_WhenASiloLeavesInTheMiddle_NothingDiesWithIt()
    {
        Bench.Count = (_, _) => Items;
        Bench.Work = async (_, ct) =>
        {
            await Task.Delay(1, ct);
            return One;
        };
        await StartAsync(2);
        var stays = Cluster.Silos[1];
        var id = await SubmitAsync(Of(stays), Stage("s") with { MaxDeaths = 1 });
        await Log.WaitAsync<ItemDone>();

        var leaves = Cluster.Silos[0];
        await StopDevicesAsync(leaves);
        await Cluster.StopSiloAsync(leaves, Ct);

        Assert.Equal(ExperimentState.Succeeded, await Of(stays).WaitForEndAsync(id, Ct));
        Assert.Equal(Items, await SumAsync(stays.ServiceProvider.GetRequiredService<IGrainFactory>(), id));
    }

    public override async ValueTask DisposeAsync()
    {
        if (_cluster is not null)
        {
            foreach (var silo in _cluster.Silos.ToList())
                await StopDevicesAsync(silo);
            await _cluster.StopAllSilosAsync(CancellationToken.None);
            await _cluster.DisposeAsync();
        }

        foreach (var (_, _, stop) in _working.Values)
            stop.Dispose();
        await base.DisposeAsync();
    }

    private static ExperimentService Of(InProcessSiloHandle silo) => silo.ServiceProvider.GetRequiredService<ExperimentService>();

    private DeviceOptions Devices(string name) => Setup().Devices with { Name = name, Devices = [new Device($"cpu-{name}", Device.OverlapSlots, 1)] };

    private async Task<ExperimentService> StartAsync(short silos)
    {
        var builder = new InProcessTestClusterBuilder(silos);
        builder.ConfigureSilo((options, silo) =>
        {
            silo.AddTeravoxGrains(Setup() with { Devices = Devices(options.SiloName) });
            silo.Configure<ClusterMembershipOptions>(o =>
            {
                o.ProbeTimeout = TimeSpan.FromSeconds(1);
                o.NumMissedProbesLimit = 3;
                o.NumVotesForDeathDeclaration = 1;
            });
        });
        _cluster = builder.Build();
        await _cluster.DeployAsync(Ct);
        foreach (var silo in _cluster.Silos)
        {
            var devices = ActivatorUtilities.CreateInstance<DeviceService>(silo.ServiceProvider, Devices(silo.Name), "");
            var stop = new CancellationTokenSource();
            _working[silo.Name] = (devices, devices.RunAsync(stop.Token, stop.Token), stop);
        }

        return Of(_cluster.Silos[0]);
    }

    private async Task KillAsync(InProcessSiloHandle silo)
    {
        await Cluster.KillSiloAsync(silo, Ct);

        // Nothing answers the dead silo's devices any more, so nobody waits for them.
        var (devices, _, stop) = _working[silo.Name];
        _ = devices.AbandonAsync();
        await stop.CancelAsync();
    }

    private async Task StopDevicesAsync(InProcessSiloHandle silo)
    {
        var (_, working, stop) = _working[silo.Name];
        await stop.CancelAsync();
        await working;
    }
}
