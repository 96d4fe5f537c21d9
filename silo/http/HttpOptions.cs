// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Silo.Http;

/// <summary>Settings of a silo's HTTP face.</summary>
public sealed record HttpOptions
{
    /// <summary>Where it listens: "http://127.0.0.1:7300". Beyond loopback only when there are keys.</summary>
    public required IReadOnlyList<string> Urls { get; init; }

    /// <summary>The volume store: experiments/, volumes/, models/, uploads/. Every silo sees the same.</summary>
    public required string Store { get; init; }

    /// <summary>Folders that paths given by clients must lie under, beside the store's volumes.</summary>
    public IReadOnlyList<string> Roots { get; init; } = [];

    /// <summary>Bounds of what clients send.</summary>
    public UploadLimits Uploads { get; init; } = new();

    /// <summary>Where the web page's files lie; it is not served where there are none. Default: beside the program.</summary>
    public string Page { get; init; } = Path.Combine(AppContext.BaseDirectory, "page");

    /// <summary>Most bytes of an upload that the web page offers; other clients go by <see cref="Uploads"/>. Default 200 MiB.</summary>
    public long PageUploadBytes { get; init; } = 200L << 20;

    /// <summary>Other origins whose pages may read the views' OME-Zarr: "https://viewer.example.org".</summary>
    public IReadOnlyList<string> CorsOrigins { get; init; } = [];
}

/// <summary>Bounds of uploads.</summary>
public sealed record UploadLimits
{
    /// <summary>Most bytes of one upload. Default 1 TiB.</summary>
    public long Bytes { get; init; } = 1L << 40;

    /// <summary>Most files of one upload, and most entries of a zip. Default 200 000.</summary>
    public int Entries { get; init; } = 200_000;

    /// <summary>Most times that a zip may grow when it is unpacked. Default 100.</summary>
    public double Expansion { get; init; } = 100;

    /// <summary>
    /// Unpacked bytes up to which any expansion is fine: empty label images shrink a thousandfold. Default 256 MiB.
    /// </summary>
    public long ExpansionFloor { get; init; } = 256L << 20;

    /// <summary>Most bytes of one slab. Default 16 MiB.</summary>
    public int SlabBytes { get; init; } = 16 << 20;

    /// <summary>Most bytes of a request that is not a slab. Default 4 MiB.</summary>
    public int RequestBytes { get; init; } = 4 << 20;
}
