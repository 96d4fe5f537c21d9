// SPDX-License-Identifier: Apache-2.0
using Teravox.Client;
using Teravox.Grains;
using Teravox.Grains.Catalog;
using Teravox.Grains.Catalog.Postgres;
using Teravox.Silo.Local;

namespace Teravox.Bench.Silos;

/// <summary>A private PostgreSQL, silos on it in processes of their own, and this process as their client.</summary>
internal sealed class BenchCluster : IAsyncDisposable
{
    private readonly BenchFolder _home;
    private readonly PrivatePostgres _server;
    private readonly List<ChildProcess> _silos = [];
    private ClusterClient? _client;

    private BenchCluster(BenchFolder home, PrivatePostgres server, ICatalog catalog) => (_home, _server, Catalog) = (home, server, catalog);

    public ICatalog Catalog { get; }

    /// <summary>Address of its database.</summary>
    public string Database => _server.Address;

    /// <summary>A folder of its own.</summary>
    public string Folder => _home.Path;

    /// <summary>Silos that run.</summary>
    public IReadOnlyList<ChildProcess> Silos => _silos;

    /// <summary>Grains, by a connection to one of the silos.</summary>
    public IGrainFactory Grains => _client!.Grains;

    /// <summary>Experiments, likewise.</summary>
    public ExperimentService Experiments => new(Catalog, Grains);

    /// <summary>Starts the server and so many silos.</summary>
    public static async Task<BenchCluster> StartAsync(int silos, bool sayItems, CancellationToken ct)
    {
        var home = new BenchFolder(null);
        PrivatePostgres? server = null;
        try
        {
            server = await PrivatePostgres.StartAsync(Path.Combine(home.Path, "postgres"), [], ct);
            var cluster = new BenchCluster(home, server, await Catalogs.OpenAsync(server.Address, ct));
            // One after the other: silos that start together starve each other, and those that joined are taken for dead.
            for (var i = 0; i < silos; i++)
                await cluster.AddSiloAsync(sayItems, ct);
            if (silos > 0)
                cluster._client = await ClusterClient.ConnectAsync(new ClusterClientOptions { Database = OrleansQueries.ConnectionString(cluster.Database) }, ct);
            return cluster;
        }
        catch
        {
            if (server is not null)
                await server.DisposeAsync();
            home.Dispose();
            throw;
        }
    }

    /// <summary>One silo more, ready for work.</summary>
    public async Task<ChildProcess> AddSiloAsync(bool sayItems, CancellationToken ct)
    {
        var silo = await SimulatedSilo.StartAsync(Database, sayItems, ct);
        _silos.Add(silo);
        return silo;
    }

    /// <summary>A silo is gone, or goes now.</summary>
    public void Remove(ChildProcess silo)
    {
        _silos.Remove(silo);
        silo.Kill();
        silo.Dispose();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_client is not null)
            await _client.DisposeAsync();

        _silos.ForEach(s => s.Dispose());
        await Catalog.DisposeAsync();
        await _server.DisposeAsync();
        _home.Dispose();
    }
}
