// SPDX-License-Identifier: Apache-2.0
using Teravox.Cli.Doctor;
using Teravox.Networks;

namespace Teravox.EndToEnd.Tests;

/// <summary>What doctor says of machines with cards of NVIDIA.</summary>
public sealed class FindingsTests
{
    private const string Build = "TERAVOX_TORCH=cuda ./teravox build";
    private const string Pip = "python3 -m pip install 'torch>=2.10,<2.12'";
    private static readonly TriedDevice Cpu = new("cpu", null, 8L << 30, null);

    private static readonly Facts NoCard = new()
    {
        Processor = "A processor",
        Cores = 8,
        VectorUnits = ["AVX2"],
        IsX64 = true,
        MemoryBytes = 8L << 30,
        DotNet = "10.0.0",
        Torch = new("/no/such/folder", TorchSource.Package),
        Trial = new("2.10.0", [Cpu], null),
        CardIsHere = false,
        DriverIsHere = false,
        CardCanBeReached = false,
        CudaLibraryIsHere = false,
        DriverVersion = null,
        VisibleDevices = null,
        CanBuild = true,
        Node = "20.19.0",
        NoPostgres = null,
    };

    private static readonly Facts Card = NoCard with { CardIsHere = true, DriverIsHere = true, CardCanBeReached = true, CudaLibraryIsHere = true, DriverVersion = "570.86" };

    [Fact]
    public void Of_WithoutACard_FindsNothingMissing() => Assert.All(Findings.Of(NoCard), f => Assert.Equal((FindingState.Ok, 0), (f.State, f.Mend.Count)));

    [Fact]
    public void Of_WhenLibtorchIsForTheCpuBesideACard_NamesTheWaysToCuda()
    {
        var nvidia = Nvidia(Card with { Torch = new("/no/such/folder", TorchSource.Package, "python3 has no PyTorch") });

        Assert.Equal(FindingState.Missing, nvidia.State);
        Assert.Contains("libtorch is for the CPU: python3 has no PyTorch", nvidia.Found, StringComparison.Ordinal);
        Assert.Equal([Build, Pip], nvidia.Mend.Take(2));
    }

    [Fact]
    public void Of_WhenThatIsAPublishedProgram_NamesNoBuild() => Assert.Equal(Pip, Nvidia(Card with { CanBuild = false }).Mend[0]);

    [Fact]
    public void Of_WhenACardHasNoDriver_NamesTheDriver() =>
        Assert.Contains("nvidia-driver", Nvidia(NoCard with { CardIsHere = true }).Mend[0], StringComparison.Ordinal);

    [Fact]
    public void Of_WhenAContainerHasNoCards_NamesTheOptionThatGivesThem() =>
        Assert.Contains("docker run --gpus all", Nvidia(Card with { CardCanBeReached = false }).Mend[0], StringComparison.Ordinal);

    [Fact]
    public void Of_WhenCardsAreHidden_NamesTheVariable()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["libtorch_cuda.so"], "");

        Assert.Equal(["unset CUDA_VISIBLE_DEVICES"], Nvidia(Card with { Torch = new(folder.Path, TorchSource.PyTorch), VisibleDevices = "" }).Mend);
    }

    [Fact]
    public void Of_WhenACardComputes_FindsNothingMissing()
    {
        var facts = Card with { Trial = new("2.11.0", [Cpu, new("cuda:0", "A card", 80L << 30, null)], null) };

        Assert.All(Findings.Of(facts), f => Assert.Equal(FindingState.Ok, f.State));
        Assert.Equal(["cpu", "cuda:0"], Findings.Devices(facts));
    }

    [Fact]
    public void Of_WhenACardDoesNotCompute_SaysWhy()
    {
        var facts = Card with { Trial = new("2.11.0", [Cpu, new("cuda:0", "A card", 80L << 30, "no kernel image is available")], null) };

        var device = Assert.Single(Findings.Of(facts), f => f.What == "cuda:0");
        Assert.Equal((FindingState.Missing, "does not compute: no kernel image is available"), (device.State, device.Found));
        Assert.Equal(["cpu"], Findings.Devices(facts));
    }

    [Theory]
    [InlineData(TorchSource.Package, "./teravox build")]
    [InlineData(TorchSource.Variable, "unset TERAVOX_LIBTORCH")]
    [InlineData(TorchSource.PyTorch, Pip + " --force-reinstall")]
    public void Of_WhenLibtorchDoesNotLoad_NamesWhatMendsThatOne(TorchSource source, string mend)
    {
        var facts = NoCard with { Torch = new("/no/such/folder", source), Trial = new(null, [], "file too short") };

        var libtorch = Assert.Single(Findings.Of(facts), f => f.What == "libtorch");
        Assert.Equal((FindingState.Broken, mend), (libtorch.State, libtorch.Mend[0]));
        Assert.Empty(Findings.Devices(facts));
    }

    private static Finding Nvidia(Facts facts) => Assert.Single(Findings.Of(facts), f => f.What == "NVIDIA");
}
