// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Volumes.Tests;

public sealed class VncTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static readonly ClassMap Classes = ClassMapFile.Parse(
        """
        {"classes": [
          {"id": 0, "name": "intracellular", "values": [255]},
          {"id": 1, "name": "membrane", "values": [0, 32, 64, 96, 128]},
          {"id": 2, "name": "glia", "values": [159]},
          {"id": 3, "name": "mitochondria", "values": [191]},
          {"id": 4, "name": "synapse", "values": [223]}]}
        """,
        "vnc");

    [Fact]
    public void CheckAll_WhenRealLabels_CountsWhatNumpyCounts()
    {
        var folder = VncData.Require();
        using var raw = ImageStack.Open(Path.Combine(folder, "raw"));
        using var labels = ImageStack.Open(Path.Combine(folder, "labels"), use: StackUse.Labels);
        Assert.Equal(new Int3(14, 1024, 1024), raw.Shape);
        Assert.Equal(raw.Shape, labels.Shape);
        Assert.Equal(PixelKind.Grey8, raw.Kind);

        var check = LabelReader.CheckAll(labels, Classes, null, TestContext.Current.CancellationToken);
        // Counted with numpy in these 14 sections; the shares in the data's readme are not of these sections alone.
        Assert.Equal([10_821_247L, 2_528_152, 461_307, 771_768, 97_590], check.Counts);
        Assert.Equal(.172, check.Shares[1], 3);
        Assert.Equal(0, check.Ignored);

        // Into a volume and out again.
        var volume = OmeVolume.Create(_folder.Path("vnc.zarr"), new OmeOptions { Shape = raw.Shape, Chunk = new Int3(14, 256, 256), VoxelSize = new VoxelSize(50, 4.6, 4.6) });
        var voxels = new byte[raw.Shape.Count];
        for (var z = 0; z < raw.Shape.Z; z++)
            raw.ReadSlice(z).Data.CopyTo(voxels, z * 1024 * 1024);
        volume.Write(Box3.Whole(raw.Shape), voxels);
        Assert.Equal(voxels, OmeVolumeTests.Read(volume, Box3.Whole(raw.Shape)));
        using var again = ImageStack.Open(volume.Path);
        Assert.Equal(raw.ReadSlice(9).Data, again.ReadSlice(9).Data);
    }
}
