// SPDX-License-Identifier: Apache-2.0
using Teravox.Grains.Ledger;

namespace Teravox.Silo;

/// <summary>
/// The newest progress of an item that the ledger does not know yet. Written by the work's threads, emptied by the heartbeat.
/// </summary>
internal sealed class ProgressBox
{
    private readonly Lock _lock = new();
    private WorkProgress? _news;
    private long _checkpoint;
    private TaskCompletionSource _checkpointed = New();

    /// <summary>Completes when a grown checkpoint waits to be sent.</summary>
    public Task Checkpointed
    {
        get
        {
            lock (_lock)
            {
                return _checkpointed.Task;
            }
        }
    }

    public void Put(WorkProgress progress)
    {
        lock (_lock)
        {
            // A report without a checkpoint must not hide the checkpoint of one that was not sent.
            _news = progress with { Checkpoint = progress.Checkpoint ?? _news?.Checkpoint };
            if (progress.Checkpoint > _checkpoint)
            {
                _checkpoint = progress.Checkpoint.Value;
                _checkpointed.TrySetResult();
            }
        }
    }

    public WorkProgress? Take()
    {
        lock (_lock)
        {
            if (_checkpointed.Task.IsCompleted)
            {
                _checkpointed = New();
            }

            var news = _news;
            _news = null;
            return news;
        }
    }

    /// <summary>What <see cref="Take"/> gave could not be sent.</summary>
    public void GiveBack(WorkProgress? progress)
    {
        lock (_lock)
        {
            _news = _news is null ? progress : _news with { Checkpoint = _news.Checkpoint ?? progress?.Checkpoint };
        }
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
