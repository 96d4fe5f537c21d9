// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using System.Text.Json.Nodes;
using Teravox.Contracts;
using Teravox.Volumes;

namespace Teravox.Grains.Resolution;

/// <summary>The record of a reduction in a volume's attributes.</summary>
internal static class Degradations
{
    private const string Owner = "teravox", Field = "degraded";

    /// <summary>The attributes that say it.</summary>
    public static JsonObject Attributes(Degradation degradation) =>
        new() { [Owner] = new JsonObject { [Field] = JsonSerializer.SerializeToNode(degradation, TeravoxJson.Compact) } };

    /// <summary>What a volume says of itself; null where it says nothing or is no OME-Zarr.</summary>
    /// <exception cref="InputException">It says something that cannot be read.</exception>
    public static Degradation? Of(string path)
    {
        if (!OmeVolume.IsVolume(path) || OmeVolume.Open(path).ReadAttributes()[Owner] is not JsonObject own || own[Field] is not { } record)
            return null;
        try
        {
            return record.Deserialize<Degradation>(TeravoxJson.Compact);
        }
        catch (JsonException e)
        {
            throw new InputException($"{Path.Combine(path, ".zattrs")}: {Owner}.{Field} does not say how the volume was reduced ({e.Message}); correct or remove it.", e);
        }
    }
}
