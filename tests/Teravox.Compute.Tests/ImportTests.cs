// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Runtime.CompilerServices;
using Teravox.Contracts;

namespace Teravox.Compute.Tests;

public sealed class ImportTests : IDisposable
{
    private static readonly string Python =
        Environment.GetEnvironmentVariable("TERAVOX_PYTHON") is { Length: > 0 } p ? p : "/usr/bin/python3";

    private readonly TemporaryFolder _folder = new();

    public ImportTests() => Native.Require();

    public void Dispose() => _folder.Dispose();

    // A checkpoint as pytorch-3dunet writes it: 3 levels, 8 maps, batch norm, 2 outputs.
    private async Task<string> MakeCheckpointAsync([CallerFilePath] string here = "")
    {
        var path = _folder.File("checkpoint.pytorch");
        var modules = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "../../compute/native/tests/parity"));
        string[] code =
        [
            "import sys",
            "sys.dont_write_bytecode = True",
            "sys.path.insert(0, sys.argv[1])",
            "import torch, tvx, unet3d",
            "net = unet3d.UNet3d(tvx.Arch(1, 2, 3, 8, tvx.CBR, 8, tvx.NEAREST, 0))",
            "torch.save({'model_state_dict': net.state_dict()}, sys.argv[2])",
        ];
        var ci = Environment.GetEnvironmentVariable("CI") == "true";
        Assert.SkipUnless(File.Exists(Python) || ci, "python3-torch is not installed");
        var start = new ProcessStartInfo(Python, ["-c", string.Join('\n', code), modules, path]) { RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var error = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.SkipWhen(error.Contains("ModuleNotFoundError", StringComparison.Ordinal) && !ci, "python3-torch is not installed");
        Assert.True(process.ExitCode == 0, error);
        return path;
    }

    [Fact]
    public async Task Import_WhenTheFactorsFit_TakesThem()
    {
        var path = await MakeCheckpointAsync();
        using var network = Network.Import(path, [new Int3(1, 2, 2), new Int3(2, 3, 3)]);
        Assert.Equal([new Int3(1, 2, 2), new Int3(2, 3, 3)], network.Architecture.Pool);
        Assert.Equal((3, 8, 2), (network.Architecture.Levels, network.Architecture.FMaps, network.OutChannels));
        Assert.Equal(LayerOrder.Cbr, network.Architecture.Order);
        using var plain = Network.Import(path, null);
        Assert.Equal([new Int3(2, 2, 2), new Int3(2, 2, 2)], plain.Architecture.Pool);
    }

    [Fact]
    public async Task Import_WhenTheFactorsAreTooFew_NamesTheFileAndTheNumber()
    {
        var path = await MakeCheckpointAsync();
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
