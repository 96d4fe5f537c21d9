// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using Teravox.Contracts.Api;

namespace Teravox.Silo.Http;

/// <summary>Pages of lists that go from the newest number down: the cursor is the last number seen.</summary>
internal static class Paging
{
    public const int MostEntries = 200;
    public const int Usual = 50;

    public static (long? Before, int Limit) Read(string? cursor, int? limit)
    {
        if (limit is < 1 or > MostEntries)
            throw new ProblemException(422, $"limit: {limit} must be 1..{MostEntries}.", "limit");
        if (cursor is null)
            return (null, limit ?? Usual);
        return long.TryParse(cursor, NumberStyles.None, CultureInfo.InvariantCulture, out var before) && before > 0
            ? (before, limit ?? Usual)
            : throw new ProblemException(422, "cursor: give the 'next' of the page before, or leave it out.", "cursor");
    }

    /// <summary>A page out of one row more than asked for.</summary>
    public static Page<T> Of<TRow, T>(IReadOnlyList<TRow> rows, int limit, Func<TRow, long> number, Func<TRow, T> entry) => new(
        [.. rows.Take(limit).Select(entry)],
        rows.Count > limit ? number(rows[limit - 1]).ToString(CultureInfo.InvariantCulture) : null);
}
