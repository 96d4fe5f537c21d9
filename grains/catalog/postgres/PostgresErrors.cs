// SPDX-License-Identifier: Apache-2.0
using System.Net.Sockets;
using Npgsql;
using Teravox.Contracts;

namespace Teravox.Grains.Catalog.Postgres;

/// <summary>From PostgreSQL's error codes to what a caller can act on.</summary>
internal static class PostgresErrors
{
    // https://www.postgresql.org/docs/current/errcodes-appendix.html, those Npgsql has no names for.
    private const string IdleInTransactionTimeout = "25P03";
    private const string IdleSessionTimeout = "57P05";

    /// <summary>
    /// The server undid the whole transaction of its own accord: the same may be tried again at once. It also does so where
    /// this process had no turn on its processor for so long that it seemed gone.
    /// </summary>
    public static bool WasUndone(Exception error) => WasNotSent(error) || error is PostgresException
    {
        SqlState: PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure or IdleInTransactionTimeout,
    };

    // Only sending ends so (EPIPE): the server had closed the connection and did not get the end of what was sent, without
    // which it commits nothing. Over TCP the first send succeeds and the server's reason is read; a Unix socket refuses it.
    private static bool WasNotSent(Exception error) => error is NpgsqlException
    {
        InnerException: IOException { InnerException: SocketException { SocketErrorCode: SocketError.Shutdown } },
    };

    /// <summary>The connection broke, be it by a restart of the server: what was sent may have been done or not.</summary>
    public static bool WasCutOff(Exception error) => error switch
    {
        PostgresException e => IsCutOff(e.SqlState),
        NpgsqlException => error.InnerException is not TimeoutException,
        IOException => true,
        _ => false,
    };

    /// <summary>No connection was to be had, for a reason that may pass.</summary>
    public static bool MayConnectLater(Exception error) => error switch
    {
        PostgresException e => IsPassing(e.SqlState),
        NpgsqlException => error.InnerException is not System.Security.Authentication.AuthenticationException,
        _ => false,
    };

    /// <summary>The exception to throw instead, or null when <paramref name="error"/> is a defect of our own.</summary>
    public static Exception? Translate(Exception error, string operation, PostgresAddress address) => error switch
    {
        PostgresException e => Translate(e, operation, address.Shown),
        NpgsqlException { InnerException: System.Security.Authentication.AuthenticationException inner } => new InputException(
            $"The TLS connection to database {address.Shown} was refused ({inner.Message}); check option sslmode and the server's certificate.", error),
        NpgsqlException { InnerException: TimeoutException } when address.Connection.MaxPoolSize > 0 && IsPool(error) => new DatabaseUnavailableException(
            $"All {address.Connection.MaxPoolSize} connections to database {address.Shown} were busy for too long ({operation}).", error),
        NpgsqlException or TimeoutException or IOException => new DatabaseUnavailableException(
            $"Database {address.Shown} does not answer ({operation}: {error.Message}).", error),
        _ => null,
    };

    private static Exception? Translate(PostgresException error, string operation, string shown) => error.SqlState switch
    {
        PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification => new InputException(
            $"Database {shown} refuses this user or password ({error.MessageText}); correct them in the address, or in PGPASSWORD.", error),
        PostgresErrorCodes.InvalidCatalogName => new InputException(
            $"There is no database {shown}; create it, or correct the address.", error),
        PostgresErrorCodes.InsufficientPrivilege => new InputException(
            $"The user of database {shown} lacks a right ({error.MessageText}); grant it.", error),
        PostgresErrorCodes.DiskFull => new InputException(
            $"The disk of database {shown} is full; free some space and start again, nothing committed is lost.", error),
        PostgresErrorCodes.IoError => new InputException(
            $"Database {shown} can not read or write its disk ({error.MessageText}); check it and start again.", error),
        PostgresErrorCodes.DataCorrupted or PostgresErrorCodes.IndexCorrupted => new InputException(
            $"Database {shown} is damaged ({error.MessageText}); restore it from a backup.", error),
        var state when IsPassing(state) || WasUndone(error) => new DatabaseUnavailableException(
            $"Database {shown} can not serve now ({operation}: {error.MessageText}).", error),
        _ => null,
    };

    private static bool IsCutOff(string state) => state.StartsWith("08", StringComparison.Ordinal) || state is
        PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown or PostgresErrorCodes.CannotConnectNow
        or IdleSessionTimeout or IdleInTransactionTimeout;

    // Restarts, failovers, limits and timeouts.
    private static bool IsPassing(string state) => IsCutOff(state) || state is
        PostgresErrorCodes.TooManyConnections or PostgresErrorCodes.OutOfMemory or PostgresErrorCodes.InsufficientResources
        or PostgresErrorCodes.QueryCanceled or PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.ReadOnlySqlTransaction;

    private static bool IsPool(Exception error) => error.Message.Contains("pool", StringComparison.OrdinalIgnoreCase);
}
