// SPDX-License-Identifier: Apache-2.0

namespace Teravox.Orleans.Silos;

/// <summary>
/// Told when this silo cannot go on as a member of its cluster: the others took it for dead while it was frozen or cut off, say.
/// Orleans would end the process; here it joins anew, and the items that run keep running under their leases.
/// </summary>
internal sealed class DeathNotice : IFatalErrorHandler
{
    private readonly TaskCompletionSource<string> _came = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes with the reason.</summary>
    public Task<string> Came => _came.Task;

    public bool IsUnexpected(Exception exception) => exception is not ThreadAbortException;

    public void OnFatalException(object? sender = null, string? context = null, Exception? exception = null) =>
        _came.TrySetResult(exception is null ? context ?? "it does not say why" : $"{context}: {exception.Message}");
}
