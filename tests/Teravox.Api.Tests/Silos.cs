// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Teravox.Grains;
using Teravox.Grains.Ledger;
using Teravox.Silo;

namespace Teravox.Api.Tests;

/// <summary>A real silo beside a server, on the same ledger and store.</summary>
internal sealed class Silos : IAsyncDisposable
{
    private readonly Server server;
    private readonly SessionCache sessions = new();
    private readonly SiloHost silo;

    public Silos(Server server)
    {
        this.server = server;
        var store = new ExperimentStore(server.Ledger, id => Path.Combine(server.StoreFolder, "experiments", $"{id}"));
        IWorkGrain[] grains =
        [
            new VolumeGrain(store), new TrainingGrain(store), new TileGrain(store, sessions),
            new ThresholdGrain(store), new LabelGrain(store), new ReportGrain(store),
        ];
        var options = new SiloOptions(SiloOptions.NewName(), [new SiloDevice("cpu", 1, 1)]) { Poll = TimeSpan.FromMilliseconds(50) };
        silo = new SiloHost(server.Ledger, grains, new ExperimentGrain(store), options);
    }

    /// <summary>Runs an experiment, which must succeed.</summary>
    public async Task RunAsync(long id)
    {
        var ct = TestContext.Current.CancellationToken;
        var state = await silo.RunToEndAsync(id, ct);
        Assert.True(state == ExperimentState.Succeeded, JsonSerializer.Serialize(await server.Ledger.FailuresAsync(id, 10, ct)));
    }

    public ValueTask DisposeAsync()
    {
        sessions.Dispose();
        return ValueTask.CompletedTask;
    }
}
