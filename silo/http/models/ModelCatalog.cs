// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text.Json;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Grains;
using Teravox.Grains.Catalog;
using Teravox.Networks;
using Teravox.Silo.Http.Routes;
using Teravox.Silo.Http.Security;
using Teravox.Volumes;

namespace Teravox.Silo.Http.Models;

/// <summary>The cluster's models: entries of the catalog with a file of the store each, which never changes.</summary>
internal sealed class ModelCatalog(ApiServices api)
{
    private const string Extension = ".safetensors";
    private const long MostBytes = 16L << 30;

    public static ModelInfo Info(EntryRow row) => JsonSerializer.Deserialize<ModelInfo>(row.Document, TeravoxJson.Compact)! with
    {
        Id = row.Id,
        Owner = row.Owner,
        Created = row.Created,
    };

    public async Task<ModelInfo> FindAsync(string name, CancellationToken ct) => Info(
        await api.Catalog.FindEntryAsync(EntryKinds.Model, name, ct)
        ?? throw new ProblemException(404, $"There is no model {name}; GET /api/v1/models lists them."));

    public async Task<ModelInfo> RegisterAsync(RegisterModel body, Caller caller, CancellationToken ct)
    {
        Names.Check(body.Name, "name");
        var source = await SourceAsync(body, ct);
        if (await api.Catalog.FindEntryAsync(EntryKinds.Model, body.Name, ct) is not null)
            throw Taken(body.Name);

        // The file gets its place before the entry names it; without the entry it is an orphaned file that nobody reads.
        var folder = api.Folder("models");
        var temporary = Path.Combine(folder, AtomicFile.TemporaryPrefix + Guid.NewGuid().ToString("N") + Extension);
        var place = Path.Combine(folder, $"{body.Name}-{Guid.NewGuid().ToString("N")[..8]}{Extension}");
        try
        {
            var sha = await CopyAsync(source, temporary, ct);
            var card = await api.Checks.RunAsync(() => ReadCard(temporary, source), ct);
            File.Move(temporary, place);
            var info = new ModelInfo { Name = body.Name, Path = place, Sha256 = sha, Card = card, Experiment = body.Experiment };
            var row = await api.Catalog.AddEntryAsync(EntryKinds.Model, body.Name, caller.Name, JsonSerializer.Serialize(info, TeravoxJson.Compact), ct);
            if (row is not null)
                return Info(row);
            File.Delete(place);
            throw Taken(body.Name);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    private async Task<string> SourceAsync(RegisterModel body, CancellationToken ct)
    {
        if ((body.Path is null) == (body.Experiment is null))
            throw new ProblemException(422, "path: give a path, or an experiment with a network: one of them.", "path");
        if (body.Path is { } path)
        {
            var file = api.Paths.Resolve(path, "path");
            return File.Exists(file) && file.EndsWith(Extension, StringComparison.Ordinal)
                ? file
                : throw new ProblemException(422, $"path: {file} is not a {Extension} file; import checkpoints with ./teravox model import.", "path");
        }

        var id = body.Experiment!.Value;
        await ExperimentRoutes.FindAsync(api, id, ct);
        var plan = await api.Store.PlanAsync(id, ct);
        var network = plan.Networks.FirstOrDefault(n => n.Name == body.Network)?.Name
            ?? throw new ProblemException(422, $"network: experiment {id} has {string.Join(", ", plan.Networks.Select(n => n.Name))}.", "network");
        var model = api.Store.Folder(id).Model(network);
        return File.Exists(model)
            ? model
            : throw new ProblemException(409, $"Experiment {id} has no finished model {network} yet; wait for its thresholds.");
    }

    private static async Task<string> CopyAsync(string source, string to, CancellationToken ct)
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        await using var from = File.OpenRead(source);
        if (from.Length > MostBytes)
            throw new InputException($"path: {source} has {from.Length} bytes; a model has at most {MostBytes}.");
        await using var file = new FileStream(to, FileMode.CreateNew, FileAccess.Write, FileShare.None);
        var block = new byte[1 << 20];
        for (int read; (read = await from.ReadAsync(block, ct)) > 0;)
        {
            sha.AppendData(block, 0, read);
            await file.WriteAsync(block.AsMemory(0, read), ct);
        }

        file.Flush(flushToDisk: true);
        return Convert.ToHexStringLower(sha.GetHashAndReset());
    }

    private static ModelCard? ReadCard(string file, string source)
    {
        try
        {
            using var network = Network.Load(file);
            var card = Cards.Read(network, source);
            Cards.OutputClasses(card, network.OutChannels, source);
            return card;
        }
        catch (InputException e)
        {
            // The copy's own name means nothing to who asked.
            throw new InputException(e.Message.Replace(file, source, StringComparison.Ordinal), e);
        }
    }

    private static ProblemException Taken(string name) => new(409, $"There is a model {name} already; take another name.", "name");
}
