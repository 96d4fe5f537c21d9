// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Contracts.Work;
using Teravox.Grains.Catalog;
using Teravox.Silo.Http.Security;

namespace Teravox.Silo.Http.Experiments;

/// <summary>
/// The same Idempotency-Key with the same body makes one experiment. The key is entered with the body's hash once the
/// spec is known to be good, and the catalog keeps two submissions of one key apart; so a request that is repeated
/// after a crash anywhere finds the first one's experiment, even when the volume it names is gone by then.
/// </summary>
internal sealed class IdempotentSubmit(ApiServices api, Submission submission)
{
    private const string Kind = "request";

    private sealed record Entry(string BodyHash, long? Experiment);

    /// <summary>The experiment's number, and whether this request made it.</summary>
    public async Task<(long Id, bool Made)> SubmitAsync(SubmitExperiment body, string? key, Caller caller, CancellationToken ct)
    {
        if (key is null)
            return ((await api.Experiments.SubmitAsync([await PrepareAsync(body, caller, ct)], ct))[0], true);
        if (key.Length is 0 or > 200)
            throw new ProblemException(422, "Idempotency-Key: give 1..200 characters.", "Idempotency-Key");

        // 1. Was it sent before?
        var name = Hash($"{caller.Name}\0{key}");
        var bodyHash = Hash($"{JsonSerializer.Serialize(body.Spec, TeravoxJson.Compact)}\0{body.Priority}");
        var row = await api.Catalog.FindEntryAsync(Kind, name, ct);
        if (row is not null && Same(row, bodyHash).Experiment is { } known)
            return (known, false);

        // 2. A bad spec leaves no trace, so that it may be mended and sent again under the same key.
        var experiment = await PrepareAsync(body, caller, ct);

        // 3. Of two that come at once, one enters the key.
        var entry = new Entry(bodyHash, null);
        var made = false;
        if (row is null)
        {
            row = await api.Catalog.AddEntryAsync(Kind, name, caller.Name, Json(entry), ct);
            made = row is not null;
            row ??= await api.Catalog.FindEntryAsync(Kind, name, ct) ?? throw new DatabaseUnavailableException("the entry of an idempotency key vanished");
            Same(row, bodyHash);
        }

        // 4. The catalog gives both the same number.
        var id = (await api.Experiments.SubmitAsync([experiment with { IdempotencyKey = name }], ct))[0];
        await api.Catalog.ReplaceEntryAsync(row.Id, row.Version, Json(entry with { Experiment = id }), ct);
        return (id, made);
    }

    private async Task<NewExperiment> PrepareAsync(SubmitExperiment body, Caller caller, CancellationToken ct) =>
        await submission.PrepareAsync(body.Spec, ct) with { Priority = body.Priority, Owner = caller.Name };

    private static Entry Same(EntryRow row, string bodyHash)
    {
        var entry = JsonSerializer.Deserialize<Entry>(row.Document, TeravoxJson.Compact)!;
        return entry.BodyHash == bodyHash
            ? entry
            : throw new ProblemException(422, "Idempotency-Key: it was used for another body; take a new key for a new experiment.", "Idempotency-Key");
    }

    private static string Json(Entry entry) => JsonSerializer.Serialize(entry, TeravoxJson.Compact);

    private static string Hash(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
}
