// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using Teravox.Contracts;
using Teravox.Contracts.Work;
using Teravox.Grains;
using Teravox.Grains.Catalog;
using Teravox.Silo.Cluster;
using Teravox.Silo.Local;

namespace Teravox.Chaos;

/// <summary>A private server, a store, places for silos, and all silos that were ever started there.</summary>
internal sealed class Cluster : IAsyncDisposable
{
    private const int ClusterPort = 7400;
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);
    private readonly ChaosOptions _options;
    private readonly ConcurrentBag<SiloChild> _silos = [];
    private readonly string _certificates;
    private int _submitted;
    private int _started;

    private Cluster(ChaosOptions options, PrivatePostgres server, ICatalog catalog, SiloNetwork? network)
    {
        _options = options;
        Server = server;
        Catalog = catalog;
        Network = network;
        Audit = new Audit(server);
        Store = Path.Combine(options.Folder, "store");
        Directory.CreateDirectory(Store);
        _certificates = Path.Combine(options.Folder, "certificates");
        ClusterCertificates.Make(_certificates);

        // A socket's path is short: not all of them lie in the folder of the run.
        Proxies = [.. Enumerable.Range(0, Places(options)).Select(_ => new DatabaseProxy(Directory.CreateTempSubdirectory("tvx-").FullName, server))];
    }

    public PrivatePostgres Server { get; }

    public ICatalog Catalog { get; }

    public Audit Audit { get; }

    /// <summary>The silos' networks; null where there can be none.</summary>
    public SiloNetwork? Network { get; }

    /// <summary>Between the database and the silo of each place.</summary>
    public IReadOnlyList<DatabaseProxy> Proxies { get; }

    public string Store { get; }

    /// <summary>Every silo that was started.</summary>
    public IReadOnlyCollection<SiloChild> Silos => _silos;

    public static async Task<Cluster> StartAsync(ChaosOptions options, CancellationToken ct)
    {
        var why = await SiloNetwork.WhyMissingAsync(ct);
        if (why is not null)
            options.Say("left out: " + why);
        var network = why is null ? await SiloNetwork.StartAsync(Places(options), ct) : null;
        var server = await PrivatePostgres.StartAsync(Path.Combine(options.Folder, "postgres"), [], ct);
        try
        {
            var cluster = new Cluster(options, server, await Catalogs.OpenAsync(server.Address, ct), network);
            await cluster.Audit.InstallAsync(ct);
            return cluster;
        }
        catch
        {
            await server.DisposeAsync();
            if (network is not null)
                await network.DisposeAsync();
            throw;
        }
    }

    public SiloChild StartSilo(int place, params (string Name, string Value)[] environment) =>
        StartSilo(place, environment.ToDictionary(e => e.Name, e => e.Value, StringComparer.Ordinal));

    /// <param name="place">Where; each place has an address of its own where there are networks.</param>
    /// <param name="environment">Further variables.</param>
    /// <param name="at">Its port; null: every other start has one that was not used yet, as in a cluster that gives them out.</param>
    public SiloChild StartSilo(int place, IReadOnlyDictionary<string, string> environment, int? at = null)
    {
        var number = Interlocked.Increment(ref _started);
        var port = at ?? (number % 2 == 0 ? ClusterPort : ClusterPort + (2 * number));
        string[] address = Network is null && at is null ? [] : ["--cluster-address", new IPEndPoint(Network is null ? IPAddress.Loopback : SiloNetwork.AddressOf(place), port).ToString()];
        string[] arguments =
        [
            _options.Program, "silo", "--database", Proxies[place].Address, "--store", Store, "--device", "cpu", "--threads", "1", "--grace", "30",
            "--cluster-certificates", _certificates, .. address,
        ];
        var silo = SiloChild.Start(Network?.Prefix(place) ?? [], arguments, environment);
        _silos.Add(silo);
        return silo;
    }

    /// <summary>Submits an experiment once, however often the answer is lost; a scheduler finds it in the catalog.</summary>
    public async Task<long> SubmitAsync(Reference reference, CancellationToken ct)
    {
        var key = "chaos-" + Interlocked.Increment(ref _submitted).ToString(CultureInfo.InvariantCulture);
        var experiment = StageGraph.Prepare(reference.Plan) with { IdempotencyKey = key };
        return (await AnswerAsync(() => Catalog.SubmitAsync([experiment], ct), ct))[0];
    }

    public Task<ExperimentState> StateAsync(long experiment, CancellationToken ct) =>
        AnswerAsync(async () => (await Catalog.FindAsync(experiment, ct))!.State, ct);

    public string Folder(long experiment) => Path.Combine(Store, "experiments", experiment.ToString(CultureInfo.InvariantCulture));

    /// <summary>Waits until all have ended, however.</summary>
    /// <exception cref="TimeoutException">Not in time; says what they wait for.</exception>
    public Task EndAsync(IReadOnlyCollection<long> experiments, CancellationToken ct) => UntilAsync(
        async () =>
        {
            foreach (var id in experiments)
            {
                if (await StateAsync(id, ct) is ExperimentState.Running or ExperimentState.Paused)
                    return false;
            }

            return true;
        },
        () => $"experiments {string.Join(", ", experiments)} to end",
        ct);

    /// <summary>Waits until something holds.</summary>
    /// <exception cref="TimeoutException">Not within the run's patience.</exception>
    public async Task UntilAsync(Func<Task<bool>> holds, Func<string> what, CancellationToken ct)
    {
        using var patience = new CancellationTokenSource(_options.Patience);
        while (!await holds())
        {
            if (patience.IsCancellationRequested)
                throw new TimeoutException($"waited {_options.Patience.TotalSeconds:F0} s in vain for {what()}");
            await Task.Delay(Look, ct);
        }
    }

    public Task UntilAsync(Func<bool> holds, string what, CancellationToken ct) => UntilAsync(() => Task.FromResult(holds()), () => what, ct);

    public async ValueTask DisposeAsync()
    {
        foreach (var silo in _silos)
        {
            var pid = silo.Pid;
            silo.Dispose();
            ShiftedClock.Clear(pid);
        }

        await Audit.DisposeAsync();
        await Catalog.DisposeAsync();
        foreach (var proxy in Proxies)
            await proxy.DisposeAsync();
        await Server.DisposeAsync();
        if (Network is not null)
            await Network.DisposeAsync();
    }

    // The cases that are made on purpose need four.
    private static int Places(ChaosOptions options) => Math.Max(4, options.Silos);

    private static async Task<T> AnswerAsync<T>(Func<Task<T>> ask, CancellationToken ct)
    {
        while (true)
        {
            try
            {
                return await ask();
            }
            catch (DatabaseUnavailableException)
            {
                // The server is down on purpose.
                await Task.Delay(Look, ct);
            }
        }
    }
}
