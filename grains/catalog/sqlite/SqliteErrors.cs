// SPDX-License-Identifier: Apache-2.0
using Microsoft.Data.Sqlite;
using Teravox.Contracts;

namespace Teravox.Grains.Catalog.Sqlite;

/// <summary>From SQLite's result codes to what a caller can act on.</summary>
internal static class SqliteErrors
{
    // https://www.sqlite.org/rescode.html, primary codes.
    private const int Busy = 5;
    private const int Locked = 6;
    private const int ReadOnly = 8;
    private const int IoError = 10;
    private const int Corrupt = 11;
    private const int Full = 13;
    private const int CantOpen = 14;
    private const int NotADatabase = 26;

    /// <summary>The exception to throw instead, or null when <paramref name="error"/> is a defect of our own.</summary>
    public static Exception? Translate(SqliteException error, string operation, string path) => error.SqliteErrorCode switch
    {
        Busy or Locked => new DatabaseUnavailableException($"Database {path} is locked by another process ({operation}).", error),
        Full => new InputException(
            $"The disk of database {path} is full; free some space and start again, nothing committed is lost.", error),
        IoError => new InputException(
            $"Database {path} can not be read or written ({error.Message}); check its disk and start again.", error),
        ReadOnly => new InputException(
            $"Database {path} is read-only; give this user the right to write it and its directory.", error),
        CantOpen => new InputException(
            $"Database {path} can not be opened; its directory must exist and be writable.", error),
        Corrupt or NotADatabase => new InputException(
            $"{path} is not a database of Teravox or is damaged; restore it from a copy or choose another file.", error),
        _ => null,
    };
}
