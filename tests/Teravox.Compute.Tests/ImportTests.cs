// SPDX-License-Identifier: Apache-2.0
using System.Runtime.CompilerServices;
using Teravox.Contracts;

namespace Teravox.Compute.Tests;

public sealed class ImportTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public ImportTests() => Native.Require();

    public void Dispose() => _folder.Dispose();

    // A checkpoint as pytorch-3dunet writes it: 3 levels, 8 maps, batch norm, 2 outputs.
    private string MakeCheckpoint([CallerFilePath] string here = "")
    {
        var path = _folder.File("checkpoint.pytorch");
        Python.Run("write_checkpoint.py", Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../compute/native/tests/parity")), path);
        return path;
    }

    [Fact]
    public void Import_WhenTheFactorsFit_TakesThem()
    {
        var path = MakeCheckpoint();
        using var network = Network.Import(path, [new Int3(1, 2, 2), new Int3(2, 3, 3)]);
        Assert.Equal([new Int3(1, 2, 2), new Int3(2, 3, 3)], network.Architecture.Pool);
        Assert.Equal((3, 8, 2), (network.Architecture.Levels, network.Architecture.FMaps, network.OutChannels));
        Assert.Equal(LayerOrder.Cbr, network.Architecture.Order);
        using var plain = Network.Import(path, null);
        Assert.Equal([new Int3(2, 2, 2), new Int3(2, 2, 2)], plain.Architecture.Pool);
    }

    [Fact]
    public void Import_WhenTheFactorsAreTooFew_NamesTheFileAndTheNumber()
    {
        var path = MakeCheckpoint();
        var e = Assert.Throws<InputException>(() => Network.Import(path, [new Int3(1, 2, 2)]));
        Assert.Contains(path, e.Message);
        Assert.Contains("needs 2 pool factors", e.Message);
    }

    [Fact]
    public void Import_WhenTheFileIsForeign_NamesIt()
    {
        var foreign = _folder.File("foreign.pytorch");
        File.WriteAllText(foreign, "not a network at all");
        Assert.Contains(foreign, Assert.Throws<InputException>(() => Network.Import(foreign, null)).Message);
    }
}
