// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts.Api;
using Teravox.Grains.Ledger;

namespace Teravox.Ledger.Tests;

// The key ring.
public abstract partial class LedgerConformance
{
    [Theory]
    [InlineData(ApiRole.Reader)]
    [InlineData(ApiRole.Submitter)]
    [InlineData(ApiRole.Operator)]
    public async Task AddKeyAsync_WhenRead_KeepsEveryField(ApiRole role)
    {
        var added = (await Ledger.AddKeyAsync("ann", role, "hash-a", Ct))!;

        Assert.Equal(new KeyRow(added.Id, "ann", role, Clock.GetUtcNow(), null), added);
        Assert.Equal(added, await Ledger.FindKeyAsync("hash-a", Ct));
        Assert.Equal(added, Assert.Single(await Ledger.KeysAsync(Ct)));
        Assert.Null(await Ledger.FindKeyAsync("hash-b", Ct));
    }

    [Fact]
    public async Task AddKeyAsync_WhenNameOrHashIsTaken_GivesNullAndChangesNothing()
    {
        var added = await Ledger.AddKeyAsync("ann", ApiRole.Reader, "hash-a", Ct);

        Assert.Null(await Ledger.AddKeyAsync("ann", ApiRole.Operator, "hash-b", Ct));
        Assert.Null(await Ledger.AddKeyAsync("ben", ApiRole.Operator, "hash-a", Ct));
        Assert.Null(await Ledger.AddKeyAsync("ann", ApiRole.Operator, "hash-a", Ct));

        Assert.Equal(added, Assert.Single(await Ledger.KeysAsync(Ct)));
        Assert.Null(await Ledger.FindKeyAsync("hash-b", Ct));
    }

    [Fact]
    public async Task RevokeKeyAsync_WhenRevoked_TheNameIsFreeAndTheSecretStaysUseless()
    {
        var first = (await Ledger.AddKeyAsync("ann", ApiRole.Operator, "hash-a", Ct))!;
        Clock.Advance(TimeSpan.FromHours(1));

        Assert.True(await Ledger.RevokeKeyAsync("ann", Ct));
        Assert.False(await Ledger.RevokeKeyAsync("ann", Ct));
        Assert.False(await Ledger.RevokeKeyAsync("nobody", Ct));

        Assert.Null(await Ledger.FindKeyAsync("hash-a", Ct));
        Assert.Null(await Ledger.AddKeyAsync("ann", ApiRole.Operator, "hash-a", Ct));
        var second = await Ledger.AddKeyAsync("ann", ApiRole.Reader, "hash-b", Ct);
        Assert.Equal(second, await Ledger.FindKeyAsync("hash-b", Ct));
        Assert.Equal([first with { Revoked = Clock.GetUtcNow() }, second!], await Ledger.KeysAsync(Ct));
    }

    [Theory]
    [InlineData("ledger.before-commit:addkey")]
    [InlineData("ledger.after-commit:addkey")]
    public async Task AddKeyAsync_WhenItsAnswerIsLost_TheRepeatGivesTheOneKey(string point)
    {
        using (FaultScope.Once(point, new LedgerUnavailableException("connection lost")))
        {
            await Assert.ThrowsAsync<LedgerUnavailableException>(() => Ledger.AddKeyAsync("ann", ApiRole.Reader, "hash-a", Ct));
            Assert.NotNull(await Ledger.AddKeyAsync("ann", ApiRole.Reader, "hash-a", Ct));
        }

        Assert.Single(await Ledger.KeysAsync(Ct));
    }
}
