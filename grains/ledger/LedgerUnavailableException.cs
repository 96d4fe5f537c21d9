// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Grains.Ledger;

/// <summary>
/// The ledger's database did not answer in time. Whether a write took effect is unknown; the same call may be made
/// again, as every write is fenced or idempotent.
/// </summary>
public sealed class LedgerUnavailableException : Exception
{
    /// <summary>With what was tried.</summary>
    public LedgerUnavailableException(string message)
        : base(message)
    {
    }

    /// <summary>With what was tried and the database's own error.</summary>
    public LedgerUnavailableException(string message, Exception inner)
        : base(message, inner)
    {
    }

    /// <summary>For serialisers only.</summary>
    public LedgerUnavailableException()
    {
    }
}
