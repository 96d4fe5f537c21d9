// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;

namespace Teravox.Client;

/// <summary>What an upload is doing.</summary>
public enum UploadPhase
{
    /// <summary>Files are read for their hashes.</summary>
    Reading,

    /// <summary>Slabs are sent.</summary>
    Sending,

    /// <summary>The cluster checks what came.</summary>
    Checking,
}

/// <summary>How far an upload is.</summary>
/// <param name="Phase">What it is doing.</param>
/// <param name="FilesDone">Files done in this phase.</param>
/// <param name="Files">Files in all.</param>
/// <param name="BytesDone">Bytes done in this phase, those of an earlier attempt included.</param>
/// <param name="Bytes">Bytes in all.</param>
/// <param name="BytesPerSecond">Rate since the phase began; 0 when it just did.</param>
/// <param name="SecondsLeft">At that rate; null when it cannot be said.</param>
public sealed record UploadProgress(UploadPhase Phase, int FilesDone, int Files, long BytesDone, long Bytes, double BytesPerSecond, double? SecondsLeft);

/// <summary>Counts a phase's bytes and tells about it from one thread at a time.</summary>
internal sealed class UploadMeter(UploadPhase phase, int files, long bytes, Action<UploadProgress>? tell)
{
    private readonly Lock _gate = new();
    private readonly Stopwatch _since = Stopwatch.StartNew();
    private int _files;
    private long _done;
    private long _here;

    /// <summary>Bytes that were there before this phase began.</summary>
    public void AddEarlier(long count)
    {
        lock (_gate)
            _done += count;
    }

    public void Add(long count)
    {
        lock (_gate)
        {
            _done += count;
            _here += count;
            Tell();
        }
    }

    public void FileDone()
    {
        lock (_gate)
        {
            _files++;
            Tell();
        }
    }

    public void Tell()
    {
        lock (_gate)
        {
            var seconds = _since.Elapsed.TotalSeconds;
            var rate = seconds > 0 ? _here / seconds : 0;
            tell?.Invoke(new UploadProgress(phase, _files, files, _done, bytes, rate, rate > 0 ? (bytes - _done) / rate : null));
        }
    }
}
