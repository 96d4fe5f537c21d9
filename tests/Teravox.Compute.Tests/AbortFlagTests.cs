// SPDX-License-Identifier: Apache-2.0
using Teravox.Compute.Interop;

namespace Teravox.Compute.Tests;

public sealed unsafe class AbortFlagTests
{
    [Fact]
    public void Abort_WhenTheTokenIsCancelledLater_SaysSoFromThenOn()
    {
        using var source = new CancellationTokenSource();
        using var flag = new AbortFlag(source.Token);
        var callbacks = flag.Callbacks;
        Assert.Equal(0, callbacks.Abort(callbacks.User));
        source.Cancel();
        Assert.NotEqual(0, callbacks.Abort(callbacks.User));
    }

    [Fact]
    public void Dispose_WhenTheTokenIsCancelledAfterwards_IsNotReached()
    {
        using var source = new CancellationTokenSource();
        new AbortFlag(source.Token).Dispose();
        source.Cancel();
    }
}
