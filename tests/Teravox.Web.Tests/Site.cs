// SPDX-License-Identifier: Apache-2.0
using Microsoft.Playwright;
using Teravox.Client;
using Teravox.Contracts.Api;

[assembly: AssemblyFixture(typeof(Teravox.Web.Tests.Site))]

namespace Teravox.Web.Tests;

/// <summary>A browser, and a silo with two scored experiments, a model of the first, a registered volume with labels, and a campaign.</summary>
public sealed class Site : IAsyncLifetime
{
    public const string First = "membranes", Second = "synapses", Model = "membranes-multiclass", Volume = "stack", Campaign = "sweep";

    private LiveSilo? _silo;
    private Chromium? _chromium;

    /// <summary>Number of the experiment <see cref="First"/>.</summary>
    public long FirstId { get; private set; }

    /// <summary>Number of the experiment <see cref="Second"/>.</summary>
    public long SecondId { get; private set; }

    /// <summary>The campaign when all its runs have ended; they run beside the tests that do not wait for it.</summary>
    public Task<CampaignInfo> Campaigned { get; private set; } = Task.FromException<CampaignInfo>(new InvalidOperationException("there is no silo"));

    internal LiveSilo Silo => _silo!;

    internal Chromium Chromium => _chromium!;

    public async ValueTask InitializeAsync()
    {
        if (!Chromium.IsThere)
            return;
        var ct = TestContext.Current.CancellationToken;
        _silo = await LiveSilo.StartAsync();
        using var client = _silo.Client();
        FirstId = (await client.Experiments.SubmitAsync(Specs.Scored(First), ct: ct)).Id;
        SecondId = (await client.Experiments.SubmitAsync(Specs.Scored(Second, seed: 8, iterations: 20), ct: ct)).Id;
        _chromium = await Chromium.StartAsync();
        await EndAsync(client, FirstId, ct);
        await EndAsync(client, SecondId, ct);
        await client.Models.RegisterAsync(new RegisterModel { Name = Model, Experiment = FirstId, Network = "multiclass" }, ct);
        Stacks.Write(Path.Combine(_silo.Root, Volume));
        await client.Volumes.RegisterAsync(new RegisterVolume { Name = Volume, Path = Volume, VoxelSize = new(50, 5, 5) }, ct);
        await client.Campaigns.SubmitAsync(Specs.Grid(Campaign), ct);
        Campaigned = EndOfCampaignAsync(_silo);
    }

    /// <summary>As <see cref="Chromium.VisitAsync"/>, of this silo.</summary>
    public Task VisitAsync(string place, Func<IPage, Task> look, BrowserNewContextOptions? options = null)
    {
        Chromium.Require();
        return Chromium.VisitAsync(Silo.Url, place, look, options);
    }

    public async ValueTask DisposeAsync()
    {
        if (_silo is not null)
            await _silo.DisposeAsync();
        if (_chromium is not null)
            await _chromium.DisposeAsync();
    }

    /// <summary>Runs an experiment, which must succeed.</summary>
    internal static async Task<long> RunAsync(TeravoxClient client, SubmitExperiment experiment)
    {
        var ct = TestContext.Current.CancellationToken;
        var made = await client.Experiments.SubmitAsync(experiment, ct: ct);
        await EndAsync(client, made.Id, ct);
        return made.Id;
    }

    private static async Task EndAsync(TeravoxClient client, long id, CancellationToken ct)
    {
        await foreach (var _ in client.Events.FollowAsync(id, ct: ct))
        {
            // The stream ends when the experiment has.
        }

        var progress = await client.Experiments.ProgressAsync(id, ct);
        Assert.True(progress.Experiment.State == "succeeded", $"{progress.Experiment.State}: {string.Join('\n', progress.Failures.Select(f => f.Error))}");
    }

    private static async Task<CampaignInfo> EndOfCampaignAsync(LiveSilo silo)
    {
        using var client = silo.Client();
        var ct = TestContext.Current.CancellationToken;
        foreach (var run in (await client.Campaigns.FindAsync(Campaign, ct))!.Experiments)
            await EndAsync(client, run.Id, ct);
        return (await client.Campaigns.FindAsync(Campaign, ct))!;
    }
}
