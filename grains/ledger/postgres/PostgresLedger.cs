// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Globalization;
using Dapper;
using Npgsql;
using Teravox.Contracts;

namespace Teravox.Grains.Ledger.Postgres;

/// <summary>
/// The ledger of a cluster, in a PostgreSQL database that any number of silos share. Its row locks, leases and
/// notifications are all the coordination they need.
/// <para>
/// Every call takes a connection of the pool for one transaction. Reads are cancelled by their token; a write that has
/// been sent runs to its end, else a caller could not know whether rows were leased to it. When the answer to a write is
/// lost, the call says <see cref="LedgerUnavailableException"/> and may be repeated: writes are fenced by the lease or
/// change only what is not yet so. The one exception is a submission without an idempotency key, whose repeat may make a
/// second experiment.
/// </para>
/// <para>Fault points: <c>ledger.before-commit:OP</c> and <c>ledger.after-commit:OP</c> around every write transaction,
/// where OP is the method's name without Async in lower case ("commit", "claim", "reap"). Where the transaction is one
/// statement, the first is reached before it is sent.</para>
/// </summary>
public sealed partial class PostgresLedger : ILedger
{
    private readonly PostgresAddress _address;
    private readonly PostgresLedgerOptions _options;
    private readonly NpgsqlDataSource _source;
    private readonly HintBell _bell = new();
    private readonly ClaimCursor _cursor = new();
    private readonly Lock _lock = new();
    private PostgresListener? _listener;
    private bool _disposed;

    private PostgresLedger(PostgresAddress address, PostgresLedgerOptions options)
    {
        _address = address;
        _options = options;
        Configure(address, options);
        _source = NpgsqlDataSource.Create(address.Connection);
    }

    /// <summary>Opens the database and brings its schema to the newest version.</summary>
    /// <param name="address"><c>postgres://user:password@host:port/database?option=value</c>.</param>
    /// <param name="options">Settings.</param>
    /// <param name="ct">Stops the opening.</param>
    /// <exception cref="InputException">The address is not one, user or password are wrong, the database is missing, is not
    /// a ledger or of a newer teravox, or the server is too old.</exception>
    /// <exception cref="LedgerUnavailableException">The server does not answer.</exception>
    public static async Task<PostgresLedger> OpenAsync(
        string address, PostgresLedgerOptions? options = null, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(address);
        var ledger = new PostgresLedger(PostgresAddress.Parse(address), options ?? new PostgresLedgerOptions());
        try
        {
            await ledger.MigrateAsync(ct);
            return ledger;
        }
        catch
        {
            await ledger.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc/>
    public async Task MigrateAsync(CancellationToken ct)
    {
        if (await WriteAsync("migrate", turn => PostgresMigrations.IsDoneAsync(turn, _address), ct))
        {
            return;
        }

        await WriteAsync(
            "migrate",
            async turn =>
            {
                await turn.AllowAsync(_options.LongTimeout);
                await PostgresMigrations.ApplyAsync(turn, _address);
                return true;
            },
            ct);
    }

    /// <inheritdoc/>
    public Task WaitForHintAsync(TimeSpan atMost, CancellationToken ct)
    {
        var wait = _bell.WaitAsync(atMost, _options.Time ?? TimeProvider.System, ct);
        lock (_lock)
        {
            // Only who waits needs a listener, and a tool that asks once does not.
            ObjectDisposedException.ThrowIf(_disposed, this);
            _listener ??= new PostgresListener(_address.Connection, Heard);
        }

        return wait;
    }

    /// <summary>Closes the connections; calls in progress may still end.</summary>
    public async ValueTask DisposeAsync()
    {
        PostgresListener? listener;
        lock (_lock)
        {
            _disposed = true;
            listener = _listener;
            _listener = null;
        }

        if (listener is not null)
        {
            await listener.DisposeAsync();
        }

        await _source.DisposeAsync();
    }

    /// <summary>There may be more to claim than there was, and other places to look for it.</summary>
    private void Heard()
    {
        _cursor.Reset();
        _bell.Ring();
    }

    private long? Given => _options.Time?.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>One write transaction; its events are written and its bell rung at its end.</summary>
    private Task<T> WriteAsync<T>(string operation, Func<PostgresTurn, Task<T>> body, CancellationToken ct) => CallAsync(
        operation,
        async connection =>
        {
            await using var transaction = await connection.BeginTransactionAsync(CancellationToken.None);
            var turn = new PostgresTurn(connection, transaction, Given, Longest);
            var result = await body(turn);
            if (turn.IsVoid)
            {
                return result;
            }

            await turn.EndAsync();
            FaultPoints.Hit("ledger.before-commit:" + operation);
            await transaction.CommitAsync(CancellationToken.None);
            if (turn.Rings)
            {
                Heard();
            }

            FaultPoints.Hit("ledger.after-commit:" + operation);
            return result;
        },
        ct);

    private async Task<IReadOnlyList<TRow>> RowsAsync<TData, TRow>(
        string sql, object? arguments, Func<TData, TRow> toRow, CancellationToken ct) =>
        await CallAsync<IReadOnlyList<TRow>>(
            "read",
            async connection => [.. (await connection.QueryAsync<TData>(new CommandDefinition(sql, arguments, cancellationToken: ct))).Select(toRow)],
            ct,
            again: true);

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
                if (!mayRepeat || Stopwatch.GetElapsedTime(firstFailure.Value) > _options.TryFor)
                {
                    if (PostgresErrors.Translate(e, operation, _address) is { } better)
                    {
                        throw better;
                    }

                    throw;
                }
            }

            await Task.Delay(TimeSpan.FromMilliseconds(20 + Random.Shared.Next(80)), ct);
        }
    }

    /// <summary>The client waits a little longer than the server works, so that it is the server that gives up.</summary>
    private TimeSpan Longest => _options.StatementTimeout + TimeSpan.FromSeconds(5);

    internal static void Configure(PostgresAddress address, PostgresLedgerOptions options)
    {
        static string Milliseconds(TimeSpan time) => ((long)time.TotalMilliseconds).ToString(CultureInfo.InvariantCulture);

        var connection = address.Connection;
        connection.ApplicationName = address.Schema is null ? "teravox" : $"teravox {address.Schema}";
        connection.Timeout = (int)Math.Ceiling(options.ConnectTimeout.TotalSeconds);
        connection.CommandTimeout = (int)Math.Ceiling((options.StatementTimeout + TimeSpan.FromSeconds(5)).TotalSeconds);
        connection.KeepAlive = 30;
        connection.MaxAutoPrepare = 100;
        connection.AutoPrepareMinUsages = 2;
        connection.NoResetOnClose = true;
        connection.SearchPath = address.Schema;

        // Every statement here walks an index in order. Without statistics, as just after a stage got its first million of
        // items, the planner may think otherwise.
        string[] settings =
        [
            $"statement_timeout={Milliseconds(options.StatementTimeout)}",
            $"idle_in_transaction_session_timeout={Milliseconds(options.IdleInTransactionTimeout)}",
            "jit=off", "enable_seqscan=off", "enable_bitmapscan=off",
            .. address.Durable ? [] : new[] { "synchronous_commit=off" },
        ];
        connection.Options = string.Join(' ', settings.Select(setting => "-c " + setting));
    }
}
