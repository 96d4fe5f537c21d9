// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Volumes.Phantom;

/// <summary>How a phantom is made.</summary>
public sealed record PhantomOptions
{
    /// <summary>Voxel size in nm, 2..60 per axis; 10 x 10 x 10 as a FIB-SEM gives. Structures keep their size in nm.</summary>
    public VoxelSize VoxelSize { get; init; } = new(10, 10, 10);

    /// <summary>Mean distance of neurites across z in nm, 150..2000.</summary>
    public double CellSpacing { get; init; } = 380;

    /// <summary>Strength of the noise, 0 (none) .. 5; 1 looks like a FIB-SEM stack of good quality.</summary>
    public double Noise { get; init; } = 1;

    /// <summary>Point spread: how often a kernel of variance 0.5 voxels is applied per axis, 0..8.</summary>
    public int Blur { get; init; } = 1;

    /// <summary>Threads to use; 0 = one per processor. The result does not depend on it.</summary>
    public int Threads { get; init; }
}

/// <summary>A generated volume with its truth; both arrays are (z, y, x).</summary>
/// <param name="Shape">Shape in voxels.</param>
/// <param name="VoxelSize">In nm.</param>
/// <param name="Raw">8-bit grey.</param>
/// <param name="Labels">Class ids, every voxel labelled.</param>
public sealed record PhantomVolume(Int3 Shape, VoxelSize VoxelSize, byte[] Raw, byte[] Labels);
