// SPDX-License-Identifier: Apache-2.0
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Teravox.Client;
using Teravox.Contracts;

namespace Teravox.Cli.Remote;

/// <summary>
/// Specs whose data lie on this machine. The cluster may see the same folders (a laptop's own cluster, a shared file
/// system), so it is asked first; what it cannot reach is uploaded as a volume and named in the path's place.
/// </summary>
internal static class LocalData
{
    /// <summary>Sends a spec, uploading its data when the cluster cannot reach them.</summary>
    /// <param name="session">The cluster.</param>
    /// <param name="spec">Paths absolute.</param>
    /// <param name="always">Upload without asking first.</param>
    /// <param name="send">Submits the spec.</param>
    /// <param name="ct">Stops it.</param>
    public static async Task<T> SendAsync<T>(Session session, ExperimentSpec spec, bool always, Func<JsonElement, CancellationToken, Task<T>> send, CancellationToken ct)
    {
        if (!IsHere(spec.Data))
        {
            if (always)
                throw new InputException("--upload: the spec names no data that lie on this machine.");
            return await send(Json(spec), ct);
        }

        if (!always)
        {
            try
            {
                return await send(Json(spec), ct);
            }
            catch (TeravoxApiException e) when (IsOutOfReach(e))
            {
                session.Say($"The cluster cannot read {PathOf(spec.Data)}; it is uploaded from here.");
            }
        }

        var name = await UploadAsync(session, spec, ct);
        return await send(Json(spec with { Data = new DataSource { Volume = name } }), ct);
    }

    private static async Task<string> UploadAsync(Session session, ExperimentSpec spec, CancellationToken ct)
    {
        var source = spec.Data.Folder is { } folder ? UploadSource.At(folder) : UploadSource.Of(spec.Data.Raw!, spec.Data.Labels);
        if (!spec.Preset.NeedsLabels())
            source = source with { Labels = null, Classes = null };
        using var view = new TransferView(session.Json);
        var manifest = await UploadManifest.ReadAsync(source, view.Show, ct);

        // The name follows from what the volume is: the same stack is uploaded once, whatever becomes of this process.
        var mark = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{manifest.Fingerprint} {spec.VoxelSize}")));
        var name = $"{spec.Name[..Math.Min(spec.Name.Length, 51)]}-{mark[..12]}";
        if (await session.Client.Volumes.FindAsync(name, ct) is not null)
        {
            session.Say($"The cluster has this stack already, as volume {name}.");
            return name;
        }

        var volume = await session.Client.Uploads.UploadAsync(name, manifest, spec.VoxelSize, progress: view.Show, ct: ct);
        session.Say($"Uploaded as volume {name}, {volume.Shape} voxels; other specs may name it as \"data\": {{\"volume\": \"{name}\"}}.");
        return name;
    }

    private static bool IsHere(DataSource data) => (data.Folder ?? data.Raw) is { } path && Path.Exists(path);

    private static string PathOf(DataSource data) => (data.Folder ?? data.Raw)!;

    private static bool IsOutOfReach(TeravoxApiException e) =>
        e is { Status: HttpStatusCode.UnprocessableEntity, OutOfReach: true };

    private static JsonElement Json(ExperimentSpec spec) => JsonSerializer.SerializeToElement(spec, TeravoxJson.Compact);
}
