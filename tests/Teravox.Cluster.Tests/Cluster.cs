// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using Teravox.Client;
using Teravox.Contracts.Grains;
using Teravox.Contracts.Work;
using Teravox.Grains;
using Teravox.Grains.Catalog;
using Teravox.Grains.Catalog.Postgres;
using Teravox.Grains.Spec;
using Teravox.Silo.Local;
using Teravox.Testing;

[assembly: AssemblyFixture(typeof(Teravox.Cluster.Tests.Database))]

namespace Teravox.Cluster.Tests;

/// <summary>One PostgreSQL for all tests; each cluster has a schema of its own in it.</summary>
public sealed class Database : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("teravox-cluster-").FullName;
    private PrivatePostgres? _server;
    private Task<byte[]>? _unbroken;
    private int _schemas;

    public async ValueTask InitializeAsync()
    {
        if (PrivatePostgres.WhyMissing() is not null)
            return;

        // The server runs as another user where the tests run as root, and must get to its folder.
        if (OperatingSystem.IsLinux())
            File.SetUnixFileMode(_folder, File.GetUnixFileMode(_folder) | UnixFileMode.OtherExecute);
        _server = await PrivatePostgres.StartAsync(Path.Combine(_folder, "postgres"), ["fsync=off"], TestContext.Current.CancellationToken);
    }

    /// <summary>A cluster without silos yet.</summary>
    public async Task<Cluster> NewAsync()
    {
        Prerequisite.Require(PrivatePostgres.WhyMissing());
        var number = Interlocked.Increment(ref _schemas).ToString(CultureInfo.InvariantCulture);
        var address = $"{_server!.Address}&pool=20&schema=c{number}";
        var catalog = await Catalogs.OpenAsync(address, TestContext.Current.CancellationToken);
        return new Cluster(address, catalog, Path.Combine(_folder, "store" + number));
    }

    /// <summary>The model that one silo trains that nothing happens to; trained once for all tests.</summary>
    public Task<byte[]> UnbrokenAsync() => _unbroken ??= TrainAsync();

    private async Task<byte[]> TrainAsync()
    {
        await using var cluster = await NewAsync();
        cluster.Start();
        var experiment = await cluster.SubmitAsync();
        await cluster.SucceedAsync(experiment);
        return cluster.Model(experiment);
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
            await _server.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}

/// <summary>Silos that share a database and a store.</summary>
public sealed class Cluster(string address, ICatalog catalog, string store) : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);
    private readonly List<SiloProcess> _silos = [];
    private ClusterClient? _client;

    /// <summary>A small experiment: one network trained with many checkpoints, then some tiles.</summary>
    private static readonly string[] Tiny =
    [
        "data.phantom.shape=[16,32,32]", "network.fMaps=4", "training.iterations=160", "training.checkpointEvery=4",
        "training.patch=[8,16,16]", "inference.tile=[16,16,16]", "storage.chunk=[16,16,16]", "preset=train",
    ];

    public string Address => address;

    public ICatalog Catalog => catalog;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public string Folder(long experiment) => Path.Combine(store, "experiments", experiment.ToString(CultureInfo.InvariantCulture));

    public byte[] Model(long experiment) => File.ReadAllBytes(Path.Combine(Folder(experiment), "models", "multiclass.safetensors"));

    /// <summary>Starts a silo on one thread.</summary>
    public SiloProcess Start(params string[] more) => Start(threads: 1, more);

    /// <summary>Starts a silo on some threads.</summary>
    public SiloProcess Start(int threads, params string[] more) => Start(threads, more, null);

    /// <summary>Starts a silo on one thread, with variables of its environment.</summary>
    public SiloProcess Start(IReadOnlyDictionary<string, string> environment) => Start(threads: 1, [], environment);

    private SiloProcess Start(int threads, string[] more, IReadOnlyDictionary<string, string>? environment)
    {
        var silo = SiloProcess.Start(address, store, ["--threads", threads.ToString(CultureInfo.InvariantCulture), "--device", "cpu", .. more], environment);
        _silos.Add(silo);
        return silo;
    }

    public async Task<long> SubmitAsync(params string[] more)
    {
        var spec = SpecFile.Load(Path.Combine(TeravoxProgram.Root, "specs", "phantom-quick.json"), [.. Tiny, .. more]);
        var plan = SpecCheck.Plan(spec, (_, _) => { }, Ct);
        var id = (await catalog.SubmitAsync([StageGraph.Prepare(plan)], Ct))[0];

        // Without a silo yet, the first one finds it in the catalog.
        if (_silos.Any(s => !s.HasEnded))
            await CallAsync(id, grain => StartedAsync(grain));
        return id;

        static async Task<bool> StartedAsync(IExperimentGrain grain)
        {
            await grain.StartAsync();
            return true;
        }
    }

    /// <summary>How far an experiment is.</summary>
    public async Task<ExperimentStatus> StatusAsync(long experiment) => (await CallAsync(experiment, grain => grain.DescribeAsync()))!;

    /// <summary>Ends an experiment.</summary>
    public Task<bool> CancelAsync(long experiment) => CallAsync(experiment, grain => grain.CancelAsync());

    /// <summary>The cluster's silos.</summary>
    public async Task<SiloState[]> SilosAsync() => await (await ClientAsync()).SilosAsync(Ct);

    /// <summary>A client of its grains, found by the database.</summary>
    public async Task<ClusterClient> ClientAsync() =>
        _client ??= await ClusterClient.ConnectAsync(new ClusterClientOptions { Database = OrleansQueries.ConnectionString(address) }, Ct);

    /// <summary>Waits for the experiment's success.</summary>
    public async Task SucceedAsync(long experiment)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        patience.CancelAfter(Patience);
        while ((await StatusAsync(experiment)).State is var state and not ExperimentState.Succeeded)
        {
            if (state is not ExperimentState.Running || patience.IsCancellationRequested)
                Assert.Fail($"experiment {experiment} is {state}: {await DescribeAsync(experiment)}");
            await Task.Delay(50, Ct);
        }
    }

    /// <summary>Waits until a silo has an item of the stage and, when it trains, has got so far.</summary>
    public async Task<RunningItem> RunningAsync(long experiment, string stage, double fraction = 0)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        patience.CancelAfter(Patience);
        while (true)
        {
            if ((await StatusAsync(experiment)).Running.FirstOrDefault(i => i.StageName == stage && i.Fraction >= fraction) is { } running)
                return running;
            if (patience.IsCancellationRequested)
                Assert.Fail($"{stage} did not get to {fraction}: {await DescribeAsync(experiment)}");
            await Task.Delay(20, Ct);
        }
    }

    /// <summary>Fails unless the experiment's results are those of another cluster's, byte by byte.</summary>
    public void MustEqual(long experiment, Cluster other, long others)
    {
        var (expected, actual) = (FilesOf(other.Folder(others)), FilesOf(Folder(experiment)));
        Assert.NotEmpty(expected);
        Assert.Equal(expected.Keys, actual.Keys);
        Assert.All(expected, f => Assert.True(f.Value.AsSpan().SequenceEqual(actual[f.Key]), f.Key + " differs"));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var silo in _silos)
            silo.Dispose();
        if (_client is not null)
            await _client.DisposeAsync();
        await catalog.DisposeAsync();
    }

    private static SortedDictionary<string, byte[]> FilesOf(string folder) => new(
        Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .Where(f => !Path.GetRelativePath(folder, f).StartsWith(".teravox", StringComparison.Ordinal))
            .ToDictionary(f => Path.GetRelativePath(folder, f), File.ReadAllBytes),
        StringComparer.Ordinal);

    private async Task<T> CallAsync<T>(long experiment, Func<IExperimentGrain, Task<T>> call)
    {
        var client = await ClientAsync();
        return await client.CallAsync(() => call(client.Grains.GetGrain<IExperimentGrain>(experiment.ToString(CultureInfo.InvariantCulture))), Ct);
    }

    private async Task<string> DescribeAsync(long experiment)
    {
        var status = await StatusAsync(experiment);
        return string.Join("; ", status.Stages.Select(s => $"{s.Name} {s.State} {s.Done}/{s.Items}"))
            + "\n" + string.Join('\n', status.Failures.Select(f => f.Error))
            + "\n" + string.Join("\n--\n", _silos.Select(s => s.Said));
    }
}
