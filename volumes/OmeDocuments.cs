// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Volumes;

/// <summary>
/// The metadata files of an OME-Zarr of one level "s0", as <see cref="OmeVolume.Create"/> writes them: for what is served as
/// an OME-Zarr and stored as something else.
/// </summary>
public static class OmeDocuments
{
    /// <summary>The group's <c>.zgroup</c>.</summary>
    public static string Group => "{\n  \"zarr_format\": 2\n}\n";

    /// <summary>The group's <c>.zattrs</c>.</summary>
    /// <param name="options">What the volume is like.</param>
    /// <param name="name">What viewers call it.</param>
    public static string Attributes(OmeOptions options, string name)
    {
        ArgumentNullException.ThrowIfNull(options);
        return OmeMetadata.Create(options, name).ToJsonString(TeravoxJson.Indented) + "\n";
    }

    /// <summary>The array's <c>s0/.zarray</c>.</summary>
    /// <param name="options">What the volume is like.</param>
    public static string Array(OmeOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return OmeVolume.NewArray("s0", options).ToJson();
    }
}
