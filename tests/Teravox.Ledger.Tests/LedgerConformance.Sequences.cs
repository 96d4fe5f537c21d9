// SPDX-License-Identifier: Apache-2.0
using System.Globalization;

namespace Teravox.Ledger.Tests;

public abstract partial class LedgerConformance
{
    private const int Steps = 60;

    private protected virtual int Sequences => 100;

    /// <summary>
    /// Whatever users, silos, deaths and late finishers do in whatever order, and whichever answers are lost right after their
    /// commits, the ledger does as the model. The first seed is today's unless TERAVOX_SEED names one; a failure names the seed and the steps up to it.
    /// </summary>
    [Fact]
    public async Task AnySequence_WhenComparedWithTheModel_AgreesAtEveryStep()
    {
        var first = Environment.GetEnvironmentVariable("TERAVOX_SEED") is { Length: > 0 } text
            ? int.Parse(text, CultureInfo.InvariantCulture)
            : (int)(DateTime.UtcNow.Ticks / TimeSpan.TicksPerDay) * Sequences;
        TestContext.Current.TestOutputHelper!.WriteLine($"TERAVOX_SEED={first}");
        var lost = 0;
        for (var seed = first; seed < first + Sequences; seed++)
        {
            var clock = new FakeClock();
            await using var ledger = await OpenAsync($"sequence-{seed}", clock, TimeSpan.Zero);
            var sequence = new LedgerSequence(ledger, clock, seed, Ct);
            try
            {
                await sequence.RunAsync(Steps);
                lost += sequence.Lost;
            }
            catch (Exception e)
            {
                Assert.Fail($"TERAVOX_SEED={seed}: {e.Message}\n{string.Join('\n', sequence.Trace)}");
            }
        }

        Assert.True(lost >= Sequences, $"{lost} answers were lost in {Sequences} sequences: the fault points are not reached");
    }
}
