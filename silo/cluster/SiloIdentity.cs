// SPDX-License-Identifier: Apache-2.0
using System.Net;

namespace Teravox.Silo.Cluster;

/// <summary>
/// Who a silo is among all that ever were at its address: each has a higher number than those before it. Orleans takes the number from
/// the silo's clock; a silo whose clock was set back would then be older than its dead predecessor, and never be let in.
/// </summary>
/// <param name="name">Name of the silo.</param>
/// <param name="cluster">Name of the cluster.</param>
/// <param name="address">Where other silos reach it; its port + 1 is for clients.</param>
/// <param name="number">Its number.</param>
internal sealed class SiloIdentity(string name, string cluster, IPEndPoint address, int number) : ILocalSiloDetails
{
    public string Name => name;

    public string ClusterId => cluster;

    public string DnsHostName { get; } = Dns.GetHostName();

    public SiloAddress SiloAddress { get; } = SiloAddress.New(address, number);

    public SiloAddress GatewayAddress { get; } = SiloAddress.New(new IPEndPoint(address.Address, address.Port + 1), 0);
}
