// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Net;

namespace Teravox.Silo.Http.Security;

/// <summary>Counts wrong keys by address, so that nobody can try many.</summary>
internal sealed class FailedKeys
{
    public const int Most = 20;
    private const int MostAddresses = 10_000;
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);
    private readonly ConcurrentDictionary<IPAddress, (int Count, long Until)> counts = new();

    /// <exception cref="ProblemException">429: too many from this address within the last minute.</exception>
    public void RefuseTooMany(IPAddress? from)
    {
        var now = Environment.TickCount64;
        if (counts.TryGetValue(Key(from), out var one) && one.Count >= Most && now < one.Until)
        {
            var seconds = (int)Math.Ceiling((one.Until - now) / 1000.0);
            throw new ProblemException(429, $"Too many wrong keys came from this address; wait {seconds} s.") { RetryAfter = seconds };
        }
    }

    public void Count(IPAddress? from)
    {
        var now = Environment.TickCount64;
        if (counts.Count >= MostAddresses)
            counts.Clear();
        counts.AddOrUpdate(
            Key(from),
            _ => (1, now + (long)Window.TotalMilliseconds),
            (_, one) => now < one.Until ? (one.Count + 1, one.Until) : (1, now + (long)Window.TotalMilliseconds));
    }

    private static IPAddress Key(IPAddress? address) => address ?? IPAddress.None;
}
