// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Teravox.Contracts;
using Teravox.Volumes;

namespace Teravox.Grains.Resolution;

/// <summary>Single sections of an experiment's volumes: each is one item's work, and is read and written whole.</summary>
internal static class Sections
{
    /// <summary>The volume that is enlarged: the degraded one where there is one, else the original.</summary>
    public static PlannedVolume Source(ExperimentPlan plan) =>
        plan.Volume(plan.HasVolume(VolumeNames.LowRes) ? VolumeNames.LowRes : VolumeNames.Original);

    /// <summary>Number of a volume's section in the original, by which people know it.</summary>
    public static int NumberOf(PlannedVolume volume, int section) => volume.Region.Start.Z + section;

    /// <summary>Rows and columns of a volume's sections.</summary>
    public static (int Y, int X) Size(PlannedVolume volume) => (volume.Shape.Y, volume.Shape.X);

    /// <summary>A section's voxels, native byte order, x fastest.</summary>
    public static byte[] Read(ExperimentPlan plan, ExperimentFolder folder, PlannedVolume volume, int section)
    {
        var box = Box(volume, section);
        var voxels = new byte[checked((int)(box.Count * plan.Type.Bytes()))];
        VolumeFiles.Read(plan, folder, volume, box, voxels);
        return voxels;
    }

    /// <summary>
    /// Stores a section, making the volume if it is the first one to come. Where the section is there already, its voxels take the
    /// place of those given: what is stored is what is counted.
    /// </summary>
    public static void Write(ExperimentPlan plan, ExperimentFolder folder, PlannedVolume volume, int section, byte[] voxels, JsonObject? attributes = null)
    {
        var options = VolumeFiles.Options(plan, volume, plan.Type, chunk: volume.Chunk) with { Attributes = attributes };
        OmeVolume.Create(folder.Volume(plan, volume), options).StoreOnce(Box(volume, section), voxels);
    }

    /// <summary>Grey levels as numbers.</summary>
    public static float[] ToGrey(byte[] voxels, VoxelType type)
    {
        var grey = new float[voxels.Length / type.Bytes()];
        var wide = type == VoxelType.UInt16 ? MemoryMarshal.Cast<byte, ushort>(voxels) : default;
        for (var i = 0; i < grey.Length; i++)
            grey[i] = type == VoxelType.UInt16 ? wide[i] : voxels[i];
        return grey;
    }

    /// <summary>Numbers as the nearest grey levels.</summary>
    public static byte[] ToVoxels(float[] grey, VoxelType type)
    {
        var voxels = new byte[checked(grey.Length * type.Bytes())];
        var wide = type == VoxelType.UInt16 ? MemoryMarshal.Cast<byte, ushort>(voxels.AsSpan()) : default;
        for (var i = 0; i < grey.Length; i++)
        {
            var level = Math.Clamp(MathF.Round(grey[i]), 0, type.Levels() - 1);
            if (type == VoxelType.UInt16)
                wide[i] = (ushort)level;
            else
                voxels[i] = (byte)level;
        }

        return voxels;
    }

    private static Box3 Box(PlannedVolume volume, int section) => new(new Int3(section, 0, 0), volume.Shape with { Z = 1 });
}
