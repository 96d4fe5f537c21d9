// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Testing;

/// <summary>
/// Answers fault points reached from the test that made the scope, and from no other: the hook is one for the process,
/// but what it does flows with the test's own calls, so tests may run side by side.
/// </summary>
internal sealed class FaultScope : IDisposable
{
    private static readonly AsyncLocal<FaultScope?> Current = new();
    private readonly Action<string> _onPoint;

    static FaultScope() => FaultPoints.OnPoint = name => Current.Value?._onPoint(name);

    public FaultScope(Action<string> onPoint)
    {
        _onPoint = onPoint;
        Current.Value = this;
    }

    /// <summary>Throws <paramref name="error"/> the first time <paramref name="point"/> is reached.</summary>
    public static FaultScope Once(string point, Exception error)
    {
        var thrown = 0;
        return new FaultScope(name =>
        {
            if (name == point && Interlocked.Exchange(ref thrown, 1) == 0)
                throw error;
        });
    }

    public void Dispose() => Current.Value = null;
}
