// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Compute.Tests;

public sealed class NetworkTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public NetworkTests() => Native.Require();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(32, 4, LayerOrder.Gcr, 4_081_267, 44)]
    [InlineData(16, 3, LayerOrder.Gcr, 246_203, 32)]
    [InlineData(32, 4, LayerOrder.Cbr, 4_080_881, 86)]
    public void Create_WhenBuilt_HasThePublishedParameterCount(int maps, int levels, LayerOrder order, long parameters, int tensors)
    {
        using var network = Network.Create(new UNetArchitecture { FMaps = maps, Levels = levels, Order = order }, 1, 0);
        Assert.Equal(parameters, network.ParameterCount);
        Assert.Equal(tensors, network.TensorNames.Count);
        Assert.Contains("final_conv.weight", network.TensorNames);
        Assert.Equal("", network.CardJson);
    }

    [Fact]
    public void Load_WhenSaved_GivesArchitectureCardAndTheSameBytesAgain()
    {
        var architecture = Native.SmallNet with
        {
            Pool = [new Int3(1, 2, 2), new Int3(2, 2, 2)],
            Upsample = Upsampling.Transposed,
            Order = LayerOrder.Gcr,
            Groups = 2,
        };
        using var network = Network.Create(architecture, 5, 3);
        const string card = """{"name":"µ-card"}""";
        network.Save(_folder.File("a.safetensors"), card);
        using var loaded = Network.Load(_folder.File("a.safetensors"));
        Assert.Equal(card, loaded.CardJson);
        Assert.Equal(5, loaded.OutChannels);
        Assert.Equal(architecture.Pool, loaded.Architecture.Pool);
        Assert.Equal(architecture with { Pool = null }, loaded.Architecture with { Pool = null });
        loaded.Save(_folder.File("b.safetensors"), card);
        Assert.Equal(File.ReadAllBytes(_folder.File("a.safetensors")), File.ReadAllBytes(_folder.File("b.safetensors")));
    }

    [Fact]
    public void Create_WhenTheSeedDiffers_GivesOtherWeights()
    {
        byte[] Saved(ulong seed)
        {
            using var network = Network.Create(Native.SmallNet, 2, seed);
            network.Save(_folder.File("seed"), null);
            return File.ReadAllBytes(_folder.File("seed"));
        }

        Assert.Equal(Saved(1), Saved(1));
        Assert.NotEqual(Saved(1), Saved(2));
    }

    [Theory]
    [InlineData(9, 4)]
    [InlineData(1, 4)]
    [InlineData(3, 0)]
    public void Create_WhenTheArchitectureIsImpossible_SaysSo(int levels, int maps) =>
        Assert.Throws<InputException>(() => Network.Create(new UNetArchitecture { Levels = levels, FMaps = maps }, 1, 0));

    [Fact]
    public void Create_WhenPoolFactorsAreMissing_CountsThem()
    {
        var e = Assert.Throws<InputException>(() => Network.Create(Native.SmallNet with { Pool = [new Int3(2, 2, 2)] }, 1, 0));
        Assert.Contains("1 pool factors", e.Message);
    }

    [Fact]
    public void Load_WhenTheFileIsAbsentOrForeign_NamesIt()
    {
        var absent = _folder.File("absent.safetensors");
        Assert.Contains(absent, Assert.Throws<InputException>(() => Network.Load(absent)).Message);
        var foreign = _folder.File("foreign.safetensors");
        File.WriteAllText(foreign, "not a network at all");
        Assert.Contains(foreign, Assert.Throws<InputException>(() => Network.Load(foreign)).Message);
    }

    [Fact]
    public void Save_WhenTheFolderIsAbsent_NamesTheFile()
    {
        using var network = Network.Create(Native.SmallNet, 1, 0);
        var path = _folder.File("absent/model.safetensors");
        Assert.Contains(path, Assert.Throws<InputException>(() => network.Save(path, null)).Message);
    }

    [Fact]
    public void Save_AfterDispose_IsRefused()
    {
        var network = Network.Create(Native.SmallNet, 1, 0);
        network.Dispose();
        Assert.Throws<ObjectDisposedException>(() => network.Save(_folder.File("x"), null));
    }

    [Theory]
    [InlineData(2, 9)]
    [InlineData(3, 23)]
    [InlineData(4, 51)]
    [InlineData(5, 107)]
    public void ReachOf_WhenPoolIsTwo_IsThePublishedHalo(int levels, int reach)
    {
        var (r, grid) = Reach.Of(new UNetArchitecture { Levels = levels });
        Assert.Equal(new Int3(reach, reach, reach), r);
        Assert.Equal(1 << (levels - 1), grid.Z);
    }

    [Fact]
    public void ReachOf_WhenTheStackIsAnisotropic_IsSmallerAlongZ()
    {
        var (reach, grid) = Reach.Of(new UNetArchitecture { Levels = 3, Pool = [new Int3(1, 2, 2), new Int3(1, 2, 2)] });
        Assert.Equal(new Int3(1, 4, 4), grid);
        Assert.True(reach.Z < reach.Y);
        Assert.Equal(reach.X, reach.Y);
    }

    [Fact]
    public void Choose_WhenAsked_TakesWhatIsHere()
    {
        Assert.Equal("cpu", Devices.Choose("cpu"));
        Assert.Equal(Devices.CudaCount > 0 ? "cuda:0" : "cpu", Devices.Choose("auto"));
        Assert.Equal(Devices.Choose(null), Devices.Choose("auto"));
        Assert.Contains("cuda:999", Assert.Throws<InputException>(() => Devices.Choose("cuda:999")).Message);
        Assert.Contains("tpu", Assert.Throws<InputException>(() => Devices.Choose("tpu")).Message);
        Assert.Contains("libtorch", Devices.BuildInfo);
    }
}
