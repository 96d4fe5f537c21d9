// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Contracts;

/// <summary>
/// Named places where a crash matters ("chunk.before-rename"). Code calls <see cref="Hit"/> when it gets there; a
/// test, or a host started to be killed, sets <see cref="OnPoint"/> and throws or ends the process at the point it
/// wants. Costs one null check when nobody listens.
/// </summary>
public static class FaultPoints
{
    /// <summary>Called with the name of each point that is reached, on the thread that reached it. Null when nobody listens.</summary>
    public static Action<string>? OnPoint { get; set; }

    /// <summary>Says that the point <paramref name="name"/> has been reached.</summary>
    public static void Hit(string name) => OnPoint?.Invoke(name);
}
