// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using Teravox.Grains.Ledger;

namespace Teravox.Bench.Silos;

/// <summary>An experiment of one stage for <see cref="SimulatedSilo"/>.</summary>
internal static class SimulatedWork
{
    /// <summary>Submits it; its number.</summary>
    public static Task<long> SubmitAsync(ILedger ledger, int items, CancellationToken ct)
    {
        var stage = new NewStage("simulated", SimulatedSilo.Kind, [], items.ToString(CultureInfo.InvariantCulture), MaxDeaths: 1000);
        return ledger.SubmitAsync(new NewExperiment("simulated", "{}", [stage]), ct);
    }
}
