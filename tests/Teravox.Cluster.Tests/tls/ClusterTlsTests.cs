// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Teravox.Contracts;

namespace Teravox.Cluster.Tests.Tls;

/// <summary>TLS between real silos and clients of Orleans: who gets through, and who does not.</summary>
public sealed class ClusterTlsTests : IDisposable
{
    private readonly Authority _ours = new();
    private readonly Authority _theirs = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _ours.Dispose();
        _theirs.Dispose();
    }

    [Fact]
    public async Task Members_WithCertificatesOfOneAuthority_ReachEachOther()
    {
        using var one = _ours.Member();
        using var another = _ours.Member();
        await using var first = await TlsSilo.StartAsync(one);
        await using var second = await TlsSilo.StartAsync(another, first);
        await using var client = await TlsClient.ConnectAsync(second, another);

        Assert.Equal(new[] { first.Port, second.Port }.Order(), await second.MembersAsync(client));
    }

    [Theory]
    [InlineData("of another authority")]
    [InlineData("expired")]
    [InlineData("none")]
    public async Task Client_WithoutACertificateOfTheCluster_IsRefused(string which)
    {
        using var own = _ours.Member();
        using var other = Shown(which);
        await using var silo = await TlsSilo.StartAsync(own);
        await using var client = TlsClient.Begin(silo, other);

        await silo.Refused;
        Assert.False(client.IsConnected);
    }

    // Here the one who connects trusts everybody, so that only the silo can refuse: at the port of silos, and at that of clients.
    [Theory]
    [InlineData(0, "of another authority")]
    [InlineData(0, "expired")]
    [InlineData(0, "none")]
    [InlineData(1, "of another authority")]
    [InlineData(1, "expired")]
    [InlineData(1, "none")]
    public async Task Port_WhenTheOneWhoConnectsIsNoMember_IsClosed(int port, string which)
    {
        using var own = _ours.Member();
        using var other = Shown(which);
        await using var silo = await TlsSilo.StartAsync(own);

        using var tcp = new TcpClient();
        await tcp.ConnectAsync(IPAddress.Loopback, silo.Port + port, Ct);
        await using var tls = new SslStream(tcp.GetStream());
        try
        {
            await tls.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = ClusterCertificate.Name,
                    ClientCertificates = other is null ? null : [other.Member],
                    LocalCertificateSelectionCallback = (_, _, _, _, _) => other?.Member!,
                    RemoteCertificateValidationCallback = (_, silos, _, _) => silos is not null,
                },
                Ct);

            // A silo that had let it in would wait for its first message.
            Assert.Equal(0, await tls.ReadAsync(new byte[1], Ct).AsTask().WaitAsync(TimeSpan.FromSeconds(20), Ct));
        }
        catch (Exception e) when (e is IOException or System.Security.Authentication.AuthenticationException)
        {
            // Closed during the handshake or after it, as the version of TLS has it.
        }

        await silo.Refused;
    }

    // A false silo that has lured a client to itself: it shows a certificate of its own authority and would accept ours.
    [Fact]
    public async Task Client_WhenTheSiloIsOfAnotherAuthority_RefusesIt()
    {
        using var lure = _theirs.MemberThatTrusts(_ours);
        using var own = _ours.Member();
        await using var silo = await TlsSilo.StartAsync(lure);
        await using var client = TlsClient.Begin(silo, own);

        await client.Refused;
        Assert.False(client.IsConnected);
    }

    [Theory]
    [InlineData("of another authority")]
    [InlineData("expired")]
    [InlineData("none")]
    public async Task Silo_WithoutACertificateOfTheCluster_DoesNotJoin(string which)
    {
        using var own = _ours.Member();
        using var other = Shown(which);
        await using var silo = await TlsSilo.StartAsync(own);
        await using var stranger = TlsSilo.Begin(other, silo);

        await silo.Refused;
        await using var client = await TlsClient.ConnectAsync(silo, own);
        Assert.Equal([silo.Port], await silo.MembersAsync(client));
    }

    private ClusterCertificate? Shown(string which) => which switch
    {
        "of another authority" => _theirs.MemberThatTrusts(_ours),
        "expired" => _ours.Member(-0.5, -0.1),
        _ => null,
    };
}
