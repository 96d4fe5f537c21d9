// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using Teravox.Client;
using Teravox.Contracts.Api;
using Teravox.Grains;
using Teravox.Grains.Catalog;
using Teravox.Silo.Local;
using Teravox.Testing;

namespace Teravox.Web.Tests;

/// <summary>A silo as people start one, which can be killed and started again on its port, over the same database and store.</summary>
internal sealed class LiveSilo : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("teravox-web-").FullName;
    private readonly Dictionary<string, string> _keys = [];
    private IReadOnlyList<string> _more = [];
    private SiloProcess? _process;

    public Uri Url { get; } = new($"http://127.0.0.1:{LoopbackPorts.Free()}");

    /// <summary>The folder that clients may name paths in.</summary>
    public string Root => Path.Combine(_folder, "root");

    /// <summary>What an experiment has written.</summary>
    public ExperimentFolder Experiment(long id) => new(Path.Combine(_folder, "store", "experiments", id.ToString(CultureInfo.InvariantCulture)));

    /// <summary>False from a kill to the next start.</summary>
    public bool IsAlive => _process is not null;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string Database => "sqlite:" + Path.Combine(_folder, "teravox.db");

    /// <summary>Makes keys, before the silo starts, and starts it.</summary>
    public static Task<LiveSilo> StartAsync(params (string Name, ApiRole Role)[] keys) => StartAsync([], keys);

    /// <summary>As above, with further options of the command.</summary>
    public static async Task<LiveSilo> StartAsync(IReadOnlyList<string> more, params (string Name, ApiRole Role)[] keys)
    {
        Chromium.Require();
        var silo = new LiveSilo { _more = more };
        Directory.CreateDirectory(silo.Root);
        if (keys.Length > 0)
        {
            await using var catalog = await Catalogs.OpenAsync(silo.Database, Ct);
            foreach (var (name, role) in keys)
            {
                silo._keys[name] = KeySecret.Make();
                await catalog.AddKeyAsync(name, role, KeySecret.Hash(silo._keys[name]), Ct);
            }
        }

        await silo.StartAgainAsync();
        return silo;
    }

    /// <summary>The secret of a key.</summary>
    public string Secret(string name) => _keys[name];

    public TeravoxClient Client(string? key = null) => key is null ? new TeravoxClient(Url.ToString()) : new TeravoxClient(Url.ToString(), _keys[key]);

    /// <summary>kill -9, and waits until the port is free.</summary>
    public async Task KillAsync()
    {
        _process!.Kill();
        await _process.EndAsync(Ct);
        _process.Dispose();
        _process = null;
    }

    /// <summary>Starts it, or one that takes over after it was killed.</summary>
    public async Task StartAgainAsync()
    {
        _process = SiloProcess.Start(
            Database,
            Path.Combine(_folder, "store"),
            [.. _more, "--urls", Url.GetLeftPart(UriPartial.Authority), "--root", Root, "--device", "cpu", "--threads", "1", "--grace", "0"]);
        await _process.WaitForAsync("listening", null, Ct);
    }

    public ValueTask DisposeAsync()
    {
        _process?.Dispose();
        Directory.Delete(_folder, recursive: true);
        return ValueTask.CompletedTask;
    }
}
