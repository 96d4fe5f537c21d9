// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;

namespace Teravox.Grains.Ledger.Postgres;

/// <summary>
/// Where this process's next claim begins to look. Claimed items leave dead entries at the near end of the index until the
/// next vacuum, tens of thousands of them where items are quick, and each claim would walk past all of them. So a claim
/// goes on behind the last, in the same stage.
/// <para>
/// An item that came back before that place is only seen by a claim that looks from the beginning. That is every claim
/// after this process put an item back or was told that another did, after a claim that was not given all it asked for, and
/// now and then in any case: like a notification, the cursor saves work and decides nothing.
/// </para>
/// </summary>
internal sealed class ClaimCursor
{
    private static readonly TimeSpan LongestTrust = TimeSpan.FromSeconds(5);
    private readonly Lock _lock = new();
    private Place _place;
    private long _resets;
    private long _began;

    /// <summary>A stage, and the index in it that no item below needs to be looked for.</summary>
    internal readonly record struct Place(long StageId, int Index);

    /// <summary>Where to look from, and what to give back to <see cref="MoveTo"/>.</summary>
    public (Place From, long Turn) Begin()
    {
        lock (_lock)
        {
            if (Stopwatch.GetElapsedTime(_began) > LongestTrust)
            {
                (_place, _began) = (default, Stopwatch.GetTimestamp());
            }

            return (_place, _resets);
        }
    }

    /// <summary>The next claim may begin at <paramref name="place"/>, unless something came back since this one began.</summary>
    public void MoveTo(Place place, long turn)
    {
        lock (_lock)
        {
            if (turn == _resets && (place.StageId != _place.StageId || place.Index > _place.Index))
            {
                _place = place;
            }
        }
    }

    /// <summary>The next claim looks from the beginning.</summary>
    public void Reset()
    {
        lock (_lock)
        {
            (_place, _began) = (default, Stopwatch.GetTimestamp());
            _resets++;
        }
    }
}
