// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Teravox.Contracts.Work;
using Teravox.Silo.Devices;

namespace Teravox.Api.Tests;

/// <summary>The devices of a server's silo at work.</summary>
internal sealed class Silos : IAsyncDisposable
{
    private readonly Server server;
    private readonly CancellationTokenSource stop = new();
    private readonly Task working;

    public Silos(Server server)
    {
        this.server = server;
        var devices = ActivatorUtilities.CreateInstance<DeviceService>(server.Services, server.Setup.Devices, server.Url.ToString());
        working = devices.RunAsync(stop.Token, CancellationToken.None);
    }

    /// <summary>Runs an experiment, which must succeed.</summary>
    public async Task RunAsync(long id)
    {
        var ct = TestContext.Current.CancellationToken;
        var state = await server.Experiments.WaitForEndAsync(id, ct);
        Assert.True(state == ExperimentState.Succeeded, JsonSerializer.Serialize(await server.Experiments.DescribeAsync(id, ct)));
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        await working;
        stop.Dispose();
    }
}
