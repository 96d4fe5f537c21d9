// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Globalization;
using Teravox.Grains;
using Teravox.Grains.Ledger;
using Teravox.Silo.Local;

namespace Teravox.Chaos;

/// <summary>A private server, a store, and all silos that were ever started on them.</summary>
internal sealed class Cluster : IAsyncDisposable
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);
    private readonly ChaosOptions _options;
    private readonly ConcurrentBag<SiloChild> _silos = [];
    private int _submitted;

    private Cluster(ChaosOptions options, PrivatePostgres server, ILedger ledger)
    {
        _options = options;
        Server = server;
        Ledger = ledger;
        Audit = new Audit(server);
        Store = Path.Combine(options.Folder, "store");
        Directory.CreateDirectory(Store);
    }

    public PrivatePostgres Server { get; }

    public ILedger Ledger { get; }

    public Audit Audit { get; }

    public string Store { get; }

    /// <summary>Every silo that was started.</summary>
    public IReadOnlyCollection<SiloChild> Silos => _silos;

    public static async Task<Cluster> StartAsync(ChaosOptions options, CancellationToken ct)
    {
        var server = await PrivatePostgres.StartAsync(Path.Combine(options.Folder, "postgres"), [], ct);
        try
        {
            var cluster = new Cluster(options, server, await Ledgers.OpenAsync(server.Address, ct));
            await cluster.Audit.InstallAsync(ct);
            return cluster;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    public SiloChild StartSilo(params (string Name, string Value)[] environment) =>
        StartSilo(environment.ToDictionary(e => e.Name, e => e.Value, StringComparer.Ordinal));

    public SiloChild StartSilo(IReadOnlyDictionary<string, string> environment)
    {
        var silo = SiloChild.Start(_options.Program, Server.Address, Store, _options.Ttl, _options.SiloArguments, environment);
        _silos.Add(silo);
        return silo;
    }

    /// <summary>Submits an experiment once, however often the answer is lost.</summary>
    public async Task<long> SubmitAsync(Reference reference, CancellationToken ct)
    {
        var key = "chaos-" + Interlocked.Increment(ref _submitted).ToString(CultureInfo.InvariantCulture);
        var experiment = ExperimentGrain.Prepare(reference.Plan) with { IdempotencyKey = key };
        return await AnswerAsync(() => Ledger.SubmitAsync(experiment, ct), ct);
    }

    public Task<ExperimentState> StateAsync(long experiment, CancellationToken ct) =>
        AnswerAsync(async () => (await Ledger.FindAsync(experiment, ct))!.State, ct);

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
        await Ledger.DisposeAsync();
        await Server.DisposeAsync();
    }

    private static async Task<T> AnswerAsync<T>(Func<Task<T>> ask, CancellationToken ct)
    {
        while (true)
        {
            try
            {
                return await ask();
            }
            catch (LedgerUnavailableException)
            {
                // The server is down on purpose.
                await Task.Delay(Look, ct);
            }
        }
    }
}
