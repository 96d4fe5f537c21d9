// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using Teravox.Grains.Catalog;

namespace Teravox.Cli;

/// <summary>The database of a silo or a cluster, as the command line names it.</summary>
internal static class DatabaseOption
{
    /// <summary>Where the address is looked for when no option gives it: so that its password need not stand in the list of processes.</summary>
    public const string Variable = "TERAVOX_DATABASE";

    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    /// <summary>The address that the option or the environment gives.</summary>
    /// <exception cref="InputException">Neither does.</exception>
    public static string Address(string? option) => option ?? Environment.GetEnvironmentVariable(Variable) switch
    {
        { Length: > 0 } address => address,
        _ => throw new InputException($"--database: name the database, postgres://user:password@host:port/database or sqlite:FILE, here or in {Variable}."),
    };

    /// <summary>The address without what is secret.</summary>
    public static string Shown(string address) =>
        Uri.TryCreate(address, UriKind.Absolute, out var uri) && uri.UserInfo.Length > 0
            ? address.Replace(uri.UserInfo + "@", "", StringComparison.Ordinal)
            : address;

    /// <summary>Opens the catalog; waits for a database that does not answer yet, and says so.</summary>
    /// <exception cref="InputException">It is no catalog, or can not be used.</exception>
    public static async Task<ICatalog> OpenAsync(string address, Action<string> waiting, CancellationToken ct)
    {
        var pause = TimeSpan.FromMilliseconds(250);
        while (true)
        {
            try
            {
                return await Catalogs.OpenAsync(address, ct);
            }
            catch (DatabaseUnavailableException e)
            {
                waiting(e.Message);
            }

            await Task.Delay(pause * (0.5 + Random.Shared.NextDouble()), ct);
            pause = pause < LongestPause ? pause * 2 : LongestPause;
        }
    }
}
