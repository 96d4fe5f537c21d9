// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Volumes.Tests;

/// <summary>
/// The Drosophila ventral nerve cord (figshare 10.6084/m9.figshare.856713): big-endian TIFF and label PNGs. Its licence
/// keeps it out of the repository; TERAVOX_VNC names the folder with raw/ and labels/, or it lies in
/// shared/data/drosophila-vnc in one of the folders above the repository.
/// </summary>
public sealed class VncTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static string Find()
    {
        var folder = Environment.GetEnvironmentVariable("TERAVOX_VNC");
        for (var up = new DirectoryInfo(Repo.Root); string.IsNullOrEmpty(folder) && up is not null; up = up.Parent)
        {
            var candidate = Path.Combine(up.FullName, "shared", "data", "drosophila-vnc");
            if (Directory.Exists(candidate))
                folder = candidate;
        }

        // Not a prerequisite of CI: the data may not be copied to where CI runs.
        Assert.SkipWhen(string.IsNullOrEmpty(folder), "the Drosophila VNC data is not here; TERAVOX_VNC names its folder");
        return folder!;
    }

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
        var folder = Find();
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
