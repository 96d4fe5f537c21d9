// SPDX-License-Identifier: Apache-2.0
using System.Reflection;
using Npgsql;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Grains.Ledger;
using Teravox.Grains.Ledger.Postgres;
using Teravox.Silo.Local;

namespace Teravox.Ledger.Tests;

/// <summary>The roles of deploy/sql/roles.sql on a server of their own: what they may do is enough, and no more.</summary>
public sealed class PostgresRolesTests(PostgresRolesTests.RolesServer roles) : IClassFixture<PostgresRolesTests.RolesServer>, IAsyncLifetime
{
    private readonly FakeClock _clock = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => await roles.StartAsync();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task SiloRole_WhenItDoesAllThatSilosDo_LacksNoRight()
    {
        await using var ledger = await PostgresLedger.OpenAsync(
            roles.Address("teravox_silo"), new PostgresLedgerOptions { Time = _clock, RetryDelay = TimeSpan.Zero }, Ct);
        await ledger.MigrateAsync(Ct);

        // Submits, expansions, claims, heartbeats, commits, failures, reaps, pauses, cancels and retries in a generated order.
        var sequence = new LedgerSequence(ledger, _clock, seed: 1, Ct);
        await sequence.RunAsync(steps: 300);

        Assert.NotEmpty(await ledger.EventsAsync(null, 0, 10, Ct));
        var hint = ledger.WaitForHintAsync(TimeSpan.FromSeconds(30), Ct);
        await ledger.SubmitAsync(new NewExperiment("e", "{}", [new NewStage("s", "kind", [])]), Ct);
        await hint;

        await ledger.SignOnAsync(new SiloEntry("a", null, "m", "1", [], [], []), Ct);
        Assert.True(await ledger.BeatAsync("a", new SiloStatus(), Ct));
        _clock.Advance(TimeSpan.FromHours(1));
        Assert.Empty(await ledger.SilosAsync(TimeSpan.FromMinutes(10), Ct));
        await ledger.SignOffAsync("a", Ct);

        var entry = (await ledger.AddEntryAsync(CatalogueKinds.Volume, "v", null, "{}", Ct))!;
        Assert.True(await ledger.ReplaceEntryAsync(entry.Id, 1, "{\"n\":1}", Ct));
        Assert.True(await ledger.RemoveEntryAsync(entry.Id, Ct));

        Assert.NotNull(await ledger.AddKeyAsync("ann", ApiRole.Operator, "hash", Ct));
        Assert.NotNull(await ledger.FindKeyAsync("hash", Ct));
        Assert.True(await ledger.RevokeKeyAsync("ann", Ct));
    }

    [Theory]
    [InlineData("DROP TABLE event")]
    [InlineData("ALTER TABLE work_item ADD COLUMN x integer")]
    [InlineData("CREATE TABLE mine (x integer)")]
    [InlineData("TRUNCATE work_item")]
    [InlineData("DELETE FROM event")]
    [InlineData("UPDATE event SET text = ''")]
    [InlineData("DELETE FROM experiment")]
    [InlineData("UPDATE experiment SET spec = '{}'")]
    [InlineData("DELETE FROM work_item")]
    [InlineData("DELETE FROM api_key")]
    [InlineData("UPDATE api_key SET hash = 'x'")]
    [InlineData("UPDATE api_key SET role = 'operator'")]
    [InlineData("INSERT INTO teravox_schema (version, applied) VALUES (99, 0)")]
    [InlineData("DROP FUNCTION ring()")]
    [InlineData("CREATE OR REPLACE FUNCTION ring() RETURNS void LANGUAGE sql AS $$ SELECT $$")]
    [InlineData("DROP SCHEMA public CASCADE")]
    [InlineData("CREATE ROLE mine SUPERUSER")]
    [InlineData("COPY event TO PROGRAM 'cat'")]
    public async Task SiloRole_WhenItTriesMore_IsRefused(string sql)
    {
        var error = await Assert.ThrowsAsync<PostgresException>(() => roles.ExecuteAsync("teravox_silo", sql));

        Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, error.SqlState);
    }

    [Fact]
    public async Task ReaderRole_WhenItReads_SeesAllButHashesAndChangesNothing()
    {
        await using var source = NpgsqlDataSource.Create(roles.ConnectionString("teravox_reader"));
        var tables = new List<string>();
        await using (var command = source.CreateCommand("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
        await using (var reader = await command.ExecuteReaderAsync(Ct))
        {
            while (await reader.ReadAsync(Ct))
            {
                tables.Add(reader.GetString(0));
            }
        }

        Assert.Contains("work_item", tables);
        foreach (var table in tables)
        {
            await roles.ExecuteAsync("teravox_reader", table == "api_key" ? "SELECT id, name, role, created, revoked FROM api_key" : $"SELECT * FROM {table}");
            await roles.ExecuteAsync("teravox_silo", $"SELECT * FROM {table}");
            foreach (var change in new[] { $"DELETE FROM {table}", $"INSERT INTO {table} DEFAULT VALUES", $"TRUNCATE {table}" })
            {
                await RefusedAsync("teravox_reader", change);
            }
        }

        await RefusedAsync("teravox_reader", "SELECT hash FROM api_key");
        await RefusedAsync("teravox_reader", "UPDATE experiment SET state = 'paused'");
    }

    [Fact]
    public async Task RolesSql_WhenRunAgainOrTooEarly_ChangesNothingOrSaysWhatToDo()
    {
        await roles.ExecuteAsync("teravox_owner", "GRANT DELETE ON event TO teravox_silo");
        await roles.ExecuteAsync("teravox_owner", await RolesServer.ReadRolesAsync());
        await RefusedAsync("teravox_silo", "DELETE FROM event");

        await roles.ExecuteAsync("teravox_owner", "CREATE SCHEMA empty");
        var early = await Assert.ThrowsAsync<PostgresException>(async () =>
            await roles.ExecuteAsync("teravox_owner", "SET search_path = empty; " + await RolesServer.ReadRolesAsync()));
        Assert.Contains("empty is not a ledger yet", early.MessageText, StringComparison.Ordinal);
        var notMigrated = await Assert.ThrowsAsync<InputException>(() => PostgresLedger.OpenAsync(roles.Address("teravox_silo") + "&schema=other", ct: Ct));
        Assert.Contains("lacks a right", notMigrated.Message, StringComparison.Ordinal);
    }

    private async Task RefusedAsync(string role, string sql)
    {
        var error = await Record.ExceptionAsync(() => roles.ExecuteAsync(role, sql));
        Assert.True(error is PostgresException { SqlState: PostgresErrorCodes.InsufficientPrivilege }, $"{role}: {sql}: {error?.Message ?? "was done"}");
    }

    /// <summary>A server whose ledger the owner's role migrated and whose rights roles.sql gave; started by the first test.</summary>
    public sealed class RolesServer : IAsyncDisposable
    {
        private readonly TempFolder _folder = new();
        private PrivatePostgres? _server;

        internal async Task StartAsync()
        {
            if (_server is null)
            {
                _server = await PostgresServer.StartOwnAsync(_folder);

                // Every role may log in: what is tested is what it may do then.
                await _server.StopAsync(Signals.Interrupt, Ct);
                await File.WriteAllTextAsync(_folder["postgres/data/pg_hba.conf"], "local all all trust\n", Ct);
                await _server.StartAsync(Ct);
                await ExecuteAsync("teravox", "CREATE ROLE teravox_owner LOGIN CREATEROLE; ALTER DATABASE teravox OWNER TO teravox_owner");
                await (await PostgresLedger.OpenAsync(Address("teravox_owner"), ct: Ct)).DisposeAsync();
                await ExecuteAsync("teravox_owner", await ReadRolesAsync());
            }
        }

        internal string Address(string role) => _server!.Address.Replace("teravox@", role + "@", StringComparison.Ordinal);

        internal string ConnectionString(string role) => new NpgsqlConnectionStringBuilder
        {
            Host = _server!.SocketFolder,
            Port = PrivatePostgres.Port,
            Database = PrivatePostgres.Database,
            Username = role,
            Pooling = false,
        }.ConnectionString;

        internal static Task<string> ReadRolesAsync()
        {
            var root = typeof(RolesServer).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(data => data.Key == "RepoRoot").Value!;
            return File.ReadAllTextAsync(Path.Combine(root, "deploy", "sql", "roles.sql"), Ct);
        }

        internal async Task ExecuteAsync(string role, string sql)
        {
            await using var connection = new NpgsqlConnection(ConnectionString(role));
            await connection.OpenAsync(Ct);
            await using var command = new NpgsqlCommand(sql, connection);
            await command.ExecuteNonQueryAsync(Ct);
        }

        public async ValueTask DisposeAsync()
        {
            if (_server is not null)
            {
                await _server.DisposeAsync();
            }

            _folder.Dispose();
        }
    }
}
