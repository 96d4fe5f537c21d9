// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Api.Tests;

/// <summary>While it lives, whoever reaches the point fails there. Tests side by side may each have one.</summary>
internal sealed class Crash : IDisposable
{
    /// <summary>Held while listeners are added and taken away.</summary>
    public static readonly Lock Gate = new();
    private readonly Action<string> hit;

    public Crash(string point)
    {
        hit = reached =>
        {
            if (reached == point)
                throw new InvalidOperationException("crash");
        };
        lock (Gate)
            FaultPoints.OnPoint += hit;
    }

    public void Dispose()
    {
        lock (Gate)
            FaultPoints.OnPoint -= hit;
    }
}
