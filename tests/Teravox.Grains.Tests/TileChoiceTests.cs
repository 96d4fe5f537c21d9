// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Contracts.Grains;
using Teravox.Grains.Spec;

namespace Teravox.Grains.Tests;

public sealed class TileChoiceTests
{
    private const long GiB = 1L << 30;
    private static readonly UNetArchitecture Usual = new() { Levels = 4, FMaps = 32 };
    private static readonly Int3 Chunk = new(64, 64, 64), Grid = new(8, 8, 8), Halo = new(48, 48, 48);

    [Theory]
    [InlineData(0, 128)]
    [InlineData(8, 128)]
    [InlineData(12, 192)]
    [InlineData(24, 256)]
    [InlineData(80, 448)]
    [InlineData(139, 512)]
    public void Core_OfALargeVolume_GrowsWithTheGpu(int memory, int edge) =>
        Assert.Equal(new Int3(edge, edge, edge), TileChoice.Core(new(4096, 4096, 4096), Chunk, Grid, Halo, Usual, outputs: 8, memory * GiB));

    [Fact]
    public void Core_OfAnyVolume_IsWholeChunksAndNoLargerThanItNeeds()
    {
        var random = new Random(3);
        for (var i = 0; i < 500; i++)
        {
            var shape = new Int3(random.Next(1, 900), random.Next(1, 900), random.Next(1, 900));
            var chunk = new Int3(random.Next(1, 9), random.Next(1, 9), random.Next(1, 9)).Map(n => 8 * n);
            var memory = random.Next(0, 200) * GiB;
            var core = TileChoice.Core(shape, chunk, Grid, Halo, Usual, random.Next(1, 12), memory);
            for (var axis = 0; axis < 3; axis++)
            {
                Assert.True(core[axis] > 0 && core[axis] % chunk[axis] == 0, $"{core} of {shape} in {chunk}");
                Assert.True(core[axis] < shape[axis] + chunk[axis], $"{core} of {shape} in {chunk}");
            }
        }
    }

    [Fact]
    public void Core_WhenOutputsAreMany_LeavesTheirBytesWithinOneArray()
    {
        var core = TileChoice.Core(new(4096, 4096, 4096), Chunk, Grid, Halo, Usual, outputs: 30, 1000 * GiB);
        Assert.InRange(30 * core.Count, 1, int.MaxValue);
    }

    [Fact]
    public void LeastGpuMemory_OfSilos_IsThatOfTheSmallestGpuThatIsThere()
    {
        Assert.Equal(0, TileChoice.LeastGpuMemory([]));
        Assert.Equal(0, TileChoice.LeastGpuMemory([Silo(true, new DeviceInfo("cpu", 3, 2, 8 * GiB), new DeviceInfo("cuda:0", 3, 1, 0))]));
        Assert.Equal(
            24 * GiB,
            TileChoice.LeastGpuMemory(
            [
                Silo(true, new DeviceInfo("cuda:0", 3, 1, 80 * GiB), new DeviceInfo("cpu", 3, 2, GiB)),
                Silo(true, new DeviceInfo("cuda:1", 3, 1, 24 * GiB)),
                Silo(false, new DeviceInfo("cuda:0", 3, 1, 8 * GiB)),
            ]));
    }

    private static SiloState Silo(bool isAlive, params DeviceInfo[] devices) =>
        new(new("a", null, "machine", "1", [.. devices], [], []), new SiloLoad(), DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch, isAlive);
}
