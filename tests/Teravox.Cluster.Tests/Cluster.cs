// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using Teravox.Grains;
using Teravox.Grains.Ledger;
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
        var ledger = await Ledgers.OpenAsync(address, TestContext.Current.CancellationToken);
        return new Cluster(address, ledger, Path.Combine(_folder, "store" + number));
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

/// <summary>Silos that share a ledger and a store.</summary>
public sealed class Cluster(string address, ILedger ledger, string store) : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);
    private readonly List<SiloProcess> _silos = [];

    /// <summary>A small experiment: one network trained with many checkpoints, then some tiles.</summary>
    private static readonly string[] Tiny =
    [
        "data.phantom.shape=[16,32,32]", "network.fMaps=4", "training.iterations=160", "training.checkpointEvery=4",
        "training.patch=[8,16,16]", "inference.tile=[16,16,16]", "storage.chunk=[16,16,16]", "preset=train",
    ];

    public string Address => address;

    public ILedger Ledger => ledger;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public string Folder(long experiment) => Path.Combine(store, "experiments", experiment.ToString(CultureInfo.InvariantCulture));

    public byte[] Model(long experiment) => File.ReadAllBytes(Path.Combine(Folder(experiment), "models", "multiclass.safetensors"));

    /// <summary>Starts a silo on one thread, with leases of four seconds.</summary>
    public SiloProcess Start(params string[] more) => Start(threads: 1, more);

    /// <summary>Starts a silo on some threads, with leases of four seconds.</summary>
    public SiloProcess Start(int threads, params string[] more)
    {
        var silo = SiloProcess.Start(address, store, ["--threads", threads.ToString(CultureInfo.InvariantCulture), "--ttl", "4", "--poll", "100", "--device", "cpu", .. more]);
        _silos.Add(silo);
        return silo;
    }

    public async Task<long> SubmitAsync(params string[] more)
    {
        var spec = SpecFile.Load(Path.Combine(TeravoxProgram.Root, "specs", "phantom-quick.json"), [.. Tiny, .. more]);
        var plan = SpecCheck.Plan(spec, (_, _) => { }, Ct);
        return await ledger.SubmitAsync(ExperimentGrain.Prepare(plan), Ct);
    }

    /// <summary>Waits for the experiment's success.</summary>
    public async Task SucceedAsync(long experiment)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        patience.CancelAfter(Patience);
        while ((await ledger.FindAsync(experiment, Ct))!.State is var state and not ExperimentState.Succeeded)
        {
            if (state is not ExperimentState.Running || patience.IsCancellationRequested)
                Assert.Fail($"experiment {experiment} is {state}: {await DescribeAsync(experiment)}");
            await Task.Delay(50, Ct);
        }
    }

    /// <summary>Waits until an item of the stage is under lease and, when it trains, has got so far.</summary>
    public async Task<RunningItem> RunningAsync(long experiment, string stage, double fraction = 0)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        patience.CancelAfter(Patience);
        while (true)
        {
            if ((await ledger.RunningAsync(experiment, Ct)).FirstOrDefault(i => i.StageName == stage && i.Fraction >= fraction) is { } running)
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
        await ledger.DisposeAsync();
    }

    private static SortedDictionary<string, byte[]> FilesOf(string folder) => new(
        Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .Where(f => !Path.GetRelativePath(folder, f).StartsWith(".teravox", StringComparison.Ordinal))
            .ToDictionary(f => Path.GetRelativePath(folder, f), File.ReadAllBytes),
        StringComparer.Ordinal);

    private async Task<string> DescribeAsync(long experiment)
    {
        var stages = await ledger.StagesAsync(experiment, Ct);
        var failures = await ledger.FailuresAsync(experiment, 5, Ct);
        return string.Join("; ", stages.Select(s => $"{s.Name} {s.State} {s.Done}/{s.Items}"))
            + "\n" + string.Join('\n', failures.Select(f => f.Error))
            + "\n" + string.Join("\n--\n", _silos.Select(s => s.Said));
    }
}
