// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Client;

/// <summary>A labelled or unlabelled stack on the client's own disk.</summary>
public sealed record UploadSource
{
    /// <summary>A folder, zip or multi-page TIFF of slices, or an OME-Zarr.</summary>
    public required string Raw { get; init; }

    /// <summary>The labels, the same; null when nothing is labelled.</summary>
    public string? Labels { get; init; }

    /// <summary>A classes.json; null when there is none.</summary>
    public string? Classes { get; init; }

    /// <summary>A folder with raw/ and perhaps labels/ and classes.json in it, or raw itself.</summary>
    /// <exception cref="InputException">Nothing is there.</exception>
    public static UploadSource At(string path)
    {
        if (!Path.Exists(path))
            throw new InputException($"{path} does not exist.");
        var raw = Path.Combine(path, "raw");
        return Path.Exists(raw)
            ? new UploadSource { Raw = raw, Labels = OrNull(Path.Combine(path, "labels")), Classes = OrNull(Path.Combine(path, "classes.json")) }
            : new UploadSource { Raw = path };
    }

    /// <summary>Raw and labels that lie apart; classes.json is looked for beside the labels.</summary>
    /// <exception cref="InputException">Nothing is there.</exception>
    public static UploadSource Of(string raw, string? labels)
    {
        foreach (var path in new[] { raw, labels })
        {
            if (path is not null && !Path.Exists(path))
                throw new InputException($"{path} does not exist.");
        }

        var beside = labels is null ? null : Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(labels)));
        return new UploadSource { Raw = raw, Labels = labels, Classes = beside is null ? null : OrNull(Path.Combine(beside, "classes.json")) };
    }

    private static string? OrNull(string path) => Path.Exists(path) ? path : null;
}
