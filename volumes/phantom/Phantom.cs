// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Volumes.Phantom;

/// <summary>
/// Makes labelled volumes that look like brain tissue in a FIB-SEM, as test data and for demonstration: no real stack
/// can ship with the code. A phantom is a pure function of shape, seed and options: the same bytes on every machine,
/// with any number of threads.
/// </summary>
public static class Phantom
{
    /// <summary>Class names by id.</summary>
    public static IReadOnlyList<string> ClassNames { get; } =
    [
        "cytosol", "synapses", "mitochondria", "membrane", "neurotransmitter vesicles", "endoplasmic reticulum", "microtubules", "myelin",
    ];

    /// <summary>
    /// The share of voxels each class is made to have, by id: those of the mouse cortex volume of the source (DSE-260,
    /// UCSD 2021). A volume that holds many structures comes close; in a small one a single structure may be more.
    /// </summary>
    public static IReadOnlyList<double> Shares { get; } = [.7350, .0029, .0578, .1450, .0121, .0325, .0065, .0073];

    /// <summary>The classes; label values are ids.</summary>
    public static ClassMap Classes { get; } = new()
    {
        Classes = [.. ClassNames.Select(static (name, id) => new ClassEntry { Id = id, Name = name })],
    };

    /// <summary>Generates a volume.</summary>
    /// <param name="shape">(z, y, x) in voxels, each at least 8; at most 2^31 - 57 voxels in all.</param>
    /// <param name="seed">Another seed is another piece of tissue.</param>
    /// <param name="options">Voxel size, noise ...; null for the defaults.</param>
    /// <param name="progress">0..1 as it goes on, or null.</param>
    /// <param name="ct">Stops it.</param>
    /// <exception cref="InputException">Shape or options are out of range.</exception>
    /// <exception cref="OperationCanceledException">With <paramref name="ct"/>.</exception>
    public static PhantomVolume Generate(
        Int3 shape, ulong seed, PhantomOptions? options = null, IProgress<double>? progress = null, CancellationToken ct = default)
    {
        options ??= new PhantomOptions();
        Check(shape, options);
        var extent = new Point(shape.Z * options.VoxelSize.Z, shape.Y * options.VoxelSize.Y, shape.X * options.VoxelSize.X);
        var parallel = new ParallelOptions
        {
            MaxDegreeOfParallelism = options.Threads > 0 ? options.Threads : Environment.ProcessorCount,
            CancellationToken = ct,
        };
        var axons = MyelinatedAxon.Plant(extent, seed, Shares[Tissue.Myelin]);
        var tissue = new Tissue(shape, options.VoxelSize, seed, new CellField(extent, seed, options.CellSpacing, axons), parallel);
        progress?.Report(.3);
        Walls.Grow(tissue, Shares[Tissue.Membrane], axons);
        progress?.Report(.4);
        Mitochondria.Grow(tissue, Shares[Tissue.Mitochondrion]);
        progress?.Report(.55);
        Synapses.Grow(tissue, Shares[Tissue.Synapse], Shares[Tissue.Vesicle]);
        Microtubules.Grow(tissue, Shares[Tissue.Microtubule], axons);
        progress?.Report(.7);
        Reticulum.Grow(tissue, Shares[Tissue.Reticulum]);
        progress?.Report(.8);
        var raw = Microscope.Record(tissue, options);
        progress?.Report(1);
        return new PhantomVolume(shape, options.VoxelSize, raw, tissue.Label);
    }

    private static void Check(Int3 shape, PhantomOptions o)
    {
        if (shape.Z < 8 || shape.Y < 8 || shape.X < 8 || shape.Count > Array.MaxLength)
            throw new InputException($"A phantom of {shape} voxels cannot be made: give each axis at least 8, and at most {Array.MaxLength} voxels in all.");
        if (new[] { o.VoxelSize.Z, o.VoxelSize.Y, o.VoxelSize.X }.Any(static s => !(s is >= 2 and <= 60)))
            throw new InputException("The phantom's voxelSize must be between 2 and 60 nm on each axis.");
        if (!(o.CellSpacing is >= 150 and <= 2000))
            throw new InputException("The phantom's cellSpacing must be between 150 and 2000 nm.");
        if (!(o.Noise is >= 0 and <= 5) || o.Blur is < 0 or > 8 || o.Threads < 0)
            throw new InputException("The phantom's noise must be between 0 and 5, its blur between 0 and 8, its threads 0 or more.");
    }
}
