// SPDX-License-Identifier: Apache-2.0
using Teravox.Networks;

namespace Teravox.Grains;

/// <summary>
/// Keeps the networks of recent tiles ready, so that a tile does not load its model again. A session is used by one
/// turn at a time: a turn takes it out and puts it back.
/// </summary>
/// <param name="devices">The number of devices that share it; two networks of each are kept.</param>
public sealed class SessionCache(int devices = 1) : IDisposable
{
    private readonly Lock gate = new();
    private readonly LinkedList<(string Key, InferenceSession Session)> idle = [];

    /// <summary>Takes a session for a model file on a device; the file's date is part of the key.</summary>
    public (string Key, InferenceSession Session) Take(string modelPath, string device, int threads)
    {
        var key = $"{modelPath}|{File.GetLastWriteTimeUtc(modelPath).Ticks}|{device}|{threads}";
        lock (gate)
        {
            for (var node = idle.First; node is not null; node = node.Next)
            {
                if (node.Value.Key != key)
                    continue;
                idle.Remove(node);
                return node.Value;
            }
        }

        using var network = Network.Load(modelPath);
        return (key, new InferenceSession(network, device, threads));
    }

    /// <summary>Puts a session back; the one unused longest is let go.</summary>
    public void Return((string Key, InferenceSession Session) taken)
    {
        InferenceSession? surplus = null;
        lock (gate)
        {
            idle.AddFirst(taken);
            if (idle.Count > 2 * devices)
            {
                surplus = idle.Last!.Value.Session;
                idle.RemoveLast();
            }
        }

        surplus?.Dispose();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (gate)
        {
            foreach (var (_, session) in idle)
                session.Dispose();
            idle.Clear();
        }
    }
}
