// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Client;

/// <summary>How a <see cref="TeravoxClient"/> reaches its cluster and how patient it is.</summary>
public sealed record TeravoxClientOptions
{
    /// <summary>Base addresses of silos, as "http://127.0.0.1:7300". Any of them answers for the whole cluster; when one is down, the next is asked.</summary>
    public required IReadOnlyList<Uri> Servers { get; init; }

    /// <summary>The API key; null where the cluster has no keys.</summary>
    public string? Key { get; init; }

    /// <summary>Sends the requests; null for sockets. It is not disposed.</summary>
    public HttpMessageHandler? Handler { get; init; }

    /// <summary>How long a call goes on trying while the cluster does not answer or is busy. Default 1 minute.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// How long the first call waits for a cluster that is not up yet. Default zero: an address at which nobody has ever
    /// listened is more often a mistake than a restart, and is said at once.
    /// </summary>
    public TimeSpan FirstPatience { get; init; } = TimeSpan.Zero;

    /// <summary>How long one attempt may take until its answer is whole; slabs and files have as long for each MiB. Default 100 s.</summary>
    public TimeSpan AttemptTimeout { get; init; } = TimeSpan.FromSeconds(100);

    /// <summary>An event stream without a byte for this long is dead and opened anew; silos send one at least every 15 s. Default 45 s.</summary>
    public TimeSpan StreamSilence { get; init; } = TimeSpan.FromSeconds(45);

    /// <summary>First wait between two attempts; each one doubles and is drawn from its upper half. Default 200 ms.</summary>
    public TimeSpan FirstDelay { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>Longest wait between two attempts that the server did not ask for. Default 10 s.</summary>
    public TimeSpan LongestDelay { get; init; } = TimeSpan.FromSeconds(10);
}
