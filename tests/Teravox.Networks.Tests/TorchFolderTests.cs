// SPDX-License-Identifier: Apache-2.0
using System.Runtime.Versioning;

namespace Teravox.Networks.Tests;

/// <summary>Which libtorch is taken, from folders that look like installed ones.</summary>
[SupportedOSPlatform("linux")]
public sealed class TorchFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("2.10.0+cu128")]
    [InlineData("2.11.0")]
    public void Choose_WhenACardAndAPyTorchThatSuitsAreHere_TakesIt(string version)
    {
        var torch = PyTorch(version, cuda: true);

        var chosen = TorchFolder.Choose(Package(cuda: false), null, () => true, () => torch);

        Assert.Equal(new TorchFolder(Path.Combine(torch, "lib"), TorchSource.PyTorch), chosen);
        Assert.Equal(version, chosen.Version);
    }

    [Theory]
    [InlineData("1.13.0a0")]
    [InlineData("2.9.1+cu128")]
    [InlineData("2.12.0")]
    [InlineData("3.10.0")]
    [InlineData("unknown")]
    public void Choose_WhenThePyTorchIsOfAnotherVersion_PassesItOverAndSaysSo(string version)
    {
        var torch = PyTorch(version, cuda: true);

        var chosen = TorchFolder.Choose(Package(cuda: false), null, () => true, () => torch);

        Assert.Equal(TorchSource.Package, chosen.Source);
        Assert.Contains($"{torch} is {version}; 2.10 and 2.11", chosen.PassedOver, StringComparison.Ordinal);
    }

    [Fact]
    public void Choose_WhenThePyTorchIsForTheCpu_PassesItOverAndSaysSo()
    {
        var torch = PyTorch("2.10.0+cpu", cuda: false);

        var chosen = TorchFolder.Choose(Package(cuda: false), null, () => true, () => torch);

        Assert.Equal((TorchSource.Package, $"the PyTorch in {torch} is one for the CPU"), (chosen.Source, chosen.PassedOver));
    }

    [Fact]
    public void Choose_WhenThereIsNoPyTorch_TakesThePackageAndSaysSo()
    {
        var package = Package(cuda: false);

        Assert.Equal(new TorchFolder(package, TorchSource.Package, "python3 has no PyTorch"), TorchFolder.Choose(package, null, () => true, () => null));
    }

    [Fact]
    public void Choose_WhenThereIsNoDriver_TakesThePackageAndAsksNobody()
    {
        var package = Package(cuda: false);

        Assert.Equal(new TorchFolder(package, TorchSource.Package), TorchFolder.Choose(package, null, () => false, Unasked));
    }

    [Fact]
    public void Choose_WhenThePackageHasCuda_TakesItAndAsksNobody()
    {
        var package = Package(cuda: true);

        Assert.Equal(new TorchFolder(package, TorchSource.Package), TorchFolder.Choose(package, null, () => throw new InvalidOperationException("the driver was looked for"), Unasked));
    }

    [Fact]
    public void Choose_WhenTheVariableNamesAFolder_TakesItWhateverItsVersion()
    {
        var named = Path.Combine(PyTorch("2.12.0", cuda: true), "lib");

        Assert.Equal(new TorchFolder(named, TorchSource.Variable), TorchFolder.Choose(Package(cuda: false), named, () => true, Unasked));
    }

    [Fact]
    public void Version_OfAnUnpackedLibtorch_ComesFromItsOwnFile()
    {
        var lib = Directory.CreateDirectory(_folder.File("libtorch/lib")).FullName;
        File.WriteAllText(_folder.File("libtorch/build-version"), "2.10.0+cu128\n");

        Assert.Equal("2.10.0+cu128", new TorchFolder(lib, TorchSource.Variable).Version);
    }

    [Fact]
    public void Installed_WhenPythonHasTorch_IsItsFolderAndNothingIsImported()
    {
        var torch = PyTorch("2.10.0", cuda: true);
        File.WriteAllText(Path.Combine(torch, "__init__.py"), "raise SystemExit(3)");

        Assert.Equal(torch, TorchFolder.Installed(Interpreter(Path.GetDirectoryName(torch)!)));
    }

    [Fact]
    public void Installed_WhenPythonHasNone_IsNull() => Assert.Null(TorchFolder.Installed(Interpreter(_folder.File("empty"))));

    [Fact]
    public void Installed_WhenThereIsNoPython_IsNull() => Assert.Null(TorchFolder.Installed(_folder.File("none")));

    private static string? Unasked() => throw new InvalidOperationException("Python was asked");

    // The real interpreter, with a path of modules of its own and no others beside those that come with it.
    private string Interpreter(string modules)
    {
        Prerequisite.Require(File.Exists("/usr/bin/python3"), "/usr/bin/python3");
        var path = _folder.File("python3");
        File.WriteAllText(path, $"#!/bin/sh\nexport PYTHONPATH='{modules}'\nexec /usr/bin/python3 -S \"$@\"\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return path;
    }

    private string Package(bool cuda) => Libraries(_folder.File("package"), cuda);

    private string PyTorch(string version, bool cuda)
    {
        var torch = _folder.File("site-packages/torch");
        Libraries(Path.Combine(torch, "lib"), cuda);
        File.WriteAllText(Path.Combine(torch, "version.py"), $"from typing import Optional\n\n__all__ = ['__version__', 'debug', 'cuda']\n__version__ = '{version}'\ndebug = False\n");
        return torch;
    }

    private static string Libraries(string folder, bool cuda)
    {
        Directory.CreateDirectory(folder);
        foreach (var name in (string[])["libtorch_cpu.so", .. cuda ? ["libtorch_cuda.so"] : Array.Empty<string>()])
            File.WriteAllText(Path.Combine(folder, name), "");
        return folder;
    }
}
