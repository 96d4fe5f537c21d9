// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Teravox.Contracts;

/// <summary>
/// What a member of a cluster shows the others, and what it asks of them: its own certificate with the key, and the authority
/// that issued it. An authority belongs to one cluster, so a certificate of it is the proof of membership, whatever host it is on.
/// </summary>
public sealed class ClusterCertificate : IDisposable
{
    /// <summary>File name of the authority's certificate, which is public.</summary>
    public const string AuthorityFile = "cluster-ca.pem";

    /// <summary>File name of the member's certificate.</summary>
    public const string MemberFile = "cluster.pem";

    /// <summary>File name of the member's key, which only the member may read.</summary>
    public const string KeyFile = "cluster.key";

    /// <summary>The one name in all certificates of members: silos move between hosts, so the names of hosts say nothing.</summary>
    public const string Name = "teravox-cluster";

    /// <summary>Usage that a certificate needs for the side that listens.</summary>
    public const string ServerUsage = "1.3.6.1.5.5.7.3.1";

    /// <summary>Usage that a certificate needs for the side that connects.</summary>
    public const string ClientUsage = "1.3.6.1.5.5.7.3.2";

    private const string HowToMake = "make new certificates with: teravox cluster-certificate --out FOLDER";
    private const string HowToRenew = "renew it where the authority's key lies, with: teravox cluster-certificate --out FOLDER --renew";

    /// <summary>Of parts that are not checked, for <see cref="Load"/> and for tests of what the other side must refuse.</summary>
    internal ClusterCertificate(X509Certificate2 authority, X509Certificate2 member)
    {
        Authority = authority;
        Member = member;
    }

    /// <summary>The authority's certificate, without a key.</summary>
    public X509Certificate2 Authority { get; }

    /// <summary>The member's certificate, with its key.</summary>
    public X509Certificate2 Member { get; }

    /// <summary>When the others begin to refuse this member, in UTC.</summary>
    public DateTime Ends => Earlier(Member.NotAfter, Authority.NotAfter).ToUniversalTime();

    /// <summary>Reads a folder with <see cref="AuthorityFile"/>, <see cref="MemberFile"/> and <see cref="KeyFile"/>, and checks that they serve.</summary>
    /// <exception cref="InputException">
    /// A file is missing or broken, others may read the key, the key does not fit, the authority did not issue the certificate, or
    /// one of the two is not valid now.
    /// </exception>
    public static ClusterCertificate Load(string folder)
    {
        var (authorityPath, memberPath, keyPath) = (Path.Combine(folder, AuthorityFile), Path.Combine(folder, MemberFile), Path.Combine(folder, KeyFile));
        var authority = ReadCertificate(authorityPath);
        try
        {
            using var bare = ReadCertificate(memberPath);
            CheckTimes(authorityPath, authority, HowToMake);
            CheckTimes(memberPath, bare, HowToRenew);
            using var key = ReadKey(keyPath);
            if (!key.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(bare.PublicKey.ExportSubjectPublicKeyInfo()))
                throw new InputException($"{keyPath}: the key is not that of {memberPath}; copy both from the same folder, or {HowToRenew}");
            if (WhyNotIssued(bare, authority) is { } why)
                throw new InputException($"{memberPath}: {authorityPath} did not issue it as a member's certificate ({why}); copy both from the same folder.");
            return new ClusterCertificate(authority, bare.CopyWithPrivateKey(key));
        }
        catch
        {
            authority.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Whether the other side of a connection is a member of this cluster: its certificate is there, is valid now, is of this
    /// cluster's authority, and serves both directions. Neither the machine's trusted authorities nor a network is asked.
    /// </summary>
    /// <param name="other">The certificate that the other side has shown and proved to have the key of; null for none.</param>
    /// <param name="errors">What TLS found. That the machine does not know the authority is no error here; a wrong name is.</param>
    public bool Accepts(X509Certificate2? other, SslPolicyErrors errors) =>
        other is not null && (errors & ~SslPolicyErrors.RemoteCertificateChainErrors) == SslPolicyErrors.None && WhyNotIssued(other, Authority) is null;

    /// <summary>Releases both certificates.</summary>
    public void Dispose()
    {
        Member.Dispose();
        Authority.Dispose();
    }

    /// <summary>Reads a certificate in PEM.</summary>
    /// <exception cref="InputException">The file is missing, may not be read, or is no certificate.</exception>
    public static X509Certificate2 ReadCertificate(string path)
    {
        try
        {
            return X509Certificate2.CreateFromPem(ReadText(path));
        }
        catch (CryptographicException)
        {
            throw new InputException($"{path}: the file is not a certificate in PEM; copy it again, or {HowToMake}");
        }
    }

    /// <summary>Reads an ECDSA key in PEM.</summary>
    /// <exception cref="InputException">The file is missing, may not be read, is readable for others, or is no such key.</exception>
    public static ECDsa ReadKey(string path)
    {
        var text = ReadText(path);
        KeyFileAccess.Check(path);
        var key = ECDsa.Create();
        try
        {
            key.ImportFromPem(text);
            return key;
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            key.Dispose();
            throw new InputException($"{path}: the file is not an ECDSA key in PEM without a password; copy it again, or {HowToMake}");
        }
    }

    // Null when the authority issued it for both directions and it is valid now; otherwise what is wrong with it.
    private static string? WhyNotIssued(X509Certificate2 certificate, X509Certificate2 authority)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid(ServerUsage));
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid(ClientUsage));
        if (!chain.Build(certificate))
            return string.Join(", ", chain.ChainStatus.Select(s => s.Status).Distinct());

        // The authority itself is no member: its key signs and is on no silo.
        return chain.ChainElements.Count == 2 ? null : "it is not issued directly";
    }

    private static void CheckTimes(string path, X509Certificate2 certificate, string what)
    {
        if (DateTime.Now < certificate.NotBefore)
            throw new InputException($"{path}: the certificate is valid from {Shown(certificate.NotBefore)} on only; set this machine's clock right.");
        if (DateTime.Now > certificate.NotAfter)
            throw new InputException($"{path}: the certificate was valid until {Shown(certificate.NotAfter)}; {what}");
    }

    private static string ReadText(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InputException($"{path}: there is no such file; {HowToMake}");
        }
        catch (UnauthorizedAccessException)
        {
            throw new InputException($"{path}: this user may not read the file; give it to the user that the silo runs as, with chown.");
        }
    }

    private static string Shown(DateTime local) => local.ToUniversalTime().ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture);

    private static DateTime Earlier(DateTime a, DateTime b) => a < b ? a : b;
}
