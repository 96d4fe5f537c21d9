// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Contracts;

/// <summary>
/// The database did not answer in time. Whether a write took effect is unknown; the same call may be made
/// again, as every write may be repeated.
/// </summary>
public sealed class DatabaseUnavailableException : Exception
{
    /// <summary>With what was tried.</summary>
    public DatabaseUnavailableException(string message)
        : base(message)
    {
    }

    /// <summary>With what was tried and the database's own error.</summary>
    public DatabaseUnavailableException(string message, Exception inner)
        : base(message, inner)
    {
    }

    /// <summary>For serialisers only.</summary>
    public DatabaseUnavailableException()
    {
    }
}
