// SPDX-License-Identifier: Apache-2.0
using Teravox.Cli;
using Teravox.Networks;

namespace Teravox.EndToEnd.Tests;

/// <summary>The devices that a silo takes.</summary>
public sealed class SiloDevicesTests
{
    [Fact]
    public void Make_WhenNoneIsAskedFor_TakesEveryCardOrElseTheCpu()
    {
        IEnumerable<string> expected = Devices.CudaCount == 0 ? ["cpu"] : Enumerable.Range(0, Devices.CudaCount).Select(i => $"cuda:{i}");

        Assert.Equal(expected, SiloDevices.Make([], threads: 2).Select(device => device.Name));
    }

    [Fact]
    public void Make_WhenTheCpuIsAskedFor_TakesItAlone() => Assert.Equal(["cpu"], SiloDevices.Make(["cpu"], threads: 2).Select(device => device.Name));
}
