// SPDX-License-Identifier: Apache-2.0
using System.Globalization;

namespace Teravox.Ledger.Tests;

public abstract partial class LedgerConformance
{
    private const int Sequences = 200;
    private const int Steps = 60;

    /// <summary>
    /// Whatever users, silos, deaths and late finishers do in whatever order, the ledger does as the model. The first
    /// seed is today's unless TERAVOX_SEED names one; a failure names the seed and the steps up to it.
    /// </summary>
    [Fact]
    public async Task AnySequence_WhenComparedWithTheModel_AgreesAtEveryStep()
    {
        var first = Environment.GetEnvironmentVariable("TERAVOX_SEED") is { Length: > 0 } text
            ? int.Parse(text, CultureInfo.InvariantCulture)
            : (int)(DateTime.UtcNow.Ticks / TimeSpan.TicksPerDay) * Sequences;
        TestContext.Current.TestOutputHelper!.WriteLine($"TERAVOX_SEED={first}");
        for (var seed = first; seed < first + Sequences; seed++)
        {
            var clock = new FakeClock();
            await using var ledger = await OpenAsync($"sequence-{seed}", clock, TimeSpan.Zero);
            var sequence = new LedgerSequence(ledger, clock, seed, Ct);
            try
            {
                await sequence.RunAsync(Steps);
            }
            catch (Exception e)
            {
                Assert.Fail($"TERAVOX_SEED={seed}: {e.Message}\n{string.Join('\n', sequence.Trace)}");
            }
        }
    }
}
