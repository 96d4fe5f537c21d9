// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Compute;

/// <summary>libteravox failed in a way that is not the user's doing: no memory, a defect, or the library is missing.</summary>
public sealed class TeravoxNativeException : Exception
{
    /// <summary>With the library's status (0 when it could not be loaded) and its sentence.</summary>
    public TeravoxNativeException(int status, string message)
        : base(message) => Status = status;

    /// <summary>For serialisers only.</summary>
    public TeravoxNativeException()
    {
    }

    /// <summary>For serialisers only.</summary>
    public TeravoxNativeException(string message)
        : base(message)
    {
    }

    /// <summary>For serialisers only.</summary>
    public TeravoxNativeException(string message, Exception inner)
        : base(message, inner)
    {
    }

    /// <summary>The tvx_status: 3xx resources, 9xx a defect in the library; 0 when it could not be loaded.</summary>
    public int Status { get; }
}
