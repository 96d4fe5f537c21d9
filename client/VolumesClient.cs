// SPDX-License-Identifier: Apache-2.0
using Teravox.Client.Http;
using Teravox.Contracts.Api;

namespace Teravox.Client;

/// <summary>Volumes that specs may name.</summary>
public sealed class VolumesClient
{
    private readonly Transport _transport;

    internal VolumesClient(Transport transport) => _transport = transport;

    /// <summary>All volumes from the newest.</summary>
    public IAsyncEnumerable<VolumeInfo> ListAsync(CancellationToken ct = default) => _transport.PagesAsync<VolumeInfo>("volumes?limit=200", ct);

    /// <summary>One volume; null when there is none of this name.</summary>
    public Task<VolumeInfo?> FindAsync(string name, CancellationToken ct = default) => _transport.FindAsync<VolumeInfo>(Call.Join("volumes", name), ct);

    /// <summary>
    /// Registers a volume that lies under a root of the silos. Not repeated after a broken connection: whether it was
    /// registered is then to be asked with <see cref="FindAsync"/>.
    /// </summary>
    public Task<VolumeInfo> RegisterAsync(RegisterVolume volume, CancellationToken ct = default) => _transport.JsonAsync<VolumeInfo>(Call.Once("volumes", volume), ct);

    /// <summary>What its grey levels are like.</summary>
    public Task<VolumeStatistics> StatisticsAsync(string name, CancellationToken ct = default) =>
        _transport.JsonAsync<VolumeStatistics>(Call.Get(Call.Join("volumes", name, "statistics")), ct);

    /// <summary>A z section as PNG.</summary>
    /// <param name="name">The volume.</param>
    /// <param name="z">The section, from 0.</param>
    /// <param name="max">Longest side of the picture, 16..4096.</param>
    /// <param name="labels">True: the labels in the classes' colours.</param>
    /// <param name="ct">Stops it.</param>
    public Task<byte[]> SliceAsync(string name, int z, int max = 1024, bool labels = false, CancellationToken ct = default) => _transport.SendAsync(
        Call.Get(Call.With(Call.Join("volumes", name, "slices", $"{z}.png"), ("max", max), ("labels", labels ? "true" : null))),
        static (response, attempt) => response.Content.ReadAsByteArrayAsync(attempt.Token),
        ct);

    /// <summary>Removes a volume; files that were uploaded go too, files under a root stay.</summary>
    public Task DeleteAsync(string name, CancellationToken ct = default) => _transport.DeleteAsync(Call.Join("volumes", name), ct);
}
