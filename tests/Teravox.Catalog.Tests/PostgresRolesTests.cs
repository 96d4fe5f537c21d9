// SPDX-License-Identifier: Apache-2.0
using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Contracts.Work;
using Teravox.Grains.Catalog;
using Teravox.Silo.Local;

namespace Teravox.Catalog.Tests;

/// <summary>The roles of deploy/sql/roles.sql on a server of their own: what they may do is enough, and no more.</summary>
public sealed class PostgresRolesTests(PostgresRolesTests.RolesServer roles) : IClassFixture<PostgresRolesTests.RolesServer>, IAsyncLifetime
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => await roles.StartAsync();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task SiloRole_WhenItDoesAllThatTheCatalogDoes_LacksNoRight()
    {
        await using var catalog = await Catalogs.OpenAsync(roles.Address("teravox_silo"), Ct);
        await catalog.MigrateAsync(Ct);

        var news = catalog.WaitForNewsAsync(TimeSpan.FromHours(1), Ct);
        var id = Assert.Single(await catalog.SubmitAsync([new NewExperiment("e", "{}", [new NewStage("s", "kind", [])], "key")], Ct));
        await news.WaitAsync(TimeSpan.FromSeconds(30), Ct);
        await catalog.RecordAsync(id, ExperimentState.Paused, [new NewEvent("m", "log", null, "text")], Ct);
        Assert.Equal(ExperimentState.Paused, (await catalog.FindAsync(id, Ct))!.State);
        Assert.NotEmpty(await catalog.ListAsync(new ExperimentQuery(), Ct));
        Assert.NotEmpty(await catalog.CountAsync(Ct));
        Assert.Equal(2, (await catalog.EventsAsync(id, 0, 10, Ct)).Count);

        var entry = (await catalog.AddEntryAsync(EntryKinds.Volume, "v", null, "{}", Ct))!;
        Assert.True(await catalog.ReplaceEntryAsync(entry.Id, 1, "{\"n\":1}", Ct));
        Assert.NotNull(await catalog.FindEntryAsync(EntryKinds.Volume, "v", Ct));
        Assert.True(await catalog.RemoveEntryAsync(entry.Id, Ct));
        Assert.Empty(await catalog.EntriesAsync(EntryKinds.Volume, null, 10, Ct));

        Assert.NotNull(await catalog.AddKeyAsync("ann", ApiRole.Operator, "hash", Ct));
        Assert.NotNull(await catalog.FindKeyAsync("hash", Ct));
        Assert.NotEmpty(await catalog.KeysAsync(Ct));
        Assert.True(await catalog.RevokeKeyAsync("ann", Ct));
    }

    [Fact]
    public async Task SiloRole_WhenItDoesAllThatOrleansDoes_LacksNoRight()
    {
        // Joining and leaving are writes of the silo's row.
        await using var silo = await StorageSilo.StartAsync(roles.Address("teravox_silo"), joins: true);
        var members = silo.Services.GetRequiredService<IMembershipTable>();
        Assert.Contains((await members.ReadAllAsync(Ct)).Members, member => member.Item1.Status == SiloStatus.Active);
        await members.CleanupDefunctSiloEntriesAsync(DateTimeOffset.UtcNow.AddDays(-1), Ct);

        var id = GrainId.Create("roles-test", "12/infer-N/3");
        var state = new GrainState<StorageConformance.Sums>(new StorageConformance.Sums("a", [1]));
        await silo.Storage.WriteStateAsync("state", id, state);
        await silo.Storage.WriteStateAsync("state", id, state);
        await silo.Storage.ReadStateAsync("state", id, state);
        await silo.Storage.ClearStateAsync("state", id, state);

        var reminders = silo.Services.GetRequiredService<IReminderTable>();
        var etag = await reminders.UpsertRow(new ReminderEntry { GrainId = id, ReminderName = "r", StartAt = DateTime.UtcNow.AddHours(1), Period = TimeSpan.FromHours(1) }, Ct);
        etag = await reminders.UpsertRow(new ReminderEntry { GrainId = id, ReminderName = "r", StartAt = DateTime.UtcNow.AddHours(2), Period = TimeSpan.FromHours(1), ETag = etag }, Ct);
        Assert.NotNull(await reminders.ReadRow(id, "r", Ct));
        Assert.True(await reminders.RemoveRow(id, "r", etag!, Ct));
    }

    [Theory]
    [InlineData("DROP TABLE event")]
    [InlineData("ALTER TABLE orleans_grain ADD COLUMN x integer")]
    [InlineData("CREATE TABLE mine (x integer)")]
    [InlineData("TRUNCATE orleans_grain")]
    [InlineData("DELETE FROM event")]
    [InlineData("UPDATE event SET text = ''")]
    [InlineData("DELETE FROM experiment")]
    [InlineData("UPDATE experiment SET spec = '{}'")]
    [InlineData("DELETE FROM orleans_grain")]
    [InlineData("DELETE FROM orleans_cluster")]
    [InlineData("UPDATE orleansquery SET querytext = 'SELECT 1'")]
    [InlineData("INSERT INTO orleansquery (querykey, querytext) VALUES ('a', 'b')")]
    [InlineData("UPDATE entry SET owner = 'me'")]
    [InlineData("DELETE FROM api_key")]
    [InlineData("UPDATE api_key SET hash = 'x'")]
    [InlineData("UPDATE api_key SET role = 'operator'")]
    [InlineData("INSERT INTO catalog_version (version) VALUES (99)")]
    [InlineData("DROP FUNCTION notify_news()")]
    [InlineData("CREATE OR REPLACE FUNCTION notify_news() RETURNS void LANGUAGE sql AS $$ SELECT $$")]
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
                tables.Add(reader.GetString(0));
        }

        Assert.Contains("orleans_grain", tables);
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
        Assert.Contains("empty has no catalog yet", early.MessageText, StringComparison.Ordinal);
        var notMigrated = await Assert.ThrowsAsync<InputException>(() => Catalogs.OpenAsync(roles.Address("teravox_silo") + "&schema=other", Ct));
        Assert.Contains("lacks a right", notMigrated.Message, StringComparison.Ordinal);
    }

    private async Task RefusedAsync(string role, string sql)
    {
        var error = await Record.ExceptionAsync(() => roles.ExecuteAsync(role, sql));
        Assert.True(error is PostgresException { SqlState: PostgresErrorCodes.InsufficientPrivilege }, $"{role}: {sql}: {error?.Message ?? "was done"}");
    }

    /// <summary>A server whose catalog the owner's role migrated and whose rights roles.sql gave; started by the first test.</summary>
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
                await (await Catalogs.OpenAsync(Address("teravox_owner"), Ct)).DisposeAsync();
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
                await _server.DisposeAsync();
            _folder.Dispose();
        }
    }
}
