// SPDX-License-Identifier: Apache-2.0
using System.Net;

namespace Teravox.Client;

/// <summary>The cluster refused a request. The message is one sentence fit for the person who made it.</summary>
public sealed class TeravoxApiException : Exception
{
    /// <summary>With what the server said.</summary>
    public TeravoxApiException(HttpStatusCode status, string message)
        : base(message)
    {
        Status = status;
    }

    /// <summary>With a sentence.</summary>
    public TeravoxApiException(string message)
        : base(message)
    {
    }

    /// <summary>With a sentence and its cause.</summary>
    public TeravoxApiException(string message, Exception inner)
        : base(message, inner)
    {
    }

    /// <summary>For serialisers only.</summary>
    public TeravoxApiException()
    {
    }

    /// <summary>The answer's status.</summary>
    public HttpStatusCode Status { get; init; }

    /// <summary>The problem's detail as the server gave it; null when it gave none.</summary>
    public string? Detail { get; init; }

    /// <summary>The field of the request that is at fault, as "spec.training.iterations"; null when it is not one field.</summary>
    public string? Field { get; init; }

    /// <summary>Where the file ends on the server, bytes, when a slab does not go on there; else null.</summary>
    public long? Received { get; init; }

    /// <summary>True when a path in the request leads to where the silos may not read, or where nothing is.</summary>
    public bool OutOfReach { get; init; }

    /// <summary>True when the caller can mend it: a wrong field, a missing thing, a key that may not do this.</summary>
    public bool IsCallersFault => (int)Status is >= 400 and < 500 && Status is not (HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests);
}

/// <summary>No server of the cluster answers, or what answers is no Teravox.</summary>
public sealed class TeravoxUnreachableException : IOException
{
    /// <summary>With a sentence.</summary>
    public TeravoxUnreachableException(string message)
        : base(message)
    {
    }

    /// <summary>With a sentence and its cause.</summary>
    public TeravoxUnreachableException(string message, Exception? inner)
        : base(message, inner)
    {
    }

    /// <summary>For serialisers only.</summary>
    public TeravoxUnreachableException()
    {
    }

    /// <summary>True when nothing listens at the addresses, rather than that a connection broke or something else answers.</summary>
    public bool NobodyListens { get; init; }
}
