// SPDX-License-Identifier: Apache-2.0
using System.Security.Authentication;
using Orleans.Connections.Security;
using Teravox.Contracts;

namespace Teravox.Silo.Cluster;

/// <summary>
/// TLS between the members of a cluster, in both directions: silo to silo, and client to silo. Each side shows its certificate
/// and goes on only with one that this cluster's authority issued, so nobody else reaches a grain.
/// </summary>
public static class ClusterTls
{
    /// <summary>Closes a silo's ports to all but members. Call it once, beside the other settings of the silo.</summary>
    /// <param name="silo">The silo that is configured.</param>
    /// <param name="certificate">What it shows and asks for; it must live as long as the silo.</param>
    public static ISiloBuilder UseClusterTls(this ISiloBuilder silo, ClusterCertificate certificate) => silo.UseTls(options => Apply(options, certificate));

    /// <summary>Lets a client speak with silos that have <see cref="UseClusterTls(ISiloBuilder, ClusterCertificate)"/>, and with no other.</summary>
    /// <param name="client">The client that is configured.</param>
    /// <param name="certificate">What it shows and asks for; it must live as long as the client.</param>
    public static IClientBuilder UseClusterTls(this IClientBuilder client, ClusterCertificate certificate) => client.UseTls(options => Apply(options, certificate));

    private static void Apply(TlsOptions options, ClusterCertificate certificate)
    {
        options.LocalCertificate = certificate.Member;
        options.SslProtocols = SslProtocols.Tls13 | SslProtocols.Tls12;
        options.CheckCertificateRevocation = false;

        // The first is what this side asks of the other; the second, what it shows when it connects. The second is optional by default.
        options.RemoteCertificateMode = RemoteCertificateMode.RequireCertificate;
        options.ClientCertificateMode = RemoteCertificateMode.RequireCertificate;
        options.RemoteCertificateValidation = (other, _, errors) => certificate.Accepts(other, errors);
        options.OnAuthenticateAsClient = (_, tls) => tls.TargetHost = ClusterCertificate.Name;
    }
}
