// SPDX-License-Identifier: Apache-2.0
using System.Net;
using Teravox.Contracts;

namespace Teravox.Silo.Cluster;

/// <summary>Whether a silo may open its ports to other silos. Whoever reaches them can call every grain, so they are not open to a network.</summary>
public static class ClusterExposure
{
    /// <summary>Refuses to listen beyond this machine without certificates. On loopback either is fine: the caller decides.</summary>
    /// <param name="address">Where other silos reach this one.</param>
    /// <param name="certificate">The silo's certificate; null without TLS.</param>
    /// <exception cref="InputException">The address is open to other machines, and there is no certificate.</exception>
    public static void Check(IPEndPoint address, ClusterCertificate? certificate)
    {
        if (certificate is null && !IsLoopback(address.Address))
            throw new InputException($"--cluster-address {address}: other machines can reach this address, and without certificates anybody there could drive the cluster; give --cluster-certificates FOLDER, made once for all silos with: teravox cluster-certificate --out FOLDER");
    }

    private static bool IsLoopback(IPAddress address) => IPAddress.IsLoopback(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address);
}
