// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Teravox.Contracts;
using Teravox.Grains;
using Teravox.Grains.Catalog.Postgres;
using Teravox.Silo.Cluster;
using Teravox.Silo.Devices;
using Teravox.Silo.Http;
using Teravox.Silo.Http.Dashboard;
using Teravox.Silo.Telemetry;

namespace Teravox.Silo;

/// <summary>A silo as a process: ASP.NET and Orleans in one host, and its devices beside them.</summary>
public static class SiloProgram
{
    private static readonly TimeSpan LeavePatience = TimeSpan.FromSeconds(5);

    /// <summary>Works until <paramref name="stop"/>. A silo that the cluster took for dead, while it was frozen say, joins anew.</summary>
    /// <param name="setup">What it is made of.</param>
    /// <param name="http">Settings of its HTTP API, which is not served without addresses.</param>
    /// <param name="say">Told of its life: a kind and a text.</param>
    /// <param name="stop">Begins the stop: no more items, what runs may end.</param>
    /// <param name="stopNow">Ends the grace period.</param>
    /// <exception cref="InputException">The database or the store can not be used, or an address not be listened on.</exception>
    public static async Task RunAsync(SiloSetup setup, HttpOptions http, Action<string, string> say, CancellationToken stop, CancellationToken stopNow)
    {
        ArgumentNullException.ThrowIfNull(setup);
        for (var life = 1; !stop.IsCancellationRequested; life++)
        {
            // Others have put back what an earlier life had: this one is another silo to them.
            var named = life == 1 ? setup : setup with { Devices = setup.Devices with { Name = string.Create(CultureInfo.InvariantCulture, $"{setup.Devices.Name}.{life}") } };
            if (!await LiveAsync(named, http, life, say, stop, stopNow))
                return;
            say("rejoining", "the cluster took this silo for dead; it joins anew");
        }
    }

    /// <summary>One life in the cluster; true when the cluster ended it.</summary>
    private static async Task<bool> LiveAsync(SiloSetup setup, HttpOptions http, int life, Action<string, string> say, CancellationToken stop, CancellationToken stopNow)
    {
        var death = new DeathSignal();
        if (await JoinAsync(setup, http, life, death, say, stop) is not { } host)
            return false;
        try
        {
            ICollection<string> urls = host is WebApplication app ? app.Urls : [];
            foreach (var listens in urls)
                say("listening", listens);
            var devices = new DeviceService(
                host.Services.GetRequiredService<IGrainFactory>(), setup.Kinds, host.Services.GetRequiredService<RunningWork>(), setup.Events, setup.Devices, urls.FirstOrDefault());
            using var ends = CancellationTokenSource.CreateLinkedTokenSource(stop, death.Token);
            await using var draining = stop.Register(() => say("draining", "draining: no more items, what runs may end"));
            say("ready", "ready for work");
            var working = devices.RunAsync(ends.Token, stopNow);
            if (await Task.WhenAny(working, death.Came) == death.Came)
                await devices.AbandonAsync();
            await working;
            return death.Came.IsCompleted && !stop.IsCancellationRequested;
        }
        finally
        {
            await LeaveAsync(host);
        }
    }

    /// <summary>Joins the cluster, as often as it takes: the database may be away, or a port be taken meanwhile. Null when it was stopped before.</summary>
    private static async Task<IHost?> JoinAsync(SiloSetup setup, HttpOptions http, int life, DeathSignal death, Action<string, string> say, CancellationToken stop)
    {
        for (var pause = TimeSpan.FromMilliseconds(250); ; pause = pause < TimeSpan.FromSeconds(2) ? pause * 2 : pause)
        {
            if (stop.IsCancellationRequested)
                return null;
            IHost? host = null;
            try
            {
                var numbered = setup is { Database: { } database, Address: { } address } ? setup with { Number = await OrleansQueries.NextNumberAsync(database, address, stop) } : setup;
                host = Build(numbered, http, death, text => say("orleans", text));
                await host.StartAsync(stop);
                return host;
            }
            catch (Exception e) when (!stop.IsCancellationRequested && (MayJoinLater(e) || CannotListen(e, setup)))
            {
                if (host is not null)
                    await LeaveAsync(host, hasJoined: false);
                if (life == 1 && CannotListen(e, setup))
                    throw new InputException($"The silo cannot listen: {e.Message.TrimEnd('.')}; give it another address, or stop the program that listens there.", e);
                say("waiting", $"the silo cannot join its cluster: {e.GetBaseException().Message}");
            }
            catch (Exception) when (stop.IsCancellationRequested)
            {
                // It was told to stop while it joined: nothing has begun, and nothing is wrong.
                if (host is not null)
                    await LeaveAsync(host, hasJoined: false);
                return null;
            }

            await Task.Delay(Jitter.Around(pause), stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>The database is away or resets its connections, or the cluster does not answer.</summary>
    private static bool MayJoinLater(Exception e) =>
        e is not (InputException or ArgumentException) && Chain(e).Any(inner => GrainCalls.MayPass(inner) || inner is SocketException);

    /// <summary>
    /// Whether an address cannot be listened on, now or later. A port between silos may be taken for a moment only: by this silo's last
    /// life, for example.
    /// </summary>
    private static bool CannotListen(Exception e, SiloSetup setup) => Chain(e).Any(inner => inner is AddressInUseException
        || (inner is SocketException { SocketErrorCode: var code }
            && (code is SocketError.AccessDenied or SocketError.AddressNotAvailable || (code is SocketError.AddressAlreadyInUse && setup.Database is null))));

    private static IEnumerable<Exception> Chain(Exception e)
    {
        for (var at = e; at is not null; at = at.InnerException)
            yield return at;
    }

    /// <summary>The host, not yet started; a <see cref="WebApplication"/> when it has an HTTP API. Its devices are started by the caller.</summary>
    internal static IHost Build(SiloSetup setup, HttpOptions http, DeathSignal death, Action<string> say)
    {
        if (http.Urls.Count == 0)
        {
            var bare = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
            bare.Logging.AddProvider(new SiloLog(say)).SetMinimumLevel(LogLevel.Error);
            Add(bare.Services, death, http);
            TelemetrySetup.Add(bare, setup.Devices.Name, scraped: false);
            bare.UseOrleans(silo => silo.UseTeravox(setup).UseOperatorsDashboard());
            return bare.Build();
        }

        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { Args = [] });
        builder.Logging.ClearProviders().SetMinimumLevel(LogLevel.Warning).AddProvider(new SiloLog(say))
            .AddConsole(o => o.LogToStandardErrorThreshold = LogLevel.Trace).AddFilter<Microsoft.Extensions.Logging.Console.ConsoleLoggerProvider>("Orleans", LogLevel.None)
            .AddFilter<Microsoft.Extensions.Logging.Console.ConsoleLoggerProvider>("Polly", LogLevel.None);
        Add(builder.Services, death, http);
        HttpFace.Configure(builder, http);
        TelemetrySetup.Add(builder, setup.Devices.Name, scraped: true);
        builder.Host.UseOrleans(silo => silo.UseTeravox(setup).UseOperatorsDashboard());
        var app = builder.Build();
        HttpFace.Use(app);
        return app;
    }

    private static void Add(IServiceCollection services, DeathSignal death, HttpOptions http)
    {
        HttpFace.AddServices(services, http);
        services.AddSingleton<IHostLifetime, NoLifetime>();
        services.AddSingleton<IFatalErrorHandler>(death);
    }

    private static async Task LeaveAsync(IHost host, bool hasJoined = true)
    {
        using var patience = new CancellationTokenSource(LeavePatience);
        await host.StopAsync(patience.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        try
        {
            // Orleans stops only a silo that runs. What a start has begun before it failed would go on: its directory of grains
            // asks for the members without end, and takes a core.
            if (!hasJoined)
                await Task.Run(() => host.Services.GetRequiredService<ISiloLifecycleSubject>().OnStop(patience.Token), patience.Token).WaitAsync(LeavePatience, CancellationToken.None);
        }
        catch (Exception)
        {
            // It never was a member; nobody waits for it.
        }

        try
        {
            // Off this thread: some of it blocks.
            await Task.Run(() => ((IAsyncDisposable)host).DisposeAsync().AsTask(), CancellationToken.None).WaitAsync(LeavePatience, CancellationToken.None);
        }
        catch (Exception)
        {
            // It is taken for dead soon.
        }
    }

    /// <summary>
    /// Told when this silo cannot go on as a member of its cluster: the others took it for dead while it was frozen or cut off, say.
    /// Orleans would end the process.
    /// </summary>
    [SuppressMessage("Design", "CA1001", Justification = "A source without a timer holds nothing, and it may be cancelled at any time.")]
    internal sealed class DeathSignal : IFatalErrorHandler
    {
        private readonly TaskCompletionSource _came = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly CancellationTokenSource _token = new();

        public Task Came => _came.Task;

        public CancellationToken Token => _token.Token;

        public bool IsUnexpected(Exception exception) => exception is not ThreadAbortException;

        public void OnFatalException(object? sender = null, string? context = null, Exception? exception = null)
        {
            _came.TrySetResult();
            _token.Cancel();
        }
    }
}
