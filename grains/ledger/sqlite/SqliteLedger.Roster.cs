// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Teravox.Contracts;
using Teravox.Contracts.Api;

namespace Teravox.Grains.Ledger.Sqlite;

// The roster: who works on this ledger.
public sealed partial class SqliteLedger
{
    /// <inheritdoc/>
    public Task SignOnAsync(SiloEntry silo, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(silo);
        var entry = JsonSerializer.Serialize(silo, TeravoxJson.Compact);
        var status = JsonSerializer.Serialize(new SiloStatus(), TeravoxJson.Compact);
        return WriteAsync(
            "signon", turn => turn.Execute(SqlTexts.SiloSignOn, new { name = silo.Name, entry, status, now = turn.Now }), ct);
    }

    /// <inheritdoc/>
    public Task<bool> BeatAsync(string name, SiloStatus status, CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(status);
        var text = JsonSerializer.Serialize(status, TeravoxJson.Compact);
        return WriteAsync("beat", turn => turn.Execute(SqlTexts.SiloBeat, new { name, status = text, now = turn.Now }) > 0, ct);
    }

    /// <inheritdoc/>
    public Task SignOffAsync(string name, CancellationToken ct) =>
        WriteAsync("signoff", turn => turn.Execute(SqlTexts.SiloSignOff, new { name }), ct);

    /// <inheritdoc/>
    public async Task<IReadOnlyList<SiloRow>> SilosAsync(TimeSpan forget, CancellationToken ct)
    {
        var given = GivenTime;
        Task<IReadOnlyList<SiloRow>> ReadSilosAsync() =>
            RowsAsync<SiloData, SiloRow>(SqlTexts.SilosAll, new { given }, row => row.ToRow(), ct);

        // The writer's turn is taken only when there is something to remove: people look here often.
        var silos = await ReadSilosAsync();
        if (!silos.Any(silo => silo.Silent >= forget))
        {
            return silos;
        }

        var milliseconds = (long)forget.TotalMilliseconds;
        await WriteAsync("silos", turn => turn.Execute(SqlTexts.SilosForget, new { forget = milliseconds, now = turn.Now }), ct);
        return await ReadSilosAsync();
    }
}
