// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Data.Common;
using Dapper;
using Microsoft.Data.Sqlite;
using Teravox.Contracts;

namespace Teravox.Grains.Catalog.Sqlite;

/// <summary>
/// The database of one machine, in one SQLite file: catalog and states of grains. The folder must be on a disk of this machine:
/// WAL needs memory that its users share.
/// </summary>
internal sealed class SqliteDatabase : CatalogDatabase
{
    /// <summary>Marks the file as a catalog in SQLite's header: "TVXC".</summary>
    private const int ApplicationId = 0x54565843;

    /// <summary>The mark of files of an older Teravox: "TVXL".</summary>
    private const int OlderApplicationId = 0x5456584C;

    private static readonly TimeSpan BusyTimeout = TimeSpan.FromSeconds(5);
    private readonly string _path;
    private readonly SqliteConnection _writer;
    private readonly SemaphoreSlim _writerTurn = new(1, 1);
    private readonly ConcurrentBag<SqliteConnection> _readers = [];
    private readonly NewsSignal _news = new();
    private readonly TaskCompletionSource _unusable = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _disposed;

    private SqliteDatabase(string path)
    {
        _path = path;
        _writer = Connect(readOnly: false);
    }

    public override SqlTexts Texts => SqlTexts.Sqlite;

    public override Task Unusable => _unusable.Task;

    /// <summary>Opens the file, making it when there is none.</summary>
    /// <exception cref="InputException">The file can not be opened.</exception>
    public static Task<SqliteDatabase> ConnectAsync(string path) => Task.Run(() => Translated("open", path, () => new SqliteDatabase(path)));

    public override Task MigrateAsync(CancellationToken ct) => WriteAsync(
        "migrate",
        async turn =>
        {
            var marked = await _writer.QuerySingleAsync<int>("PRAGMA application_id");
            if (marked == OlderApplicationId)
                throw new InputException($"{_path} is of an older Teravox, whose unfinished work this version cannot go on with; finish it with that version, or choose another folder.");
            if (marked != ApplicationId)
            {
                if (marked != 0 || await _writer.QuerySingleAsync<long>("SELECT count(*) FROM sqlite_schema") > 0)
                    throw new InputException($"{_path} is a database, but not one of Teravox; choose another file.");
                await turn.ExecuteTextAsync($"PRAGMA application_id = {ApplicationId}");
            }

            await turn.ExecuteAsync("schema.versionTable");
            var version = await turn.ScalarAsync<int>("schema.version");
            if (version > Texts.Newest)
                throw new InputException($"{_path} has schema version {version}, this Teravox knows versions up to {Texts.Newest}; use a newer Teravox.");
            foreach (var migration in Texts.Migrations.Where(migration => migration.Version > version))
            {
                await turn.ExecuteTextAsync(migration.Text);
                await turn.ExecuteAsync("schema.addVersion", new { version = migration.Version });
            }

            return true;
        },
        ct);

    public override Task WaitForNewsAsync(TimeSpan atMost, CancellationToken ct) => _news.WaitAsync(atMost, ct);

    /// <summary>Waits for the write in progress and closes the file.</summary>
    public override async ValueTask DisposeAsync()
    {
        await _writerTurn.WaitAsync();
        try
        {
            if (_disposed)
                return;
            _disposed = true;
            CloseReaders();
            await _writer.DisposeAsync();
        }
        finally
        {
            _writerTurn.Release();
        }
    }

    // SQLite's calls block, so they run on the thread pool and never hold up a grain's turn.
    public override async Task<T> WriteAsync<T>(string operation, Func<CatalogTransaction, Task<T>> body, CancellationToken ct)
    {
        await _writerTurn.WaitAsync(ct);
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return await Task.Run(() => TranslatedAsync(operation, _path, () => WriteAsync(operation, body)), CancellationToken.None);
        }
        catch (InputException e) when (e.InnerException is SqliteException)
        {
            // Grains repeat their writes for ever; who runs on this machine alone has to be told.
            _unusable.TrySetException(e);
            _ = _unusable.Task.Exception;
            throw;
        }
        finally
        {
            _writerTurn.Release();
        }
    }

    public override async Task<T> ReadAsync<T>(Func<DbConnection, Task<T>> body, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        ObjectDisposedException.ThrowIf(_disposed, this);
        return await Task.Run(() => TranslatedAsync("read", _path, () => ReadAsync(body)), CancellationToken.None);
    }

    private async Task<T> WriteAsync<T>(string operation, Func<CatalogTransaction, Task<T>> body)
    {
        // Not deferred (BEGIN IMMEDIATE): what the body reads can not change before it writes.
        await using var transaction = _writer.BeginTransaction(deferred: false);
        var turn = new CatalogTransaction(Texts, _writer, transaction);
        var result = await body(turn);
        FaultPoints.Hit("catalog.before-commit:" + operation);
        await transaction.CommitAsync();
        if (turn.HasNews)
            _news.Set();
        CountWrite(operation);
        FaultPoints.Hit("catalog.after-commit:" + operation);
        return result;
    }

    private async Task<T> ReadAsync<T>(Func<DbConnection, Task<T>> body)
    {
        if (!_readers.TryTake(out var reader))
            reader = Connect(readOnly: true);
        try
        {
            return await body(reader);
        }
        finally
        {
            _readers.Add(reader);
            if (_disposed)
                CloseReaders();
        }
    }

    private void CloseReaders()
    {
        while (_readers.TryTake(out var reader))
            reader.Dispose();
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
            Configure(connection, readOnly);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    // WAL lets readers go on while the one writer commits. synchronous = NORMAL: a commit is in the operating system's hands when
    // it returns, so kill -9 loses none; it is flushed to disk at checkpoints only, so a power cut may take the last commits
    // back, but leaves the file whole. That is sound here: an item whose write went missing is run again and finds its chunks.
    private static void Configure(SqliteConnection connection, bool readOnly)
    {
        using var command = connection.CreateCommand();
        command.CommandText = $"""
            PRAGMA busy_timeout = {(long)BusyTimeout.TotalMilliseconds};
            PRAGMA journal_mode = WAL;
            PRAGMA synchronous = NORMAL;
            PRAGMA foreign_keys = ON;
            PRAGMA query_only = {(readOnly ? "ON" : "OFF")};
            """;
        command.ExecuteNonQuery();
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

    private static async Task<T> TranslatedAsync<T>(string operation, string path, Func<Task<T>> body)
    {
        try
        {
            return await body();
        }
        catch (SqliteException e) when (SqliteErrors.Translate(e, operation, path) is { } better)
        {
            throw better;
        }
    }
}
