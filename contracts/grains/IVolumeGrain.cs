// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts.Api;

namespace Teravox.Contracts.Grains;

/// <summary>
/// A volume; its key is its name. It registers, describes and removes the volume, one change at a time, and is the one writer of the
/// volume's entry in the catalog. Bad input comes back as a <see cref="Refusal"/>.
/// </summary>
public interface IVolumeGrain : IGrainWithStringKey
{
    /// <summary>Reads files under a configured root whole, and registers them as the volume. 409 when the name is taken.</summary>
    /// <param name="volume">Its name must be the grain's key; its paths must be open to clients.</param>
    /// <param name="request">Its owner becomes the volume's.</param>
    Task<LongAnswer<VolumeInfo>> RegisterAsync(RegisterVolume volume, GrainRequest request);

    /// <summary>Moves the files of an upload to their place in the store, and registers them as the volume. 409 when the name is taken.</summary>
    /// <param name="upload">Number of an upload for a volume of this name. All of it has arrived and was checked.</param>
    /// <param name="request">Who asks; the volume gets the upload's owner.</param>
    Task<LongAnswer<VolumeInfo>> TakeUploadAsync(long upload, GrainRequest request);

    /// <summary>What is known of the volume. 404 when there is none.</summary>
    Task<LongAnswer<VolumeDescription>> DescribeAsync();

    /// <summary>What its grey levels are like: read once while the volume is registered. 404 when there is none.</summary>
    Task<LongAnswer<VolumeStatistics>> StatisticsAsync();

    /// <summary>Forgets the volume; files that were uploaded go with it. 404 when there is none, 409 while an experiment uses it.</summary>
    Task<LongAnswer<RemovedVolume>> RemoveAsync(GrainRequest request);
}

/// <summary>What is known of a volume.</summary>
/// <param name="Volume">Its entry in the catalog.</param>
/// <param name="Levels">
/// Resolutions of raw where it is a stored OME-Zarr, the finest first: shapes and chunks (z, y, x) in voxels, voxel sizes in nm. Empty
/// for images and plain arrays, which have the volume's own shape alone, and for files that cannot be read now.
/// </param>
[GenerateSerializer]
[Immutable]
public sealed record VolumeDescription(VolumeInfo Volume, ViewLevel[] Levels);

/// <summary>A volume that is gone.</summary>
/// <param name="Id">Its number; null when an earlier call of the request removed it.</param>
[GenerateSerializer]
[Immutable]
public sealed record RemovedVolume(long? Id);
