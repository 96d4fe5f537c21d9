// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Networks.Tests;

/// <summary>NVIDIA's driver and cards, from folders that look like a system's.</summary>
public sealed class NvidiaDriverTests : IDisposable
{
    private readonly TemporaryFolder _root = new();

    public void Dispose() => _root.Dispose();

    [Fact]
    public void IsHere_WhenNothingOfNvidiaIsThere_IsFalse()
    {
        Write("sys/bus/pci/devices/0000:00:02.0/vendor", "0x8086\n");
        Write("sys/bus/pci/devices/0000:00:02.0/class", "0x030000\n");

        var driver = new NvidiaDriver(_root.File(""));

        Assert.Equal((false, false, false, null), (driver.IsHere, driver.CardIsHere, driver.HasDeviceFile, driver.Version));
    }

    [Theory]
    [InlineData("NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 01:15:15 UTC 2023", "535.104.05")]
    [InlineData("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86  Release Build  (root@host)", "570.86")]
    [InlineData("NVRM version: ?", null)]
    public void Version_WhenTheDriverIsLoaded_IsThatOfItsFile(string text, string? version)
    {
        Write("proc/driver/nvidia/version", text + "\nGCC version:  gcc version 12.2.0 (Debian 12.2.0-14)\n");

        var driver = new NvidiaDriver(_root.File(""));

        Assert.Equal((true, version), (driver.IsHere, driver.Version));
    }

    [Theory]
    [InlineData("dev/nvidia0", true)]
    [InlineData("dev/nvidia3", true)]
    [InlineData("dev/nvidiactl", false)]
    public void HasDeviceFile_WhenThereIsAFile_IsTrueForThatOfACard(string file, bool expected)
    {
        Write(file, "");

        Assert.Equal(expected, new NvidiaDriver(_root.File("")).HasDeviceFile);
    }

    [Theory]
    [InlineData("0x030000", true)]
    [InlineData("0x030200", true)]
    [InlineData("0x040300", false)]
    public void CardIsHere_WhenThereIsADeviceOfNvidia_IsTrueForDisplays(string kind, bool expected)
    {
        Write("sys/bus/pci/devices/0000:01:00.0/vendor", "0x10de\n");
        Write("sys/bus/pci/devices/0000:01:00.0/class", kind + "\n");

        var driver = new NvidiaDriver(_root.File(""));

        Assert.Equal((expected, false), (driver.CardIsHere, driver.IsHere));
    }

    private void Write(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_root.File(path))!);
        File.WriteAllText(_root.File(path), text);
    }
}
