// SPDX-License-Identifier: Apache-2.0
using System.Data.Common;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Npgsql;
using Teravox.Contracts;

namespace Teravox.Grains.Catalog.Postgres;

/// <summary>
/// The database of a cluster: a PostgreSQL that any number of silos share. Every call takes a connection of the pool for one
/// transaction. When the answer to a write is lost, the call says <see cref="DatabaseUnavailableException"/> and may be repeated.
/// </summary>
internal sealed class PostgresDatabase : CatalogDatabase
{
    private const int OldestServer = 140000;

    /// <summary>How long a call goes on trying where trying again can not write twice.</summary>
    private static readonly TimeSpan TryFor = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);

    /// <summary>How long the server works on a statement, waits for locks included.</summary>
    private static readonly TimeSpan StatementTimeout = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How long the server keeps a transaction whose client says nothing: one that was stopped or cut off in the middle must not
    /// hold its locks for longer.
    /// </summary>
    private static readonly TimeSpan IdleInTransactionTimeout = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan MigrationTimeout = TimeSpan.FromMinutes(10);

    private readonly PostgresAddress _address;
    private readonly NpgsqlDataSource _source;
    private readonly NewsSignal _news = new();
    private readonly Lock _lock = new();
    private PostgresListener? _listener;
    private bool _disposed;

    public PostgresDatabase(PostgresAddress address)
    {
        _address = address;
        Configure(address);
        _source = NpgsqlDataSource.Create(address.Connection);
    }

    public override SqlTexts Texts => SqlTexts.Postgres;

    // The client waits a little longer than the server works, so that it is the server that gives up.
    private static TimeSpan Longest => StatementTimeout + TimeSpan.FromSeconds(5);

    public override Task WaitForNewsAsync(TimeSpan atMost, CancellationToken ct)
    {
        var wait = _news.WaitAsync(atMost, ct);
        lock (_lock)
        {
            // Only who waits needs a listener, and a tool that asks once does not.
            ObjectDisposedException.ThrowIf(_disposed, this);
            _listener ??= new PostgresListener(_address.Connection, Texts["schema.listen"], _news.Set);
        }

        return wait;
    }

    /// <summary>Closes the connections; calls in progress may still end.</summary>
    public override async ValueTask DisposeAsync()
    {
        PostgresListener? listener;
        lock (_lock)
        {
            _disposed = true;
            (listener, _listener) = (_listener, null);
        }

        if (listener is not null)
            await listener.DisposeAsync();
        await _source.DisposeAsync();
    }

    public override Task<T> WriteAsync<T>(string operation, Func<CatalogTransaction, Task<T>> body, CancellationToken ct) =>
        WriteAsync(operation, Longest, body, ct);

    public override Task<T> ReadAsync<T>(Func<DbConnection, Task<T>> body, CancellationToken ct) => CallAsync("read", body, ct, again: true);

    /// <inheritdoc/>
    /// <exception cref="InputException">The database is of a newer Teravox or of one before Orleans, not a catalog, or on a server that is too old.</exception>
    public override async Task MigrateAsync(CancellationToken ct)
    {
        // Where there is nothing to do it takes no lock and needs no right but to read.
        if (await WriteAsync("migrate", IsDoneAsync, ct))
            return;
        await WriteAsync(
            "migrate",
            MigrationTimeout,
            async turn =>
            {
                await turn.ExecuteAsync("schema.noTimeout");
                await turn.ExecuteAsync("schema.lock");
                await MigrateAsync(turn);
                return true;
            },
            ct);
    }

    private static void Configure(PostgresAddress address)
    {
        static string Milliseconds(TimeSpan time) => ((long)time.TotalMilliseconds).ToString(CultureInfo.InvariantCulture);

        var connection = address.Connection;
        connection.ApplicationName = address.Schema is null ? "teravox" : $"teravox {address.Schema}";
        connection.Timeout = (int)Math.Ceiling(ConnectTimeout.TotalSeconds);
        connection.CommandTimeout = (int)Math.Ceiling(Longest.TotalSeconds);
        connection.KeepAlive = 30;
        connection.MaxAutoPrepare = 100;
        connection.AutoPrepareMinUsages = 2;
        connection.NoResetOnClose = true;
        connection.SearchPath = address.Schema;
        string[] settings =
        [
            $"statement_timeout={Milliseconds(StatementTimeout)}",
            $"idle_in_transaction_session_timeout={Milliseconds(IdleInTransactionTimeout)}",
            "jit=off",
            .. address.Durable ? [] : new[] { "synchronous_commit=off" },
        ];
        connection.Options = string.Join(' ', settings.Select(setting => "-c " + setting));
    }

    private Task<T> WriteAsync<T>(string operation, TimeSpan timeout, Func<CatalogTransaction, Task<T>> body, CancellationToken ct) => CallAsync(
        operation,
        async connection =>
        {
            await using var transaction = await connection.BeginTransactionAsync(CancellationToken.None);
            var turn = new CatalogTransaction(Texts, connection, transaction, timeout);
            var result = await body(turn);
            if (turn.HasNews)
                await turn.ExecuteAsync("schema.notify");
            FaultPoints.Hit("catalog.before-commit:" + operation);
            await transaction.CommitAsync(CancellationToken.None);
            if (turn.HasNews)
                _news.Set();
            CountWrite(operation);
            FaultPoints.Hit("catalog.after-commit:" + operation);
            return result;
        },
        ct);

    /// <summary>
    /// Runs <paramref name="body"/> with a connection. What can not have written anything is tried again for a while: there
    /// was no connection, or the server undid the transaction. Where doing it <paramref name="again"/> is as good as once,
    /// it is also tried again when the connection broke, so that a short restart of the server is not noticed.
    /// </summary>
    private async Task<T> CallAsync<T>(string operation, Func<NpgsqlConnection, Task<T>> body, CancellationToken ct, bool again = false)
    {
        long? firstFailure = null;
        while (true)
        {
            var connected = false;
            try
            {
                await using var connection = await _source.OpenConnectionAsync(ct);
                connected = true;
                return await body(connection);
            }
            catch (Exception e) when (e is NpgsqlException or TimeoutException or IOException)
            {
                var mayRepeat = connected
                    ? PostgresErrors.WasUndone(e) || (again && PostgresErrors.WasCutOff(e))
                    : PostgresErrors.MayConnectLater(e);
                firstFailure ??= Stopwatch.GetTimestamp();
                if (!mayRepeat || Stopwatch.GetElapsedTime(firstFailure.Value) > TryFor)
                {
                    if (PostgresErrors.Translate(e, operation, _address) is { } better)
                        throw better;
                    throw;
                }
            }

            await Task.Delay(TimeSpan.FromMilliseconds(20 + Random.Shared.Next(80)), ct);
        }
    }

    private async Task<bool> IsDoneAsync(CatalogTransaction turn)
    {
        if (!(await LookAsync(turn)).IsCatalog)
            return false;
        var version = await turn.ScalarAsync<int>("schema.version");
        return version == Texts.Newest && await turn.ScalarAsync<int>("schema.queriesMissing", OrleansQueries.Arguments) == 0;
    }

    private async Task MigrateAsync(CatalogTransaction turn)
    {
        var look = await LookAsync(turn);
        if (look.Schema is null)
        {
            if (_address.Schema is null)
                throw new InputException($"The user of database {_address.Shown} has no schema there; name one with option schema.");
            await turn.ExecuteTextAsync(Texts["schema.make"].Replace("NAME", _address.Schema, StringComparison.Ordinal));
        }
        else if (look.IsOlder)
        {
            throw new InputException($"{_address.Shown} is of an older Teravox, whose unfinished work this version cannot go on with; use a new database, or name a new schema with option schema.");
        }
        else if (!look.IsCatalog && look.HasTables)
        {
            throw new InputException($"{_address.Shown} has tables, but none of Teravox; use a database of its own, or name a new schema with option schema.");
        }

        if (!look.IsCatalog)
            await turn.ExecuteAsync("schema.versionTable");
        var version = await turn.ScalarAsync<int>("schema.version");
        if (version > Texts.Newest)
            throw new InputException($"Database {_address.Shown} has schema version {version}, this Teravox knows versions up to {Texts.Newest}; use a newer Teravox.");
        foreach (var migration in Texts.Migrations.Where(migration => migration.Version > version))
        {
            await turn.ExecuteTextAsync(migration.Text);
            await turn.ExecuteAsync("schema.addVersion", new { version = migration.Version });
        }

        await turn.ExecuteAsync("schema.putQueries", OrleansQueries.Arguments);
    }

    private async Task<Look> LookAsync(CatalogTransaction turn)
    {
        var look = (await turn.FirstAsync<Look>("schema.look"))!;
        return look.Server >= OldestServer
            ? look
            : throw new InputException($"Database {_address.Shown} is on PostgreSQL {look.Server / 10000}; Teravox needs {OldestServer / 10000} or newer.");
    }

    [SuppressMessage("Performance", "CA1812", Justification = "Dapper makes it.")]
    private sealed record Look
    {
        public int Server { get; init; }

        public string? Schema { get; init; }

        public bool IsCatalog { get; init; }

        public bool IsOlder { get; init; }

        public bool HasTables { get; init; }
    }
}
