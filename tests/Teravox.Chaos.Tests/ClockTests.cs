// SPDX-License-Identifier: Apache-2.0
using Teravox.Silo.Local;
using Teravox.Testing;

namespace Teravox.Chaos.Tests;

/// <summary>A silo whose clock was wrong and is set right.</summary>
public sealed class ClockTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Silo_WhenItsClockIsSetBack_JoinsAgainAtItsAddress()
    {
        Prerequisite.Require(ChaosRun.WhyMissing());
        var folder = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), "teravox-clock-" + Guid.NewGuid().ToString("N")[..8])).FullName;
        try
        {
            var options = new ChaosOptions(TeravoxProgram.Path, folder, 1, TimeSpan.Zero) { Patience = TimeSpan.FromMinutes(2) };
            await using var cluster = await Cluster.StartAsync(options, Ct);
            var port = LoopbackPorts.Free(2);
            var fast = cluster.StartSilo(0, ShiftedClock.Environment(TimeSpan.FromDays(1)), port);
            await cluster.UntilAsync(() => fast.IsReady, "a silo whose clock is a day fast to be ready", Ct);
            fast.Signal(Signals.Kill);
            await fast.EndAsync(Ct);

            var right = cluster.StartSilo(0, new Dictionary<string, string>(), port);
            await cluster.UntilAsync(() => right.IsReady, "a silo whose clock is right to be ready at the same address", Ct);

            right.Signal(Signals.Terminate);
            await right.EndAsync(Ct);
            Assert.Equal(0, right.ExitCode);
            Assert.DoesNotContain(right.Lines, line => line.Kind == "rejoining");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
