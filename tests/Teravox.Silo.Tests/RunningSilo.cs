// SPDX-License-Identifier: Apache-2.0
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Teravox.Contracts.Api;
using Teravox.Contracts.Work;
using Teravox.Grains;
using Teravox.Grains.Catalog;
using Teravox.Silo.Cluster;
using Teravox.Silo.Devices;
using Teravox.Silo.Http;

// The collector is named by a variable of the process.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace Teravox.Silo.Tests;

/// <summary>A silo as <c>teravox silo</c> runs it, in this process: HTTP, Orleans on a SQLite file, a CPU device.</summary>
internal sealed class RunningSilo : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private readonly CancellationTokenSource _stop = new();
    private readonly DirectoryInfo _folder;
    private readonly SiloSetup _setup;
    private readonly TaskCompletionSource<string> _listens = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<ExperimentState> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<string> _said = [];
    private readonly Task _running;

    private RunningSilo(DirectoryInfo folder, ICatalog catalog)
    {
        _folder = folder;
        var store = folder.CreateSubdirectory("store").FullName;
        _setup = new SiloSetup(catalog, id => Path.Combine(store, "experiments", $"{id}"), new DeviceOptions("s", [new Device("cpu", Device.OverlapSlots, 1)]));
        _setup.Events.Happened += what =>
        {
            if (what is ExperimentChanged { State: not ExperimentState.Running } changed)
                _ended.TrySetResult(changed.State);
            if (what is ItemFailed or PlanFailed)
                Say("failed", what.ToString());
        };
        _running = Task.Run(() => SiloProgram.RunAsync(_setup, new HttpOptions { Urls = ["http://127.0.0.1:0"], Store = store }, Say, _stop.Token, CancellationToken.None));
    }

    public ICatalog Catalog => _setup.Catalog;

    public static async Task<RunningSilo> StartAsync()
    {
        var folder = Directory.CreateTempSubdirectory("teravox-silo-");
        return new RunningSilo(folder, await Catalogs.OpenAsync("sqlite:" + Path.Combine(folder.FullName, "teravox.db"), CancellationToken.None));
    }

    /// <summary>A client with a key of this role; without a key when there is none.</summary>
    public async Task<HttpClient> ClientAsync(ApiRole? role = null)
    {
        var http = new HttpClient { BaseAddress = new Uri(await InTimeAsync(_listens.Task, "its address")) };
        if (role is not { } of)
            return http;
        var secret = KeySecret.Make();
        Assert.NotNull(await Catalog.AddKeyAsync(of.ToString(), of, KeySecret.Hash(secret), TestContext.Current.CancellationToken));
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", secret);
        return http;
    }

    /// <summary>Submits a small experiment over HTTP and waits for its end.</summary>
    public async Task<ExperimentState> RunExperimentAsync(HttpClient http)
    {
        var spec = JsonElement.Parse("""
            {
              "name": "tiny", "seed": 1, "data": { "phantom": { "shape": [8, 32, 32], "seed": 1 } },
              "network": { "levels": 2, "fMaps": 4 },
              "training": { "iterations": 2, "patch": [8, 16, 16], "checkpointEvery": 1 },
              "inference": { "tile": [8, 16, 16] }, "storage": { "chunk": [8, 16, 16] }
            }
            """);
        using var answer = await http.PostAsJsonAsync("/api/v1/experiments", new { spec }, CancellationToken.None);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(CancellationToken.None));
        return await InTimeAsync(_ended.Task, "the experiment's end");
    }

    /// <summary>Stops it, as SIGTERM does, and waits until all of it is gone.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await InTimeAsync(_running.ContinueWith(_ => true, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default), "the silo's end");
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await Catalog.DisposeAsync();
        _stop.Dispose();
        _folder.Delete(recursive: true);
    }

    private void Say(string kind, string text)
    {
        lock (_said)
            _said.Add($"{kind}: {text}");
        if (kind == "listening")
            _listens.TrySetResult(text);
    }

    private async Task<T> InTimeAsync<T>(Task<T> what, string name)
    {
        try
        {
            return await what.WaitAsync(Patience);
        }
        catch (TimeoutException)
        {
            lock (_said)
                throw new TimeoutException($"{name} did not come in {Patience.TotalSeconds} s; the silo said:\n{string.Join('\n', _said)}\n{_running.Exception}");
        }
    }
}
