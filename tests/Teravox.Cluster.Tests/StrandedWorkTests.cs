// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Testing;

namespace Teravox.Cluster.Tests;

/// <summary>Work that no silo of the cluster can run: silos, API and command say so within a minute, until one comes that can.</summary>
public sealed class StrandedWorkTests(Database database)
{
    private const string Train = "train-multiclass";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Work_WhenNoSiloHasWhatItNeeds_IsReportedWithinAMinuteUntilOneHas()
    {
        await using var cluster = await database.NewAsync();
        SiloProcess[] silos = [cluster.Start("--urls", "http://127.0.0.1:0"), cluster.Start("--tag", "disk=slow")];
        var url = (await silos[0].WaitForAsync("listening", null, Ct)).GetProperty("url").GetString()!;
        using var http = new HttpClient { BaseAddress = new Uri(url) };

        var clock = Stopwatch.StartNew();
        (long Id, string Why)[] stranded =
        [
            (await cluster.SubmitAsync("needs.gpu=true"), "needs a CUDA device; no silo has one"),
            (await cluster.SubmitAsync("needs.memoryBytes=1125899906842624"), "needs a device with 1048576 GiB of memory; no silo has one"),
            (await cluster.SubmitAsync("needs.tag=disk=fast"), "needs a silo with the tag 'disk=fast'; no silo has one"),
        ];
        foreach (var (id, why) in stranded)
        {
            // One of the silos finds out, and says so.
            await Task.WhenAny(silos.Select(silo => silo.WaitForAsync("blocked", line => line.GetProperty("experiment").GetInt64() == id && line.GetProperty("why").GetString() == why, Ct))).Unwrap();
            Assert.True(clock.Elapsed < TimeSpan.FromMinutes(1), $"after {clock.Elapsed}");
            Assert.Equal(why, await BlockedAsync(http, id));
            Assert.Contains("blocked: " + why, await StatusAsync(url, id), StringComparison.Ordinal);
            Assert.Contains(await cluster.Catalog.EventsAsync(id, 0, 100, Ct), e => (e.Kind, e.Stage, e.Text) == ("blocked", Train, why));
        }

        // One that has the tag joins and does that work; the rest goes on waiting.
        cluster.Start("--tag", "disk=fast");
        await cluster.SucceedAsync(stranded[2].Id);
        Assert.Null(await BlockedAsync(http, stranded[2].Id));
        Assert.Contains(await cluster.Catalog.EventsAsync(stranded[2].Id, 0, 1000, Ct), e => (e.Kind, e.Stage) == ("unblocked", Train));
        foreach (var (id, why) in stranded[..2])
            Assert.Equal(why, await BlockedAsync(http, id));
    }

    private static async Task<string?> BlockedAsync(HttpClient http, long experiment) =>
        (await http.GetFromJsonAsync<ExperimentProgress>($"/api/v1/experiments/{experiment}/progress", TeravoxJson.Compact, Ct))!.Stages.Single(s => s.Name == Train).Blocked;

    private static async Task<string> StatusAsync(string url, long experiment)
    {
        string[] command = [TeravoxProgram.Path, "status", experiment.ToString(CultureInfo.InvariantCulture), "--server", url];
        using var process = Process.Start(new ProcessStartInfo("dotnet", command) { RedirectStandardOutput = true })!;
        var said = await process.StandardOutput.ReadToEndAsync(Ct);
        await process.WaitForExitAsync(Ct);
        return said;
    }
}
