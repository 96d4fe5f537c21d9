// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Contracts;

/// <summary>
/// Something the user gave is wrong. The message is one sentence that names the file, slice or field and says what
/// to do; hosts print it as it is, without a stack trace.
/// </summary>
public sealed class InputException : Exception
{
    /// <summary>With the sentence for the user.</summary>
    public InputException(string message)
        : base(message)
    {
    }

    /// <summary>With the sentence for the user and what caused it.</summary>
    public InputException(string message, Exception inner)
        : base(message, inner)
    {
    }

    /// <summary>For serialisers only.</summary>
    public InputException()
    {
    }
}
