// SPDX-License-Identifier: Apache-2.0
using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Storage;
using Teravox.Grains;
using Teravox.Grains.Catalog;
using Teravox.Silo.Cluster;
using Teravox.Silo.Devices;
using Teravox.Silo.Local;

namespace Teravox.Catalog.Tests;

/// <summary>A silo as the program makes it, with the storage of its grains.</summary>
internal sealed class StorageSilo : IAsyncDisposable
{
    private readonly ICatalog _catalog;
    private readonly IHost _host;

    private StorageSilo(ICatalog catalog, IHost host) => (_catalog, _host) = (catalog, host);

    public IServiceProvider Services => _host.Services;

    public ICatalog Catalog => _catalog;

    public IGrainStorage Storage => Services.GetRequiredKeyedService<IGrainStorage>(StoredGrain<object>.StorageName);

    /// <param name="address">Of the database.</param>
    /// <param name="joins">Whether it joins the silos of the database; else it is alone.</param>
    public static async Task<StorageSilo> StartAsync(string address, bool joins = false)
    {
        var ct = TestContext.Current.CancellationToken;
        var catalog = await Catalogs.OpenAsync(address, ct);
        var setup = new SiloSetup(catalog, _ => "", new DeviceOptions(DeviceOptions.NewName(), [new Device("cpu", 1, 1)]))
        {
            Database = Catalogs.SqliteFile(address) is null ? address : null,
            Address = joins ? new IPEndPoint(IPAddress.Loopback, LoopbackPorts.Free(2)) : null,
        };
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.SetMinimumLevel(LogLevel.None);
        builder.UseOrleans(silo => silo.UseTeravox(setup));
        var host = builder.Build();
        try
        {
            await host.StartAsync(ct);
            return new StorageSilo(catalog, host);
        }
        catch
        {
            host.Dispose();
            await catalog.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        await _host.StopAsync(patience.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await ((IAsyncDisposable)_host).DisposeAsync();
        await _catalog.DisposeAsync();
    }
}
