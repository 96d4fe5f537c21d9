// SPDX-License-Identifier: Apache-2.0
using Npgsql;
using Teravox.Contracts;
using Teravox.Grains.Catalog;
using Teravox.Grains.Catalog.Postgres;

namespace Teravox.Catalog.Tests;

/// <summary>Addresses of PostgreSQL catalogs, good and bad.</summary>
public sealed class PostgresAddressTests
{
    [Fact]
    public void Parse_WhenEverythingIsGiven_DecodesIt()
    {
        var address = PostgresAddress.Parse("postgres://a%40b:p%2Fw%3A%25@db.example:6000/my%20catalog?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem&pool=7&schema=s_1&durable=false");

        var connection = address.Connection;
        Assert.Equal(("a@b", "p/w:%", "db.example", 6000, "my catalog"), (connection.Username, connection.Password, connection.Host, connection.Port, connection.Database));
        Assert.Equal((SslMode.VerifyFull, "/etc/ca.pem", 7), (connection.SslMode, connection.RootCertificate, connection.MaxPoolSize));
        Assert.Equal(("s_1", false), (address.Schema, address.Durable));
        Assert.DoesNotContain("p/w", address.Shown, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_WhenLittleIsGiven_TakesTheUsualRest()
    {
        var address = PostgresAddress.Parse("postgresql://[::1]/teravox");

        Assert.Equal(("::1", 5432, "teravox", Environment.UserName), (address.Connection.Host, address.Connection.Port, address.Connection.Database, address.Connection.Username));
        Assert.True(address.Durable);
        Assert.Null(address.Schema);
    }

    [Fact]
    public void Parse_WhenOptionHostIsAFolder_TakesTheSocketThere()
    {
        Assert.Equal("/run/postgresql", PostgresAddress.Parse("postgres:///teravox?host=%2Frun%2Fpostgresql").Connection.Host);

        var address = PostgresAddress.Parse("postgres://ann:s3cret@localhost:5433/teravox?host=%2Frun%2Fpostgresql&schema=s");
        Assert.Equal(("/run/postgresql", 5433), (address.Connection.Host, address.Connection.Port));
        Assert.Equal("postgres://ann@localhost:5433/teravox?host=%2Frun%2Fpostgresql", address.Shown);
    }

    [Theory]
    [InlineData("postgres:teravox", "names no host")]
    [InlineData("postgres://user:p@ss:word@/x", "form")]
    [InlineData("postgres://host", "names no database")]
    [InlineData("postgres:///teravox", "names no host")]
    [InlineData("postgres://host/teravox?poll=3", "unknown option 'poll'")]
    [InlineData("postgres://host/teravox?pool=0", "1 to 1000")]
    [InlineData("postgres://host/teravox?sslmode=yes", "verify-full")]
    [InlineData("postgres://host/teravox?schema=A;DROP", "small letters")]
    [InlineData("postgres://host/teravox?durable", "true or false")]
    [InlineData("mysql://host/teravox", "postgres://")]
    public async Task OpenAsync_WhenTheAddressIsBad_NamesThePart(string address, string part)
    {
        var error = await Assert.ThrowsAsync<InputException>(() => Catalogs.OpenAsync(address, TestContext.Current.CancellationToken));

        Assert.Contains(part, error.Message, StringComparison.Ordinal);
    }
}
