// SPDX-License-Identifier: Apache-2.0
using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Configuration;
using Orleans.Runtime.Hosting;
using Orleans.Serialization;
using Teravox.Contracts;
using Teravox.Grains;
using Teravox.Grains.Catalog;
using Teravox.Grains.Catalog.Postgres;
using Teravox.Grains.Catalog.Sqlite;
using Teravox.Silo.Devices;

namespace Teravox.Silo.Cluster;

/// <summary>What a silo is made of.</summary>
/// <param name="Catalog">The catalog; stays the caller's.</param>
/// <param name="RootOf">The folder of an experiment.</param>
/// <param name="Devices">Its devices.</param>
public sealed record SiloSetup(ICatalog Catalog, Func<long, string> RootOf, DeviceOptions Devices)
{
    /// <summary>Address of the PostgreSQL database that silos meet in; null for a silo that is alone, on SQLite.</summary>
    public string? Database { get; init; }

    /// <summary>Where other silos reach it; its port + 1 is for clients. Null for a silo that is alone.</summary>
    public IPEndPoint? Address { get; init; }

    /// <summary>Its number among the silos of its address, which grows; null: by the clock of this machine.</summary>
    public int? Number { get; init; }

    /// <summary>What it shows other silos and clients, and asks of them; null: no TLS, which is for one machine only.</summary>
    public ClusterCertificate? Certificate { get; init; }

    /// <summary>The kinds of items that it has grains for.</summary>
    public WorkKinds Kinds { get; init; } = WorkKinds.OfExperiments;

    /// <summary>Times that ranges go by.</summary>
    public WorkLimits Limits { get; init; } = new();

    /// <summary>Says how many items stages have; null: by the plans of experiments.</summary>
    public IStagePlanner? Planner { get; init; }

    /// <summary>Told what happens.</summary>
    public WorkEvents Events { get; init; } = new();
}

/// <summary>Orleans' settings, with the reasons.</summary>
public static class SiloSetups
{
    private const string Provider = "Npgsql";

    // One cluster for each schema of a database: its tables lie there.
    private const string ClusterName = "teravox";

    private static readonly TimeSpan Probe = TimeSpan.FromMilliseconds(400);

    /// <summary>A whole silo: membership, transport, grains.</summary>
    public static ISiloBuilder UseTeravox(this ISiloBuilder silo, SiloSetup setup)
    {
        ArgumentNullException.ThrowIfNull(setup);
        silo.Configure<Orleans.Configuration.SiloOptions>(o => o.SiloName = setup.Devices.Name);
        if (setup is { Database: { } database, Address: { } address })
        {
            silo.UseAdoNetClustering(o => (o.Invariant, o.ConnectionString) = (Provider, OrleansQueries.ConnectionString(database)));
            silo.ConfigureEndpoints(address.Address, address.Port, address.Port + 1, listenOnAnyHostAddress: false);
            silo.Configure<ClusterOptions>(NameCluster);
            if (setup.Number is { } number)
                silo.Services.AddSingleton<ILocalSiloDetails>(new SiloIdentity(setup.Devices.Name, ClusterName, address, number));
            ClusterExposure.Check(address, setup.Certificate);
            if (setup.Certificate is { } certificate)
                silo.UseClusterTls(certificate);
        }
        else
        {
            silo.UseLocalhostClustering(serviceId: ClusterName, clusterId: ClusterName);
            ClosedTransport.Use(silo.Services);
        }

        silo.Configure<ClusterMembershipOptions>(o =>
        {
            // A dead silo is known to be dead after three missed probes, within two seconds, by the word of one other: who is
            // declared dead by mistake joins again, and the attempts of its items keep what it wrote in order. One that is frozen
            // is not spared longer than that for what it sent last: three times the longest probe.
            o.ProbeTimeout = Probe;
            o.MinProbeTimeout = Probe;
            o.MaxProbeTimeout = Probe;
            o.NumMissedProbesLimit = 3;
            o.NumVotesForDeathDeclaration = 1;
            o.TableRefreshTimeout = TimeSpan.FromSeconds(2);
            o.IAmAliveTablePublishTimeout = TimeSpan.FromSeconds(2);

            // Who joins declares those dead that do not answer. Nobody is put out for joining slowly: how long that takes
            // would be told by clocks of two machines.
            o.MaxJoinAttemptTime = TimeSpan.FromMinutes(1);
            o.EvictWhenMaxJoinAttemptTimeExceeded = false;
            o.DefunctSiloExpiration = TimeSpan.FromMinutes(10);

            // By default a silo takes others that it does not know yet for long dead when they began more than an hour ago by its own
            // clock. One whose clock is a day fast would do so with every silo that joins.
            o.SiloGenerationRetirementAge = null;
        });
        silo.Configure<ConnectionOptions>(o =>
        {
            o.OpenConnectionTimeout = TimeSpan.FromSeconds(1);
            o.ConnectionRetryDelay = TimeSpan.FromMilliseconds(200);
        });
        silo.AddActivityPropagation();
        silo.AddTeravoxGrains(setup);
        return silo;
    }

    /// <summary>The grains, their storage and the devices, for any membership and transport.</summary>
    public static void AddTeravoxGrains(this ISiloBuilder silo, SiloSetup setup)
    {
        ArgumentNullException.ThrowIfNull(silo);
        ArgumentNullException.ThrowIfNull(setup);
        const string storage = StoredGrain<object>.StorageName;
        if (setup.Database is { } database)
        {
            var connection = OrleansQueries.ConnectionString(database);
            silo.AddAdoNetGrainStorage(storage, o => (o.Invariant, o.ConnectionString, o.GrainStorageSerializer) = (Provider, connection, new GrainJson()));
            silo.UseAdoNetReminderService(o => (o.Invariant, o.ConnectionString) = (Provider, connection));
        }
        else
        {
            silo.Services.AddGrainStorage(storage, (_, _) => new SqliteGrainStorage(setup.Catalog));
            silo.UseInMemoryReminderService();
        }

        // A call answers within seconds; one that does not is lost with its silo, and is made again.
        silo.Configure<SiloMessagingOptions>(o => o.ResponseTimeout = TimeSpan.FromSeconds(10));
        silo.Configure<SiloMessagingOptions>(o => o.SystemResponseTimeout = TimeSpan.FromSeconds(5));

        // An item's grain is called once. Orleans remembers where a million of them were, 330 bytes each, and keeps for each that is over a
        // timer as long as its end might have taken.
        silo.Configure<GrainDirectoryOptions>(o => o.CacheSize = 10_000);
        silo.Configure<GrainCollectionOptions>(o => o.DeactivationTimeout = TimeSpan.FromSeconds(10));

        // A grain's exception reaches its caller whatever its type is.
        silo.Services.Configure<ExceptionSerializationOptions>(o => o.SupportedExceptionTypeFilter = _ => true);

        silo.Services.AddSingleton(setup.Catalog);
        silo.Services.AddSingleton(setup.Kinds);
        silo.Services.AddSingleton(setup.Limits);
        silo.Services.AddSingleton(setup.Events);
        silo.Services.AddSingleton<RunningWork>();
        silo.Services.AddSingleton(_ => new SessionCache(setup.Devices.Devices.Count));
        silo.Services.AddSingleton<IClusterMembers, ClusterMembers>();
        silo.Services.AddSingleton(services => new ExperimentStore(setup.Catalog, services.GetRequiredService<IGrainFactory>(), setup.RootOf));
        silo.Services.AddSingleton(services => setup.Planner ?? new StageGraph(services.GetRequiredService<ExperimentStore>()));
        silo.Services.AddSingleton<ExperimentService>();
    }

    internal static void NameCluster(ClusterOptions options) => (options.ClusterId, options.ServiceId) = (ClusterName, ClusterName);
}
