// SPDX-License-Identifier: Apache-2.0
using System.Data.Common;
using Dapper;
using Teravox.Grains.Telemetry;

namespace Teravox.Grains.Catalog;

/// <summary>
/// A database of one dialect: connections, transactions, errors. Fault points: <c>catalog.before-commit:OP</c> and
/// <c>catalog.after-commit:OP</c> around every write transaction.
/// </summary>
internal abstract class CatalogDatabase : IAsyncDisposable
{
    /// <summary>Name of the operation that stores the state of a grain.</summary>
    public const string GrainWrite = "grain";

    /// <summary>Its statements.</summary>
    public abstract SqlTexts Texts { get; }

    /// <summary>
    /// One write transaction. The token ends the wait for it only: one that has begun runs to its end, else a caller could not
    /// know what was written.
    /// </summary>
    public abstract Task<T> WriteAsync<T>(string operation, Func<CatalogTransaction, Task<T>> body, CancellationToken ct);

    /// <summary>Reads; may be done more than once.</summary>
    public abstract Task<T> ReadAsync<T>(Func<DbConnection, Task<T>> body, CancellationToken ct);

    /// <summary>Brings the schema to the newest version.</summary>
    public abstract Task MigrateAsync(CancellationToken ct);

    /// <summary>See <see cref="ICatalog.WaitForNewsAsync"/>.</summary>
    public abstract Task WaitForNewsAsync(TimeSpan atMost, CancellationToken ct);

    /// <summary>See <see cref="ICatalog.Unusable"/>.</summary>
    public virtual Task Unusable { get; } = new TaskCompletionSource().Task;

    public abstract ValueTask DisposeAsync();

    /// <summary>Counts a commit; states of grains are counted by the grains, on either dialect.</summary>
    protected static void CountWrite(string operation)
    {
        if (operation != GrainWrite)
            WorkMetrics.CatalogWritten(operation);
    }
}

/// <summary>What the body of one write transaction works with.</summary>
internal sealed class CatalogTransaction(SqlTexts texts, DbConnection connection, DbTransaction transaction, TimeSpan? timeout = null)
{
    /// <summary>Whether others should look for news once this is committed.</summary>
    public bool HasNews { get; set; }

    /// <summary>Executes the statement of this name.</summary>
    public Task<int> ExecuteAsync(string name, object? arguments = null) => ExecuteTextAsync(texts[name], arguments);

    /// <summary>The first row of the statement of this name, or null.</summary>
    public Task<T?> FirstAsync<T>(string name, object? arguments = null) => connection.QueryFirstOrDefaultAsync<T>(Command(texts[name], arguments));

    /// <summary>The one value of the statement of this name.</summary>
    public Task<T> ScalarAsync<T>(string name, object? arguments = null) => connection.QuerySingleAsync<T>(Command(texts[name], arguments));

    /// <summary>Executes a text.</summary>
    public Task<int> ExecuteTextAsync(string text, object? arguments = null) => connection.ExecuteAsync(Command(text, arguments));

    private CommandDefinition Command(string text, object? arguments) =>
        new(text, arguments, transaction, timeout is { } time ? (int)Math.Ceiling(time.TotalSeconds) : null);
}

/// <summary>
/// Wakes everyone who waits in this process. A call is not kept for those who come later: who must not miss one
/// takes the wait first, looks, and then awaits it.
/// </summary>
internal sealed class NewsSignal
{
    private TaskCompletionSource _next = New();

    public void Set() => Interlocked.Exchange(ref _next, New()).TrySetResult();

    public async Task WaitAsync(TimeSpan atMost, CancellationToken ct)
    {
        try
        {
            await Volatile.Read(ref _next).Task.WaitAsync(atMost, ct);
        }
        catch (TimeoutException)
        {
            // The look that follows is the truth; news only make it earlier.
        }
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
