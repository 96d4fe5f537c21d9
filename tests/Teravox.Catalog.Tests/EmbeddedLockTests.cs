// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using Teravox.Grains.Catalog;

namespace Teravox.Catalog.Tests;

public sealed class EmbeddedLockTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Acquire_WhenTaken_NamesDirectoryAndHolder()
    {
        using var first = EmbeddedLock.Acquire(_folder.FullName);

        var error = Assert.Throws<InputException>(() => EmbeddedLock.Acquire(_folder.FullName));

        Assert.Contains(_folder.FullName, error.Message, StringComparison.Ordinal);
        Assert.Contains($"pid {Environment.ProcessId}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Acquire_WhenFreedBefore_Succeeds()
    {
        EmbeddedLock.Acquire(_folder.FullName).Dispose();
        File.WriteAllText(_folder["teravox.pid"], "12345678901234567890");

        EmbeddedLock.Acquire(_folder.FullName).Dispose();

        Assert.Equal($"{Environment.ProcessId}", File.ReadAllText(_folder["teravox.pid"]));
    }

    [Fact]
    public void Acquire_WhenDirectoryIsMissing_SaysSo()
    {
        var error = Assert.Throws<InputException>(() => EmbeddedLock.Acquire(_folder["missing"]));

        Assert.Contains("missing", error.Message, StringComparison.Ordinal);
    }
}
