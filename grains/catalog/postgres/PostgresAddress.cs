// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using Npgsql;
using Teravox.Contracts;

namespace Teravox.Grains.Catalog.Postgres;

/// <summary>
/// An address of a PostgreSQL database: <c>postgres://user:password@host:port/database?option=value&amp;...</c>. User,
/// password, database and values are percent-decoded. Without a password, PGPASSWORD and the password file are asked, as
/// by other clients of PostgreSQL; that keeps it off the command line.
/// </summary>
/// <remarks>
/// Options: <c>sslmode</c> (disable, prefer, require, verify-ca, verify-full; default prefer), <c>sslrootcert</c> (a
/// file), <c>pool</c> (most connections at a time; default 20), <c>schema</c> (default: the user's own), <c>durable</c>
/// (default true; false: a commit does not wait for the server's disk, so the server may forget the last moments in a
/// crash of its own; the work is then done again), <c>host</c> (a folder with the server's socket).
/// </remarks>
public sealed class PostgresAddress
{
    private const string Form = "postgres://user:password@host:port/database";
    private const string Known = "sslmode, sslrootcert, pool, schema, durable, host";

    private PostgresAddress(NpgsqlConnectionStringBuilder connection) => Connection = connection;

    /// <summary>What Npgsql needs.</summary>
    public NpgsqlConnectionStringBuilder Connection { get; }

    /// <summary>The schema asked for, or null.</summary>
    public string? Schema { get; private set; }

    /// <summary>Whether commits wait for the server's disk.</summary>
    public bool Durable { get; private set; } = true;

    /// <summary>The address for people: no password.</summary>
    public string Shown
    {
        get
        {
            var (host, option) = Path.IsPathRooted(Connection.Host) ? ("localhost", "?host=" + Uri.EscapeDataString(Connection.Host)) : (Connection.Host, "");
            return string.Create(CultureInfo.InvariantCulture, $"postgres://{Connection.Username}@{host}:{Connection.Port}/{Connection.Database}{option}");
        }
    }

    /// <summary>Whether this is meant to be one.</summary>
    public static bool Is(string address) =>
        address.StartsWith("postgres:", StringComparison.Ordinal) || address.StartsWith("postgresql:", StringComparison.Ordinal);

    /// <summary>Reads an address.</summary>
    /// <exception cref="InputException">It is not one; the sentence names the part, and never the password.</exception>
    public static PostgresAddress Parse(string address)
    {
        if (!Uri.TryCreate(address, UriKind.Absolute, out var uri) || uri.Scheme is not ("postgres" or "postgresql"))
            throw new InputException($"The database's address is not of the form {Form}; write '@', '/', ':' and '?' in a name or password as %40, %2F, %3A and %3F.");
        var connection = new NpgsqlConnectionStringBuilder
        {
            Host = uri.Host.Trim('[', ']'),
            Port = uri.IsDefaultPort || uri.Port < 0 ? 5432 : uri.Port,
            Database = Uri.UnescapeDataString(uri.AbsolutePath.TrimStart('/')),
            MaxPoolSize = 20,

            // Encryption is TLS's. To be asked for Kerberos' own, that library is loaded, and it complains when a process ends.
            GssEncryptionMode = GssEncryptionMode.Disable,
        };
        if (connection.Database.Length == 0)
            throw new InputException($"The database's address names no database; give it as in {Form}.");
        if (uri.UserInfo.Length > 0)
        {
            var colon = uri.UserInfo.IndexOf(':', StringComparison.Ordinal);
            connection.Username = Uri.UnescapeDataString(colon < 0 ? uri.UserInfo : uri.UserInfo[..colon]);
            if (colon >= 0)
                connection.Password = Uri.UnescapeDataString(uri.UserInfo[(colon + 1)..]);
        }
        else
        {
            connection.Username = Environment.UserName;
        }

        var parsed = new PostgresAddress(connection);
        foreach (var pair in uri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = pair.IndexOf('=', StringComparison.Ordinal);
            parsed.Set(
                Uri.UnescapeDataString(equals < 0 ? pair : pair[..equals]),
                equals < 0 ? "" : Uri.UnescapeDataString(pair[(equals + 1)..]));
        }

        if (string.IsNullOrEmpty(connection.Host))
            throw new InputException($"The database's address names no host; give it as in {Form}, or a socket's folder as option host.");
        return parsed;
    }

    private void Set(string option, string value)
    {
        switch (option)
        {
            case "sslmode":
                Connection.SslMode = value switch
                {
                    "disable" => SslMode.Disable,
                    "allow" => SslMode.Allow,
                    "prefer" => SslMode.Prefer,
                    "require" => SslMode.Require,
                    "verify-ca" => SslMode.VerifyCA,
                    "verify-full" => SslMode.VerifyFull,
                    _ => throw Bad(option, value, "disable, allow, prefer, require, verify-ca or verify-full"),
                };
                break;
            case "sslrootcert":
                Connection.RootCertificate = value;
                break;
            case "pool":
                Connection.MaxPoolSize = int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var pool) && pool is >= 1 and <= 1000
                    ? pool
                    : throw Bad(option, value, "1 to 1000 connections");
                break;
            case "schema":
                Schema = value.Length > 0 && value.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '_') && !char.IsAsciiDigit(value[0])
                    ? value
                    : throw Bad(option, value, "small letters, digits and '_'");
                break;
            case "durable":
                Durable = value switch { "true" => true, "false" => false, _ => throw Bad(option, value, "true or false") };
                break;
            case "host":
                Connection.Host = value;
                break;
            default:
                throw new InputException($"The database's address has an unknown option '{option}'; known are {Known}.");
        }
    }

    private static InputException Bad(string option, string value, string expected) =>
        new($"Option {option} of the database's address is '{value}'; give {expected}.");
}
