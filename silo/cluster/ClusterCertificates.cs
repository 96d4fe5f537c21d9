// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Teravox.Contracts;

namespace Teravox.Silo.Cluster;

/// <summary>
/// Makes what <see cref="ClusterCertificate"/> reads: an authority for one cluster, and certificates of members that it
/// issues. All members may have the same certificate, or each one of its own; the authority's key stays away from silos.
/// </summary>
public static class ClusterCertificates
{
    /// <summary>File name of the authority's key: whoever has it can make members.</summary>
    public const string AuthorityKeyFile = "cluster-ca.key";

    /// <summary>Days that a member's certificate is valid when nothing else is said.</summary>
    public const int DefaultDays = 730;

    /// <summary>Days that an authority is valid, and so the most for a member.</summary>
    public const int AuthorityDays = 3650;

    // Clocks of machines differ; a certificate made a moment ago must be valid everywhere.
    private static readonly TimeSpan ClockError = TimeSpan.FromDays(1);

    /// <summary>Makes an authority and a member's certificate in a folder, which is made where it is missing.</summary>
    /// <param name="folder">Where <see cref="ClusterCertificate.AuthorityFile"/>, <see cref="AuthorityKeyFile"/>, <see cref="ClusterCertificate.MemberFile"/> and <see cref="ClusterCertificate.KeyFile"/> are written.</param>
    /// <param name="days">How long the member's certificate is valid.</param>
    /// <exception cref="InputException">One of the files is there already, or the days are not 1 to <see cref="AuthorityDays"/>.</exception>
    public static void Make(string folder, int days = DefaultDays)
    {
        CheckDays(days);
        foreach (var file in new[] { ClusterCertificate.AuthorityFile, AuthorityKeyFile, ClusterCertificate.MemberFile, ClusterCertificate.KeyFile })
        {
            var path = Path.Combine(folder, file);
            if (File.Exists(path))
                throw new InputException($"{path}: the file is there already, and a cluster may use it; name another folder, or add --renew for a new member's certificate of the same authority.");
        }

        Directory.CreateDirectory(folder);
        var now = DateTimeOffset.UtcNow;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var authority = MakeAuthority(key, now, AuthorityDays);
        Write(folder, AuthorityKeyFile, key.ExportPkcs8PrivateKeyPem(), secret: true);
        Write(folder, ClusterCertificate.AuthorityFile, authority.ExportCertificatePem(), secret: false);
        WriteMember(folder, authority, now, days);
    }

    /// <summary>Makes a new member's certificate with a new key, of the authority in the folder; the one before stays valid until its end.</summary>
    /// <param name="folder">Where the authority's certificate and key are, and the member's are replaced.</param>
    /// <param name="days">How long it is valid.</param>
    /// <exception cref="InputException">The authority or its key is missing or broken, or ends before the certificate would.</exception>
    public static void Renew(string folder, int days = DefaultDays)
    {
        CheckDays(days);
        var (authorityPath, keyPath) = (Path.Combine(folder, ClusterCertificate.AuthorityFile), Path.Combine(folder, AuthorityKeyFile));
        using var bare = ClusterCertificate.ReadCertificate(authorityPath);
        using var key = ClusterCertificate.ReadKey(keyPath);
        if (!key.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(bare.PublicKey.ExportSubjectPublicKeyInfo()))
            throw new InputException($"{keyPath}: the key is not that of {authorityPath}; copy both from the same folder.");
        var now = DateTimeOffset.UtcNow;
        var end = new DateTimeOffset(bare.NotAfter);
        if (now.AddDays(days) > end)
            throw new InputException(string.Create(CultureInfo.InvariantCulture, $"{authorityPath}: the authority ends on {end.UtcDateTime:yyyy-MM-dd}, before {days} days are over; give fewer with --days, or make certificates of a new authority in another folder."));
        using var authority = bare.CopyWithPrivateKey(key);
        WriteMember(folder, authority, now, days);
    }

    /// <summary>An authority that signs itself.</summary>
    internal static X509Certificate2 MakeAuthority(ECDsa key, DateTimeOffset now, int days)
    {
        // The number tells authorities of several clusters apart where their certificates are listed.
        var request = new CertificateRequest($"CN=Teravox cluster authority {Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: true, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        return request.CreateSelfSigned(now - ClockError, now.AddDays(days));
    }

    /// <summary>A certificate of a member, without its key.</summary>
    internal static X509Certificate2 Issue(X509Certificate2 authority, ECDsa key, DateTimeOffset from, DateTimeOffset to)
    {
        var request = new CertificateRequest("CN=" + ClusterCertificate.Name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(ClusterCertificate.ServerUsage), new Oid(ClusterCertificate.ClientUsage)], critical: false));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(authority, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(ClusterCertificate.Name);
        request.CertificateExtensions.Add(names.Build());

        // A serial number is positive: the first bit is its sign.
        var serial = RandomNumberGenerator.GetBytes(16);
        serial[0] = (byte)(serial[0] & 0x7f | 0x40);
        return request.Create(authority, from, to, serial);
    }

    /// <summary>Writes a member's key and certificate, over those that are there.</summary>
    internal static void WriteMember(string folder, X509Certificate2 authority, DateTimeOffset from, DateTimeOffset to)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var member = Issue(authority, key, from, to);
        Write(folder, ClusterCertificate.KeyFile, key.ExportPkcs8PrivateKeyPem(), secret: true);
        Write(folder, ClusterCertificate.MemberFile, member.ExportCertificatePem(), secret: false);
    }

    private static void WriteMember(string folder, X509Certificate2 authority, DateTimeOffset now, int days)
    {
        // No member is valid before its authority: .NET signs no such certificate.
        var from = now - ClockError;
        WriteMember(folder, authority, from > authority.NotBefore ? from : authority.NotBefore, now.AddDays(days));
    }

    // A file is there whole or not at all, and a secret one is never open to others, not even while it is written.
    private static void Write(string folder, string file, string pem, bool secret)
    {
        var path = Path.Combine(folder, file);
        var half = path + ".new";
        File.Delete(half);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = secret ? UnixFileMode.UserRead | UnixFileMode.UserWrite : UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
        using (var writer = new StreamWriter(half, options))
            writer.Write(pem + "\n");
        File.Move(half, path, overwrite: true);
    }

    private static void CheckDays(int days)
    {
        if (days is < 1 or > AuthorityDays)
            throw new InputException($"--days {days}: must be 1 to {AuthorityDays}.");
    }
}
