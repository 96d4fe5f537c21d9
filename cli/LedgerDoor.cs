// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using Teravox.Grains.Ledger;

namespace Teravox.Cli;

/// <summary>Opens a cluster's ledger.</summary>
internal static class LedgerDoor
{
    /// <summary>Where the address is looked for when no option gives it: so that its password need not stand in the list of processes.</summary>
    public const string Variable = "TERAVOX_LEDGER";

    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    /// <summary>The address that the option or the environment gives.</summary>
    /// <exception cref="InputException">Neither does.</exception>
    public static string Address(string? option) => option ?? Environment.GetEnvironmentVariable(Variable) switch
    {
        { Length: > 0 } address => address,
        _ => throw new InputException($"--ledger: name the ledger, postgres://user:password@host:port/database or sqlite:FILE, here or in {Variable}."),
    };

    /// <summary>The address without what is secret.</summary>
    public static string Shown(string address) =>
        Uri.TryCreate(address, UriKind.Absolute, out var uri) && uri.UserInfo.Length > 0
            ? address.Replace(uri.UserInfo + "@", "", StringComparison.Ordinal)
            : address;

    /// <summary>Opens the ledger; waits for one that does not answer yet, and says so.</summary>
    /// <exception cref="InputException">It is no ledger, or can not be used.</exception>
    public static async Task<ILedger> OpenAsync(string address, Action<string> waiting, CancellationToken ct)
    {
        var pause = TimeSpan.FromMilliseconds(250);
        while (true)
        {
            try
            {
                return await Ledgers.OpenAsync(address, ct);
            }
            catch (LedgerUnavailableException e)
            {
                waiting(e.Message);
            }

            await Task.Delay(pause * (0.5 + Random.Shared.NextDouble()), ct);
            pause = pause < LongestPause ? pause * 2 : LongestPause;
        }
    }
}
