// SPDX-License-Identifier: Apache-2.0
using Teravox.Testing;

namespace Teravox.Chaos.Tests;

/// <summary>The short form of <c>./teravox bench chaos</c>: every kind of fault at least once, every promise checked.</summary>
public sealed class ChaosTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Cluster_WhenSilosServerNetworksAndClockFail_LosesNothingAndDoesNothingTwice()
    {
        Prerequisite.Require(ChaosRun.WhyMissing());
        var folder = Path.Combine(Path.GetTempPath(), "teravox-chaos-" + Guid.NewGuid().ToString("N")[..8]);
        Directory.CreateDirectory(folder);
        try
        {
            var options = new ChaosOptions(TeravoxProgram.Path, folder, Random.Shared.Next(), TimeSpan.FromSeconds(12))
            {
                Silos = 3,
                Depth = 8,
                SegmentDepth = 8,
                StopEvery = TimeSpan.FromSeconds(8),
                RestartEvery = TimeSpan.FromSeconds(6),
                CutDatabaseEvery = TimeSpan.FromSeconds(4),
                CutSiloEvery = TimeSpan.FromSeconds(8),
                Patience = TimeSpan.FromMinutes(4),
                Say = output.WriteLine,
            };
            var outcome = await ChaosRun.RunAsync(options, TestContext.Current.CancellationToken);
            foreach (var (name, count) in outcome.Figures)
                output.WriteLine($"{name}: {count}");
            Assert.All(outcome.Checks, check => Assert.True(check.Held, $"seed {options.Seed}: {check.Name}: {check.Detail}"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
