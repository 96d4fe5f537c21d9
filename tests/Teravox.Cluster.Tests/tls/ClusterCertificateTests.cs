// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using Teravox.Contracts;
using Teravox.Silo.Cluster;
using Teravox.Testing;

namespace Teravox.Cluster.Tests.Tls;

/// <summary>Certificates as files: making, renewing, reading, and every way in which they may not serve.</summary>
public sealed class ClusterCertificateTests : IDisposable
{
    private const UnixFileMode Secret = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private readonly string _root = Directory.CreateTempSubdirectory("teravox-tls-").FullName;

    private string Folder => Path.Combine(_root, "cluster");

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Make_InANewFolder_WritesWhatLoads()
    {
        ClusterCertificates.Make(Folder, days: 7);

        using var loaded = ClusterCertificate.Load(Folder);
        Assert.True(loaded.Member.HasPrivateKey);
        Assert.InRange(loaded.Ends, DateTime.UtcNow.AddDays(6.9), DateTime.UtcNow.AddDays(7.1));
        Assert.True(loaded.Accepts(loaded.Member, SslPolicyErrors.RemoteCertificateChainErrors));
        Assert.False(loaded.Accepts(loaded.Member, SslPolicyErrors.RemoteCertificateChainErrors | SslPolicyErrors.RemoteCertificateNameMismatch));
        Assert.False(loaded.Accepts(loaded.Authority, SslPolicyErrors.None));
        Assert.False(loaded.Accepts(null, SslPolicyErrors.None));
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(Secret, File.GetUnixFileMode(At(ClusterCertificate.KeyFile)));
            Assert.Equal(Secret, File.GetUnixFileMode(At(ClusterCertificates.AuthorityKeyFile)));
        }
    }

    [Fact]
    public void Make_WhereCertificatesAre_RefusesAndChangesNothing()
    {
        ClusterCertificates.Make(Folder);
        var before = Texts();

        Assert.Contains("--renew", Assert.Throws<InputException>(() => ClusterCertificates.Make(Folder)).Message, StringComparison.Ordinal);
        Assert.Equal(before, Texts());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3651)]
    public void Make_WhenTheDaysAreOutOfBounds_Refuses(int days) =>
        Assert.Contains("--days", Assert.Throws<InputException>(() => ClusterCertificates.Make(Folder, days)).Message, StringComparison.Ordinal);

    [Fact]
    public void Renew_WithTheAuthoritysKey_MakesAMemberThatTheOneOfBeforeAccepts()
    {
        ClusterCertificates.Make(Folder);
        using var before = ClusterCertificate.Load(Folder);

        ClusterCertificates.Renew(Folder, days: 30);

        using var after = ClusterCertificate.Load(Folder);
        Assert.NotEqual(before.Member.SerialNumber, after.Member.SerialNumber);
        Assert.NotEqual(before.Member.GetPublicKeyString(), after.Member.GetPublicKeyString());
        Assert.True(before.Accepts(after.Member, SslPolicyErrors.RemoteCertificateChainErrors));
        Assert.True(after.Accepts(before.Member, SslPolicyErrors.RemoteCertificateChainErrors));
    }

    [Fact]
    public void Renew_WithoutTheAuthoritysKey_SaysWhichFileIsMissing()
    {
        ClusterCertificates.Make(Folder);
        File.Delete(At(ClusterCertificates.AuthorityKeyFile));

        Assert.Contains(ClusterCertificates.AuthorityKeyFile, Assert.Throws<InputException>(() => ClusterCertificates.Renew(Folder)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Renew_PastTheAuthoritysEnd_Refuses()
    {
        Directory.CreateDirectory(Folder);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var authority = ClusterCertificates.MakeAuthority(key, DateTimeOffset.UtcNow, days: 20);
        File.WriteAllText(At(ClusterCertificate.AuthorityFile), authority.ExportCertificatePem());
        File.WriteAllText(At(ClusterCertificates.AuthorityKeyFile), key.ExportPkcs8PrivateKeyPem());
        Close(ClusterCertificates.AuthorityKeyFile);

        Assert.Contains("--days", Assert.Throws<InputException>(() => ClusterCertificates.Renew(Folder, days: 21)).Message, StringComparison.Ordinal);
        ClusterCertificates.Renew(Folder, days: 19);
        ClusterCertificate.Load(Folder).Dispose();
    }

    [Theory]
    [InlineData(ClusterCertificate.AuthorityFile)]
    [InlineData(ClusterCertificate.MemberFile)]
    [InlineData(ClusterCertificate.KeyFile)]
    public void Load_WhenAFileIsMissingBrokenOrOfAnotherCluster_NamesIt(string file)
    {
        ClusterCertificates.Make(Folder);
        var other = Path.Combine(_root, "other");
        ClusterCertificates.Make(other);
        var good = File.ReadAllText(At(file));

        File.WriteAllText(At(file), File.ReadAllText(Path.Combine(other, file)));
        Assert.Contains(file, Refusal(), StringComparison.Ordinal);
        File.WriteAllText(At(file), "-----BEGIN NOTHING-----");
        Assert.Contains(At(file) + ": the file is not", Refusal(), StringComparison.Ordinal);
        File.Delete(At(file));
        Assert.Contains(At(file) + ": there is no such file", Refusal(), StringComparison.Ordinal);

        File.WriteAllText(At(file), good);
        Close(file);
        ClusterCertificate.Load(Folder).Dispose();
    }

    [Theory]
    [InlineData(-0.5, -0.1, "was valid until")]
    [InlineData(0.5, 1, "valid from")]
    public void Load_WhenTheCertificateIsNotValidNow_SaysSince(double fromDays, double toDays, string expected)
    {
        Directory.CreateDirectory(Folder);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var authority = ClusterCertificates.MakeAuthority(key, DateTimeOffset.UtcNow, days: 20);
        File.WriteAllText(At(ClusterCertificate.AuthorityFile), authority.ExportCertificatePem());
        ClusterCertificates.WriteMember(Folder, authority, DateTimeOffset.UtcNow.AddDays(fromDays), DateTimeOffset.UtcNow.AddDays(toDays));

        var refusal = Refusal();
        Assert.Contains(At(ClusterCertificate.MemberFile), refusal, StringComparison.Ordinal);
        Assert.Contains(expected, refusal, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(UnixFileMode.OtherRead)]
    [InlineData(UnixFileMode.GroupWrite)]
    public void Load_WhenOthersMayReadOrChangeTheKey_SaysHowToCloseIt(UnixFileMode open)
    {
        ClusterCertificates.Make(Folder);
        SetMode(ClusterCertificate.KeyFile, Secret | open);

        Assert.Contains("chmod 600 " + At(ClusterCertificate.KeyFile), Refusal(), StringComparison.Ordinal);
    }

    // Kubernetes and systemd hand a secret to a service as a file of root that the service's group may read.
    [Theory]
    [InlineData(0u, false, UnixFileMode.GroupRead, true)]
    [InlineData(0u, true, UnixFileMode.GroupRead, false)]
    [InlineData(1000u, false, UnixFileMode.GroupRead, false)]
    [InlineData(null, false, UnixFileMode.GroupRead, false)]
    [InlineData(0u, false, UnixFileMode.GroupWrite, false)]
    [InlineData(0u, false, UnixFileMode.OtherRead, false)]
    [InlineData(1000u, false, UnixFileMode.None, true)]
    public void KeyFile_IsGuarded_ByItsOwnerAndMode(uint? owner, bool asRoot, UnixFileMode open, bool guarded) =>
        Assert.Equal(guarded, KeyFileAccess.IsGuarded(UnixFileMode.UserRead | open, owner, asRoot));

    [Fact]
    public void Owner_OfAFile_IsWhatTheSystemSays()
    {
        Prerequisite.Require(File.Exists("/usr/bin/stat"), "/usr/bin/stat");
        ClusterCertificates.Make(Folder);

        Assert.Equal(Said("/usr/bin/stat", "-c", "%u", At(ClusterCertificate.KeyFile)), $"{KeyFileAccess.Owner(At(ClusterCertificate.KeyFile))}\n");
        Assert.Null(KeyFileAccess.Owner(At("no such file")));
    }

    // Another reader of certificates than the one that made them, at its strictest.
    [Fact]
    public void Certificates_AsMade_SatisfyOpenSsl()
    {
        Prerequisite.Require(File.Exists("/usr/bin/openssl"), "/usr/bin/openssl; install it, as with: apt-get install openssl");
        ClusterCertificates.Make(Folder);

        foreach (var purpose in new[] { "sslserver", "sslclient" })
            Assert.EndsWith(": OK\n", Said("/usr/bin/openssl", "verify", "-x509_strict", "-purpose", purpose, "-verify_hostname", ClusterCertificate.Name, "-CAfile", At(ClusterCertificate.AuthorityFile), At(ClusterCertificate.MemberFile)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("10.0.0.5:7400", false)]
    [InlineData("0.0.0.0:7400", false)]
    [InlineData("[2001:db8::5]:7400", false)]
    [InlineData("127.0.0.1:7400", true)]
    [InlineData("[::1]:7400", true)]
    [InlineData("[::ffff:127.0.0.1]:7400", true)]
    public void Exposure_WithoutCertificates_IsFineOnLoopbackAlone(string address, bool fine)
    {
        var endPoint = IPEndPoint.Parse(address);
        if (fine)
            ClusterExposure.Check(endPoint, certificate: null);
        else
            Assert.Contains("--cluster-certificates", Assert.Throws<InputException>(() => ClusterExposure.Check(endPoint, certificate: null)).Message, StringComparison.Ordinal);

        using var authority = new Authority();
        using var member = authority.Member();
        ClusterExposure.Check(endPoint, member);
    }

    [Fact]
    public void Command_MakesRefusesAndRenews()
    {
        Assert.Contains("valid until", Said("dotnet", TeravoxProgram.Path, "cluster-certificate", "--out", Folder), StringComparison.Ordinal);
        using var first = ClusterCertificate.Load(Folder);

        var again = Run("dotnet", TeravoxProgram.Path, "cluster-certificate", "--out", Folder);
        Assert.Equal(2, again.Code);
        Assert.Contains("--renew", again.Error, StringComparison.Ordinal);

        Said("dotnet", TeravoxProgram.Path, "cluster-certificate", "--out", Folder, "--renew", "--days", "3");
        using var second = ClusterCertificate.Load(Folder);
        Assert.NotEqual(first.Member.SerialNumber, second.Member.SerialNumber);
        Assert.True(second.Ends < DateTime.UtcNow.AddDays(3.1));
    }

    private string At(string file) => Path.Combine(Folder, file);

    private string Refusal() => Assert.Throws<InputException>(() => ClusterCertificate.Load(Folder)).Message;

    private List<string> Texts() => [.. Directory.EnumerateFiles(Folder).Order(StringComparer.Ordinal).Select(File.ReadAllText)];

    private void Close(string file) => SetMode(file, Secret);

    private void SetMode(string file, UnixFileMode mode)
    {
        Prerequisite.Require(!OperatingSystem.IsWindows(), "modes of files");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(At(file), mode);
    }

    private static string Said(string program, params string[] arguments)
    {
        var (code, output, error) = Run(program, arguments);
        Assert.True(code == 0, $"{program} ended with {code}: {error}");
        return output;
    }

    private static (int Code, string Output, string Error) Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.GetAwaiter().GetResult());
    }
}
