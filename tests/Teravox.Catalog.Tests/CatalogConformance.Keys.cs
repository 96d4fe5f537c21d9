// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Grains.Catalog;
using Teravox.Testing;

namespace Teravox.Catalog.Tests;

// The key ring.
public abstract partial class CatalogConformance
{
    [Theory]
    [InlineData(ApiRole.Reader)]
    [InlineData(ApiRole.Submitter)]
    [InlineData(ApiRole.Operator)]
    public async Task AddKeyAsync_WhenRead_KeepsEveryField(ApiRole role)
    {
        var added = (await Catalog.AddKeyAsync("ann", role, "hash-a", Ct))!;

        Assert.Equal(new KeyRow(added.Id, "ann", role, IsNow(added.Created), null), added);
        Assert.Equal(added, await Catalog.FindKeyAsync("hash-a", Ct));
        Assert.Equal(added, Assert.Single(await Catalog.KeysAsync(Ct)));
        Assert.Null(await Catalog.FindKeyAsync("hash-b", Ct));
    }

    [Fact]
    public async Task AddKeyAsync_WhenNameOrHashIsTaken_GivesNullAndChangesNothing()
    {
        var added = await Catalog.AddKeyAsync("ann", ApiRole.Reader, "hash-a", Ct);

        Assert.Null(await Catalog.AddKeyAsync("ann", ApiRole.Operator, "hash-b", Ct));
        Assert.Null(await Catalog.AddKeyAsync("ben", ApiRole.Operator, "hash-a", Ct));
        Assert.Null(await Catalog.AddKeyAsync("ann", ApiRole.Operator, "hash-a", Ct));

        Assert.Equal(added, Assert.Single(await Catalog.KeysAsync(Ct)));
        Assert.Null(await Catalog.FindKeyAsync("hash-b", Ct));
    }

    [Fact]
    public async Task RevokeKeyAsync_WhenRevoked_TheNameIsFreeAndTheSecretStaysUseless()
    {
        var first = (await Catalog.AddKeyAsync("ann", ApiRole.Operator, "hash-a", Ct))!;

        Assert.True(await Catalog.RevokeKeyAsync("ann", Ct));
        Assert.False(await Catalog.RevokeKeyAsync("ann", Ct));
        Assert.False(await Catalog.RevokeKeyAsync("nobody", Ct));

        Assert.Null(await Catalog.FindKeyAsync("hash-a", Ct));
        Assert.Null(await Catalog.AddKeyAsync("ann", ApiRole.Operator, "hash-a", Ct));
        var second = await Catalog.AddKeyAsync("ann", ApiRole.Reader, "hash-b", Ct);
        Assert.Equal(second, await Catalog.FindKeyAsync("hash-b", Ct));
        var all = await Catalog.KeysAsync(Ct);
        Assert.Equal([first with { Revoked = IsNow(all[0].Revoked) }, second!], all);
    }

    [Theory]
    [InlineData("catalog.before-commit:addkey")]
    [InlineData("catalog.after-commit:addkey")]
    public async Task AddKeyAsync_WhenItsAnswerIsLost_TheRepeatGivesTheOneKey(string point)
    {
        using (FaultScope.Once(point, new DatabaseUnavailableException("connection lost")))
        {
            await Assert.ThrowsAsync<DatabaseUnavailableException>(() => Catalog.AddKeyAsync("ann", ApiRole.Reader, "hash-a", Ct));
            Assert.NotNull(await Catalog.AddKeyAsync("ann", ApiRole.Reader, "hash-a", Ct));
        }

        Assert.Single(await Catalog.KeysAsync(Ct));
    }
}
