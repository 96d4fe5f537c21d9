// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Runtime.ExceptionServices;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using Orleans.Placement;
using Teravox.Contracts;
using Teravox.Grains;
using Teravox.Grains.Ledger;
using Teravox.Orleans.Schema;
using Teravox.Silo;
using Teravox.Silo.Http;
using Teravox.Silo.Local;

namespace Teravox.Orleans.Silos;

/// <summary>What an Orleans silo is made of.</summary>
/// <param name="Address">Address of the ledger, a PostgreSQL database.</param>
/// <param name="Cluster">Where other silos reach it; its port + 1 is for clients. Null: any two free ports of this machine.</param>
/// <param name="Api">What submissions and views work with.</param>
/// <param name="Grains">The grains' logic.</param>
/// <param name="Planner">The experiments' logic.</param>
/// <param name="Options">The silo's settings.</param>
internal sealed record OrleansParts(
    string Address, IPEndPoint? Cluster, ApiServices Api, IReadOnlyList<IWorkGrain> Grains, IStagePlanner Planner, Teravox.Silo.SiloOptions Options);

/// <summary>
/// A silo whose grains Orleans activates. It stops in two phases as every silo does: its desk takes no more items, those that
/// run may end; then it leaves the cluster. One that the cluster took for dead joins anew.
/// </summary>
internal sealed class OrleansSilo : ISilo
{
    private static readonly TimeSpan LeavePatience = TimeSpan.FromSeconds(5);
    private readonly OrleansParts _parts;
    private readonly Action<string> _say;
    private readonly string _connection;
    private readonly Desk _desk;
    private volatile bool _draining;

    /// <summary>A silo that is not yet running.</summary>
    /// <param name="parts">What it is made of.</param>
    /// <param name="say">Told what Orleans has to say: errors, and when the silo joins anew.</param>
    /// <exception cref="InputException">The ledger is no PostgreSQL.</exception>
    public OrleansSilo(OrleansParts parts, Action<string> say)
    {
        if (!Teravox.Grains.Ledger.Postgres.PostgresAddress.Is(parts.Address))
            throw new InputException("--host orleans needs a ledger on PostgreSQL; name one with --ledger postgres://user:password@host:port/database.");
        _parts = parts;
        _say = say;
        _connection = OrleansSchema.ConnectionString(parts.Address);
        _desk = new Desk(parts.Api.Ledger, parts.Grains, parts.Options, what => Happened?.Invoke(what));
    }

    /// <inheritdoc/>
    public event Action<SiloEvent>? Happened;

    /// <inheritdoc/>
    public Teravox.Contracts.Api.SiloStatus Status => _desk.Runs.Status(_draining);

    /// <inheritdoc/>
    public SiloEntry Entry(string? url) => _desk.Entry with { Url = url };

    /// <inheritdoc/>
    public void Emit(SiloEvent what) => _desk.Runs.Emit(what);

    /// <inheritdoc/>
    public async Task RunAsync(Action ready, CancellationToken stop, CancellationToken stopNow)
    {
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = stop.Register(() => stopped.TrySetResult());
        IHost? host = null;
        try
        {
            while (!stop.IsCancellationRequested && _desk.Runs.Fault is null)
            {
                var notice = new DeathNotice();
                host = await JoinAsync(notice, stop);
                ready();
                ready = () => _say("joined the cluster anew");
                using var work = CancellationTokenSource.CreateLinkedTokenSource(stop);
                var waking = WakeAsync(host, work.Token);
                await Task.WhenAny(stopped.Task, notice.Came, _desk.Faulted, waking);
                if (!notice.Came.IsCompletedSuccessfully)
                    break;
                _say($"the cluster took this silo for dead ({await notice.Came}); it joins anew");
                await work.CancelAsync();
                await waking.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                await LeaveAsync(host, TimeSpan.FromSeconds(1));
                host = null;
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Before it had joined.
        }
        finally
        {
            _draining = true;
            _desk.Close();
            await _desk.Runs.DrainAsync(stopNow);
            if (host is not null)
                await LeaveAsync(host);
        }

        if (_desk.Runs.Fault is { } fault)
            ExceptionDispatchInfo.Throw(fault);
    }

    private async Task WakeAsync(IHost host, CancellationToken stop)
    {
        var services = host.Services;
        var waker = new Waker(
            _parts.Api.Ledger,
            services.GetRequiredService<IGrainFactory>(),
            services.GetRequiredService<IClusterMembershipService>(),
            _parts.Options.HeartbeatEvery,
            Emit);
        try
        {
            await waker.RunAsync(stop);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            _desk.Fail(e);
        }
    }

    /// <summary>Joins the cluster, as often as it takes: the database may be away, or a port be taken meanwhile.</summary>
    private async Task<IHost> JoinAsync(DeathNotice notice, CancellationToken stop)
    {
        var pause = TimeSpan.FromMilliseconds(250);
        while (true)
        {
            stop.ThrowIfCancellationRequested();
            IHost? host = null;
            try
            {
                await OrleansSchema.ApplyAsync(_connection, stop);
                host = Build(notice);
                await host.StartAsync(stop);
                return host;
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.InsufficientPrivilege)
            {
                throw new InputException($"The ledger's user may not make Orleans' tables ({e.MessageText}); start one silo as their owner first, see docs/orleans.md.", e);
            }
            catch (Exception e)
            {
                if (host is not null)
                    await LeaveAsync(host);
                stop.ThrowIfCancellationRequested();
                Emit(new LedgerSilent($"the silo cannot join its cluster: {e.Message}"));
            }

            await Task.Delay(Jitter.Around(pause), stop);
            pause = pause < TimeSpan.FromSeconds(2) ? pause * 2 : pause;
        }
    }

    private IHost Build(DeathNotice notice)
    {
        var address = _parts.Cluster ?? new IPEndPoint(IPAddress.Loopback, LoopbackPorts.Free(2));
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.AddProvider(new OrleansLog(_say)).SetMinimumLevel(LogLevel.Error);
        builder.Services.AddSingleton<IFatalErrorHandler>(notice);
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.Services.AddSingleton(_desk);
        builder.Services.AddSingleton(_parts.Api);
        builder.Services.AddSingleton(_parts.Planner);
        builder.Services.AddSingleton<SiloDirectory>();
        builder.Services.AddPlacementFilter<DevicePlacement, DevicePlacementFilter>(ServiceLifetime.Singleton);
        builder.UseOrleans(silo => OrleansSettings.Apply(silo, _connection, address, _parts.Options.Name, _desk.Entry));
        return builder.Build();
    }

    private static async Task LeaveAsync(IHost host, TimeSpan? atMost = null)
    {
        using var patience = new CancellationTokenSource(atMost ?? LeavePatience);
        try
        {
            await host.StopAsync(patience.Token);
        }
        catch (Exception)
        {
            // It is taken for dead soon.
        }

        try
        {
            if (host is IAsyncDisposable disposable)
                await disposable.DisposeAsync().AsTask().WaitAsync(atMost ?? LeavePatience);
        }
        catch (Exception)
        {
            // As above.
        }
    }

    /// <summary>The program handles its signals itself.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
