// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using Dapper;
using Microsoft.Data.Sqlite;
using Teravox.Contracts;

namespace Teravox.Grains.Ledger.Sqlite;

/// <summary>
/// The ledger of one machine, in one SQLite file. Several processes may open it; SQLite's file lock then makes their
/// writes take turns, and hints reach the own process only. The directory must be on a disk of this machine: WAL needs
/// memory that its users share.
/// <para>Fault points: <c>ledger.before-commit:OP</c> and <c>ledger.after-commit:OP</c> around every write transaction,
/// where OP is the method's name without Async in lower case ("commit", "claim", "reap").</para>
/// </summary>
public sealed partial class SqliteLedger : ILedger
{
    private readonly string _path;
    private readonly SqliteLedgerOptions _options;
    private readonly SqliteConnection _writer;
    private readonly SemaphoreSlim _writerTurn = new(1, 1);
    private readonly ConcurrentBag<SqliteConnection> _readers = [];
    private readonly HintBell _bell = new();
    private volatile bool _disposed;

    /// <summary>A test's time, milliseconds since 1970; null where the database's clock counts.</summary>
    private long? GivenTime => _options.Time?.GetUtcNow().ToUnixTimeMilliseconds();

    private SqliteLedger(string path, SqliteLedgerOptions options)
    {
        _path = path;
        _options = options;
        _writer = Connect(readOnly: false);
    }

    /// <summary>Opens the file, making it when there is none, and brings its schema to the newest version.</summary>
    /// <exception cref="InputException">The file can not be opened, is not a ledger, or is of a newer teravox.</exception>
    /// <exception cref="LedgerUnavailableException">Another process holds a transaction for too long.</exception>
    public static async Task<SqliteLedger> OpenAsync(
        string path, SqliteLedgerOptions? options = null, CancellationToken ct = default)
    {
        ct.ThrowIfCancellationRequested();
        options ??= new SqliteLedgerOptions();
        var ledger = await Task.Run(
            () => Translated("open", path, () => new SqliteLedger(path, options)), CancellationToken.None);
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
    public Task MigrateAsync(CancellationToken ct) => WriteAsync(
        "migrate",
        turn =>
        {
            SqliteMigrations.Apply(turn, _path);
            return true;
        },
        ct);

    /// <inheritdoc/>
    public Task WaitForHintAsync(TimeSpan atMost, CancellationToken ct) =>
        _bell.WaitAsync(atMost, _options.Time ?? TimeProvider.System, ct);

    /// <summary>Waits for the write in progress and closes the file.</summary>
    public async ValueTask DisposeAsync()
    {
        await _writerTurn.WaitAsync();
        try
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            CloseReaders();
            await _writer.DisposeAsync();
        }
        finally
        {
            _writerTurn.Release();
        }
    }

    /// <summary>
    /// One write transaction. SQLite's calls block, so they run on the thread pool and never hold up a caller's loop.
    /// The token ends the wait for the turn only: a transaction that has begun runs to its end, else a caller could not
    /// know whether rows were leased to it.
    /// </summary>
    private async Task<T> WriteAsync<T>(string operation, Func<WriteTurn, T> body, CancellationToken ct)
    {
        await _writerTurn.WaitAsync(ct);
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return await Task.Run(() => Translated(operation, _path, () => Write(operation, body)), CancellationToken.None);
        }
        finally
        {
            _writerTurn.Release();
        }
    }

    private T Write<T>(string operation, Func<WriteTurn, T> body)
    {
        // Not deferred (BEGIN IMMEDIATE): what the body reads can not change before it writes.
        using var transaction = _writer.BeginTransaction(deferred: false);
        var now = _writer.QuerySingle<long>(SqlTexts.Now, new { given = GivenTime }, transaction);
        var turn = new WriteTurn(_writer, transaction, now);
        var result = body(turn);
        FaultPoints.Hit("ledger.before-commit:" + operation);
        transaction.Commit();
        if (turn.Rings)
        {
            _bell.Ring();
        }

        FaultPoints.Hit("ledger.after-commit:" + operation);
        return result;
    }

    private Task<IReadOnlyList<TRow>> RowsAsync<TData, TRow>(
        string sql, object? arguments, Func<TData, TRow> toRow, CancellationToken ct) =>
        ReadAsync<IReadOnlyList<TRow>>(reader => [.. reader.Query<TData>(sql, arguments).Select(toRow)], ct);

    private async Task<T> ReadAsync<T>(Func<SqliteConnection, T> body, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        ObjectDisposedException.ThrowIf(_disposed, this);
        return await Task.Run(() => Translated("read", _path, () => Read(body)), CancellationToken.None);
    }

    private T Read<T>(Func<SqliteConnection, T> body)
    {
        if (!_readers.TryTake(out var reader))
        {
            reader = Connect(readOnly: true);
        }

        try
        {
            return body(reader);
        }
        finally
        {
            _readers.Add(reader);
            if (_disposed)
            {
                CloseReaders();
            }
        }
    }

    private void CloseReaders()
    {
        while (_readers.TryTake(out var reader))
        {
            reader.Dispose();
        }
    }

    private SqliteConnection Connect(bool readOnly)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = _path,
            Mode = SqliteOpenMode.ReadWriteCreate,
            Pooling = false,

            // SQLite's own busy timeout does the waiting; this only ends the provider's second round of it.
            DefaultTimeout = 1,
        }.ConnectionString);
        try
        {
            connection.Open();
            SqliteMigrations.Configure(connection, _options.BusyTimeout, readOnly);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private static T Translated<T>(string operation, string path, Func<T> body)
    {
        try
        {
            return body();
        }
        catch (SqliteException e) when (SqliteErrors.Translate(e, operation, path) is { } better)
        {
            throw better;
        }
    }
}
