// SPDX-License-Identifier: Apache-2.0
using Teravox.Compute.Interop;

namespace Teravox.Compute.Tests;

public sealed class NativeLoaderTests
{
    [Fact]
    public void Find_WhenTheLibraryIsMissing_SaysHowToBuildIt()
    {
        using var folder = new TemporaryFolder();
        var e = Assert.Throws<TeravoxNativeException>(() => NativeLoader.Find(null, folder.File("")));
        Assert.Contains("libteravox.so is missing; run ./teravox build", e.Message);
    }

    [Fact]
    public void Find_WhenTheVariableNamesAnEmptyDirectory_NamesTheVariable()
    {
        using var folder = new TemporaryFolder();
        var e = Assert.Throws<TeravoxNativeException>(() => NativeLoader.Find(folder.File("elsewhere"), AppContext.BaseDirectory));
        Assert.Contains("TERAVOX_NATIVE_DIR", e.Message);
        Assert.Contains("elsewhere", e.Message);
    }

    [Fact]
    public void Find_WhenTheVariableNamesItsDirectory_TakesThatFile()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("libteravox.so"), "");
        Assert.Equal(folder.File("libteravox.so"), NativeLoader.Find(folder.File(""), "/absent"));
    }
}
