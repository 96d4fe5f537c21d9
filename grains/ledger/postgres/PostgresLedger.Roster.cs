// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Teravox.Contracts;
using Teravox.Contracts.Api;

namespace Teravox.Grains.Ledger.Postgres;

// The roster: who works on this ledger.
public sealed partial class PostgresLedger
{
    /// <inheritdoc/>
    public Task SignOnAsync(SiloEntry silo, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(silo);
        var entry = JsonSerializer.Serialize(silo, TeravoxJson.Compact);
        var status = JsonSerializer.Serialize(new SiloStatus(), TeravoxJson.Compact);
        return WriteAsync(
            "signon",
            turn => turn.ExecuteAsync(PostgresTexts.SiloSignOn, new { name = silo.Name, entry, status, given = turn.Given }),
            ct);
    }

    /// <inheritdoc/>
    public Task<bool> BeatAsync(string name, SiloStatus status, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(status);
        var text = JsonSerializer.Serialize(status, TeravoxJson.Compact);
        return WriteAsync(
            "beat",
            async turn => await turn.ExecuteAsync(PostgresTexts.SiloBeat, new { name, status = text, given = turn.Given }) > 0,
            ct);
    }

    /// <inheritdoc/>
    public Task SignOffAsync(string name, CancellationToken ct) =>
        WriteAsync("signoff", turn => turn.ExecuteAsync(PostgresTexts.SiloSignOff, new { name }), ct);

    /// <inheritdoc/>
    public async Task<IReadOnlyList<SiloRow>> SilosAsync(TimeSpan forget, CancellationToken ct)
    {
        var silos = await AllSilosAsync(ct);
        if (!silos.Any(silo => silo.Silent >= forget))
        {
            return silos;
        }

        var milliseconds = (long)forget.TotalMilliseconds;
        await WriteAsync(
            "silos", turn => turn.ExecuteAsync(PostgresTexts.SilosForget, new { forget = milliseconds, given = turn.Given }), ct);
        return await AllSilosAsync(ct);
    }

    private Task<IReadOnlyList<SiloRow>> AllSilosAsync(CancellationToken ct) =>
        RowsAsync<SiloData, SiloRow>(PostgresTexts.SilosAll, new { given = Given }, row => row.ToRow(), ct);
}
