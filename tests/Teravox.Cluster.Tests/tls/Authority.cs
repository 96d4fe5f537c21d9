// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Teravox.Contracts;
using Teravox.Silo.Cluster;

namespace Teravox.Cluster.Tests.Tls;

/// <summary>The authority of one cluster, in memory.</summary>
internal sealed class Authority : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public Authority(int beganDaysAgo = 0) => Certificate = ClusterCertificates.MakeAuthority(_key, DateTimeOffset.UtcNow.AddDays(-beganDaysAgo), 100);

    public X509Certificate2 Certificate { get; }

    /// <summary>A member whose certificate is valid from one day to another, counted from now; checked by nobody here.</summary>
    public ClusterCertificate Member(double fromDays = -0.5, double toDays = 10) => Member(Certificate, fromDays, toDays);

    /// <summary>A member that asks for certificates of another authority than the one that it shows one of.</summary>
    public ClusterCertificate MemberThatTrusts(Authority other) => Member(other.Certificate, -0.5, 10);

    public void Dispose()
    {
        Certificate.Dispose();
        _key.Dispose();
    }

    private ClusterCertificate Member(X509Certificate2 trusted, double fromDays, double toDays)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var bare = ClusterCertificates.Issue(Certificate, key, DateTimeOffset.UtcNow.AddDays(fromDays), DateTimeOffset.UtcNow.AddDays(toDays));
        return new ClusterCertificate(X509CertificateLoader.LoadCertificate(trusted.RawData), bare.CopyWithPrivateKey(key));
    }
}
