// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Configuration;
using Orleans.Runtime.MembershipService.SiloMetadata;
using Orleans.Serialization;
using Orleans.Storage;
using Teravox.Contracts;
using Teravox.Grains.Ledger;

namespace Teravox.Orleans.Silos;

/// <summary>Orleans' settings, those of silos and of clients; docs/orleans.md has the reasons.</summary>
internal static class OrleansSettings
{
    /// <summary>Name of the grain storage.</summary>
    public const string Storage = "teravox";

    private const string Provider = "Npgsql";

    // One cluster for each schema of a database: its tables lie there.
    private const string Cluster = "teravox";

    /// <summary>How long a client waits for an answer before it asks again; every call is answered within less.</summary>
    private static readonly TimeSpan ClientPatience = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan Probe = TimeSpan.FromMilliseconds(300);

    /// <summary>Sets a silo up.</summary>
    public static void Apply(ISiloBuilder silo, string connection, IPEndPoint address, string name, SiloEntry entry)
    {
        silo.Configure<ClusterOptions>(Name);
        silo.Configure<global::Orleans.Configuration.SiloOptions>(o => o.SiloName = name);
        silo.ConfigureEndpoints(address.Address, address.Port, address.Port + 1, listenOnAnyHostAddress: false);
        silo.UseAdoNetClustering(o => (o.Invariant, o.ConnectionString) = (Provider, connection));
        silo.AddAdoNetGrainStorage(Storage, o => (o.Invariant, o.ConnectionString, o.GrainStorageSerializer) = (Provider, connection, new StoredJson()));
        silo.UseAdoNetReminderService(o => (o.Invariant, o.ConnectionString) = (Provider, connection));
        silo.UseSiloMetadata(SiloDirectory.Metadata(entry));
        silo.Configure<ClusterMembershipOptions>(o =>
        {
            // A dead silo is known to be dead after three missed probes, within two seconds, by the word of one other: who is
            // declared dead by mistake joins again, and the ledger's fence keeps what it wrote in order. One that is frozen is
            // not spared longer than that for what it sent last: three times the longest probe.
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
        });
        silo.Configure<SiloMessagingOptions>(o =>
        {
            o.ResponseTimeout = TimeSpan.FromSeconds(5);
            o.SystemResponseTimeout = TimeSpan.FromSeconds(5);
        });
        silo.Configure<ConnectionOptions>(Connections);
        Serialize(silo.Services);
    }

    /// <summary>Sets a client up.</summary>
    public static void Apply(IClientBuilder client, string connection)
    {
        client.Configure<ClusterOptions>(Name);
        client.UseAdoNetClustering(o => (o.Invariant, o.ConnectionString) = (Provider, connection));
        client.Configure<GatewayOptions>(o => o.GatewayListRefreshPeriod = TimeSpan.FromMilliseconds(300));
        client.Configure<ClientMessagingOptions>(o => o.ResponseTimeout = ClientPatience);
        client.Configure<ConnectionOptions>(Connections);
        Serialize(client.Services);
    }

    private static void Name(ClusterOptions options) => (options.ClusterId, options.ServiceId) = (Cluster, Cluster);

    private static void Connections(ConnectionOptions options)
    {
        options.OpenConnectionTimeout = TimeSpan.FromSeconds(1);
        options.ConnectionRetryDelay = TimeSpan.FromMilliseconds(200);
    }

    /// <summary>
    /// Contract types know nothing of Orleans and travel as the JSON that they are everywhere else. Fields that a newer silo
    /// adds are passed over.
    /// </summary>
    private static void Serialize(IServiceCollection services)
    {
        var json = new JsonSerializerOptions(TeravoxJson.Compact) { UnmappedMemberHandling = System.Text.Json.Serialization.JsonUnmappedMemberHandling.Skip };
        services.AddSerializer(serializer => serializer.AddJsonSerializer(IsContract, json));

        // A grain's exception reaches its caller whatever its type is; without this, one that is not System's is replaced by a defect.
        services.Configure<ExceptionSerializationOptions>(o => o.SupportedExceptionTypeFilter = _ => true);
    }

    private static bool IsContract(Type type) =>
        !typeof(Exception).IsAssignableFrom(type)
        && (type.Assembly == typeof(TeravoxJson).Assembly || type == typeof(WorkNeeds) || type == typeof(JsonElement));

    /// <summary>What grains remember, as plain JSON that reads well in psql.</summary>
    private sealed class StoredJson : IGrainStorageSerializer
    {
        public BinaryData Serialize<T>(T? input) => new(JsonSerializer.SerializeToUtf8Bytes(input, TeravoxJson.Compact));

        public T Deserialize<T>(BinaryData input) => JsonSerializer.Deserialize<T>(input.ToMemory().Span, TeravoxJson.Compact)!;
    }
}
