// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Chaos.Tests;

/// <summary>The short form of <c>./teravox bench chaos</c>: every kind of fault at least once, every promise checked.</summary>
public sealed class ChaosTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Cluster_WhenSilosServerAndClockFail_LosesNothingAndDoesNothingTwice()
    {
        if (ChaosRun.WhyMissing() is { } why)
        {
            Assert.True(Environment.GetEnvironmentVariable("CI") != "true", why);
            Assert.Skip(why);
        }

        var folder = Path.Combine(Path.GetTempPath(), "teravox-chaos-" + Guid.NewGuid().ToString("N")[..8]);
        Directory.CreateDirectory(folder);
        try
        {
            var options = new ChaosOptions(Program(), folder, Random.Shared.Next(), TimeSpan.FromSeconds(12))
            {
                Silos = 3,
                Depth = 8,
                StopEvery = TimeSpan.FromSeconds(8),
                RestartEvery = TimeSpan.FromSeconds(6),
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

    private static string Program()
    {
        var configuration = AppContext.BaseDirectory.Contains("/Debug/", StringComparison.Ordinal) ? "Debug" : "Release";
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var program = Path.Combine(folder.FullName, "cli", "bin", configuration, "net10.0", "teravox.dll");
            if (File.Exists(program))
                return program;
        }

        throw new InvalidOperationException("teravox.dll was not found; run ./teravox build");
    }
}
