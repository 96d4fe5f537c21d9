// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Teravox.Silo.Cluster;

/// <summary>
/// Orleans' own errors as lines of the silo. Each source of them says one at most every few seconds: while the database or a
/// silo is away, all of Orleans' loops complain with every beat.
/// </summary>
internal sealed class SiloLog(Action<string> say) : ILoggerProvider
{
    // Exceptions of calls carry those of all silos on their way, traces and all.
    private const int Longest = 400;
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(10);

    public ILogger CreateLogger(string categoryName) => new Lines(categoryName, say);

    public void Dispose()
    {
        // Nothing is held.
    }

    private sealed class Lines(string category, Action<string> say) : ILogger
    {
        private long _said;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel) || (_said != 0 && Stopwatch.GetElapsedTime(_said) < Every))
                return;
            _said = Stopwatch.GetTimestamp();
            var text = $"{category[(category.LastIndexOf('.') + 1)..]}: {formatter(state, exception)}{(exception is null ? "" : $" ({exception.GetType().Name}: {exception.Message})")}".ReplaceLineEndings(" ");
            say(text.Length > Longest ? text[..Longest] + " ..." : text);
        }
    }
}
