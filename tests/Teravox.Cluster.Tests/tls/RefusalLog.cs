// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Teravox.Cluster.Tests.Tls;

/// <summary>What a silo or a client says, and when it says that TLS failed on a connection.</summary>
internal sealed class RefusalLog : ILoggerProvider, ILogger
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly ConcurrentQueue<string> _said = new();
    private readonly TaskCompletionSource _refused = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task Refused => WithinPatience(_refused.Task, "no connection was refused");

    /// <summary>Waits; when it takes too long, the test fails with what is missing and what was said.</summary>
    public async Task WithinPatience(Task task, string missing)
    {
        try
        {
            await task.WaitAsync(Patience, TestContext.Current.CancellationToken);
        }
        catch (TimeoutException)
        {
            Assert.Fail($"{missing}; it was said:\n{string.Join('\n', _said)}");
        }
    }

    public async Task<T> WithinPatience<T>(Task<T> task, string missing)
    {
        await WithinPatience((Task)task, missing);
        return await task;
    }

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        var line = $"{formatter(state, exception)} {exception?.Message}";
        _said.Enqueue(line);
        if (line.StartsWith("Authentication failed", StringComparison.Ordinal))
            _refused.TrySetResult();
    }

    public void Dispose()
    {
    }
}
