// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Text;
using Teravox.Contracts;
using Teravox.Grains.Catalog;

namespace Teravox.Catalog.Tests;

public sealed class KeySecretTests
{
    [Fact]
    public void Make_WhenCalledOften_GivesSecretsOf32BytesThatDiffer()
    {
        var secrets = Enumerable.Range(0, 100).Select(_ => KeySecret.Make()).ToHashSet(StringComparer.Ordinal);

        Assert.Equal(100, secrets.Count);
        Assert.All(secrets, secret => Assert.StartsWith("tvx_", secret, StringComparison.Ordinal));
        Assert.All(secrets, secret => Assert.Equal(32, Base64Url.DecodeFromChars(secret.AsSpan(4)).Length));
    }

    // The value is that of: printf %s tvx_abc | sha256sum
    [Fact]
    public void Hash_WhenGivenASecret_IsItsSha256InHex() => Assert.Equal(
        "8ac0b993c58d0518b6b8ed1b424af1d05064ec6e40487e1747dbde5fbccda5af",
        KeySecret.Hash("tvx_abc"));

    [Theory]
    [InlineData("", false)]
    [InlineData("ann", true)]
    [InlineData("ann@lab.example", true)]
    [InlineData("ann b", false)]
    [InlineData("ann\n", false)]
    public void CheckName_WhenGivenAName_RefusesWhatIsNotOne(string name, bool good)
    {
        var error = Record.Exception(() => KeySecret.CheckName(name));

        Assert.Equal(good, error is null);
        Assert.True(error is null or InputException);
        Assert.Throws<InputException>(() => KeySecret.CheckName(new string('a', 65)));
    }
}
