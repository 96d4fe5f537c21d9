// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;

namespace Teravox.Networks;

/// <summary>
/// The one thread that gives a GPU its work: libtorch keeps the plans of cuDNN's fused kernels for each thread apart, and making them takes longer than a tile.
/// It lives as long as the process.
/// </summary>
internal sealed class DeviceThread
{
    private static readonly ConcurrentDictionary<int, Lazy<DeviceThread>> All = [];
    private readonly BlockingCollection<Action> _work = [];

    private DeviceThread(int device) => new Thread(() =>
    {
        foreach (var work in _work.GetConsumingEnumerable())
            work();
    })
    { IsBackground = true, Name = $"cuda:{device}" }.Start();

    /// <summary>That of a GPU.</summary>
    public static DeviceThread Of(int device) => All.GetOrAdd(device, static index => new(() => new DeviceThread(index))).Value;

    /// <summary>Runs <paramref name="work"/> there and waits for it; what it throws is thrown here.</summary>
    public T Run<T>(Func<T> work)
    {
        var ended = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        _work.Add(() =>
        {
            try
            {
                ended.SetResult(work());
            }
            catch (Exception e)
            {
                ended.SetException(e);
            }
        });
        return ended.Task.GetAwaiter().GetResult();
    }
}
