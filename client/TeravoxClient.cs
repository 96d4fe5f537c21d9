// SPDX-License-Identifier: Apache-2.0
using Teravox.Client.Http;
using Teravox.Contracts.Api;

namespace Teravox.Client;

/// <summary>
/// A cluster over HTTP. Methods may be called by several threads at once. What is safe to repeat is repeated while the
/// cluster does not answer or is busy: reads, slabs, removals, submissions (they carry a key that the cluster knows
/// them by) and changes of state (the same twice changes nothing more). Registrations and new keys are not.
/// <para>Methods throw <see cref="TeravoxApiException"/> when the cluster refuses, <see cref="TeravoxUnreachableException"/>
/// when no server answers.</para>
/// </summary>
public sealed class TeravoxClient : IDisposable
{
    private readonly Transport _transport;

    /// <summary>For a cluster; nothing is sent yet.</summary>
    /// <exception cref="ArgumentException">No server is named, or one is not an http(s) address.</exception>
    public TeravoxClient(TeravoxClientOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _transport = new Transport(options);
        Volumes = new VolumesClient(_transport);
        Uploads = new UploadsClient(_transport);
        Models = new ModelsClient(_transport);
        Experiments = new ExperimentsClient(_transport);
        Campaigns = new CampaignsClient(_transport);
        Keys = new KeysClient(_transport);
        Events = new EventsClient(_transport);
    }

    /// <summary>For one server.</summary>
    public TeravoxClient(string server, string? key = null)
        : this(new TeravoxClientOptions { Servers = [new Uri(server)], Key = key })
    {
    }

    /// <summary>Volumes that specs may name.</summary>
    public VolumesClient Volumes { get; }

    /// <summary>Volumes on their way from the client's own disk.</summary>
    public UploadsClient Uploads { get; }

    /// <summary>Models that specs may name.</summary>
    public ModelsClient Models { get; }

    /// <summary>Experiments.</summary>
    public ExperimentsClient Experiments { get; }

    /// <summary>Experiments over grids of parameters.</summary>
    public CampaignsClient Campaigns { get; }

    /// <summary>API keys.</summary>
    public KeysClient Keys { get; }

    /// <summary>What happens.</summary>
    public EventsClient Events { get; }

    /// <summary>What answers there.</summary>
    public Task<ApiIndex> IndexAsync(CancellationToken ct = default) => _transport.JsonAsync<ApiIndex>(Call.Get(""), ct);

    /// <summary>The silos with their devices and current work.</summary>
    public Task<IReadOnlyList<SiloInfo>> SilosAsync(CancellationToken ct = default) => _transport.JsonAsync<IReadOnlyList<SiloInfo>>(Call.Get("silos"), ct);

    /// <inheritdoc/>
    public void Dispose() => _transport.Dispose();
}
