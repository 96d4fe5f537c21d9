// SPDX-License-Identifier: Apache-2.0
using Teravox.Compute.Interop;
using Teravox.Contracts;

namespace Teravox.Compute.Tests;

public sealed class NativeStatusTests
{
    public NativeStatusTests() => Native.Require();

    [Theory]
    [InlineData(NativeConstants.Io, false, typeof(InputException))]
    [InlineData(NativeConstants.BadFormat, false, typeof(InputException))]
    [InlineData(NativeConstants.Mismatch, true, typeof(InputException))]
    [InlineData(NativeConstants.NoDevice, false, typeof(InputException))]
    [InlineData(NativeConstants.BadArgument, true, typeof(InputException))]
    [InlineData(NativeConstants.BadShape, true, typeof(InputException))]
    [InlineData(NativeConstants.BadArgument, false, typeof(TeravoxNativeException))]
    [InlineData(NativeConstants.BadShape, false, typeof(TeravoxNativeException))]
    [InlineData(NativeConstants.NoMemory, true, typeof(TeravoxNativeException))]
    [InlineData(NativeConstants.Internal, true, typeof(TeravoxNativeException))]
    [InlineData(NativeConstants.Aborted, false, typeof(OperationCanceledException))]
    public void Check_WhenACallFailed_ThrowsWhatTheCallerCanActOn(int status, bool users, Type expected)
    {
        using var source = new CancellationTokenSource();
        var e = Assert.Throws(expected, () => NativeStatus.Check(status, users ? Arguments.Users : Arguments.Ours, source.Token));
        Assert.Equal(status, e is TeravoxNativeException n ? n.Status : status);
        Assert.Equal(source.Token, e is OperationCanceledException o ? o.CancellationToken : source.Token);
    }

    [Fact]
    public void Check_WhenACallSucceeded_ReturnsQuietly() =>
        NativeStatus.Check(NativeConstants.Ok, cancellationToken: TestContext.Current.CancellationToken);
}
