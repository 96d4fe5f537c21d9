// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Api.Tests;

/// <summary>While it lives, counts who reaches a point, and may hold them there. Tests side by side may each have one.</summary>
internal sealed class FaultPoint : IDisposable
{
    private readonly Action<string> hit;
    private readonly ManualResetEventSlim open;
    private int reached;

    public FaultPoint(string point, bool isHeld)
    {
        open = new ManualResetEventSlim(!isHeld);
        hit = name =>
        {
            if (name != point)
                return;
            Interlocked.Increment(ref reached);
            open.Wait();
        };
        Change(() => FaultPoints.OnPoint += hit);
    }

    /// <summary>How often the point was reached.</summary>
    public int Reached => Volatile.Read(ref reached);

    /// <summary>Lets all go on.</summary>
    public void Release() => open.Set();

    public void Dispose()
    {
        Change(() => FaultPoints.OnPoint -= hit);
        Release();
    }

    private static void Change(Action change)
    {
        lock (Crash.Gate)
            change();
    }
}
