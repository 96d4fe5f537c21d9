// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;

namespace Teravox.Client.Http;

/// <summary>One attempt at a call: ends when the caller stops it, or when it has not got on for its time.</summary>
internal sealed class Attempt : IDisposable
{
    private readonly CancellationTokenSource _source;
    private readonly TimeSpan _timeout;
    private readonly Effort _effort;

    public Attempt(TimeSpan timeout, Effort effort, CancellationToken ct)
    {
        _timeout = timeout;
        _effort = effort;
        _source = CancellationTokenSource.CreateLinkedTokenSource(ct);
        _source.CancelAfter(timeout);
    }

    public CancellationToken Token => _source.Token;

    /// <summary>The answer gets on: its time begins anew, and so does the patience.</summary>
    public void GetsOn()
    {
        _source.CancelAfter(_timeout);
        _effort.Reset();
    }

    public void Dispose() => _source.Dispose();
}

/// <summary>
/// How much has been tried for one call: waits between attempts that double, and an end to it. The patience counts from the
/// first failure: what went well for an hour before it broke has not used it up.
/// </summary>
internal sealed class Effort(TeravoxClientOptions options, Func<TimeSpan> patience)
{
    private readonly Stopwatch _since = new();
    private int _waits;

    public void Reset()
    {
        _since.Reset();
        _waits = 0;
    }

    /// <summary>Waits for the next attempt; false when the patience would be at its end by then.</summary>
    /// <param name="asked">What the server asked to wait, or null.</param>
    /// <param name="ct">Stops the wait.</param>
    public async Task<bool> WaitAsync(TimeSpan? asked, CancellationToken ct)
    {
        var longest = Math.Min(options.LongestDelay.TotalMilliseconds, options.FirstDelay.TotalMilliseconds * Math.Pow(2, Math.Min(_waits++, 30)));

        // Drawn, so that many clients of a silo that went down do not come back in one moment.
        var delay = TimeSpan.FromMilliseconds(longest * (0.5 + Random.Shared.NextDouble() / 2));
        if (asked is { } least && least > delay)
            delay = least + TimeSpan.FromMilliseconds(options.FirstDelay.TotalMilliseconds * Random.Shared.NextDouble());
        _since.Start();
        if (_since.Elapsed + delay > patience())
            return false;
        await Task.Delay(delay, ct);
        return true;
    }
}
