// SPDX-License-Identifier: Apache-2.0
using System.Net;
using Microsoft.AspNetCore.Builder;
using Teravox.Contracts.Api;
using Teravox.EndToEnd.Tests;
using Teravox.Grains.Catalog;
using Teravox.Silo;
using Teravox.Silo.Cluster;
using Teravox.Silo.Devices;
using Teravox.Silo.Http;

namespace Teravox.Client.Tests;

/// <summary>Keys through the client and the commands, against the HTTP face of a silo that has some.</summary>
public sealed class KeyTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Keys_WhenThereAreSome_DecideWhoMayDoWhat()
    {
        using var folder = new TemporaryFolder();
        await using var catalog = await Catalogs.OpenAsync("sqlite:" + folder["teravox.db"], Ct);
        var setup = new SiloSetup(catalog, id => folder[$"{id}"], new DeviceOptions("s", [new Device("cpu", 1, 1)]));
        var options = new HttpOptions { Urls = ["http://127.0.0.1:0"], Store = folder["store"] };
        await using var silo = (WebApplication)SiloProgram.Build(setup, options, new SiloProgram.DeathSignal(), _ => { });
        var operatorsKey = KeySecret.Make();
        await catalog.AddKeyAsync("root", ApiRole.Operator, KeySecret.Hash(operatorsKey), Ct);
        await silo.StartAsync(Ct);
        var url = silo.Urls.First();

        using var root = new TeravoxClient(url, operatorsKey);
        var reader = await root.Keys.MakeAsync(new NewKey("ann", ApiRole.Reader), Ct);
        Assert.Equal(["root", "ann"], (await root.Keys.ListAsync(Ct)).Select(k => k.Name));
        using var ann = new TeravoxClient(url, reader.Secret);
        Assert.Empty(await ann.Experiments.ListAsync(ct: Ct).ToListAsync(Ct));
        var refused = await Assert.ThrowsAsync<TeravoxApiException>(() => ann.Experiments.SubmitAsync(LiveSilo.Submission("x"), ct: Ct));
        Assert.Equal((HttpStatusCode.Forbidden, true), (refused.Status, refused.IsCallersFault));
        using (var nobody = new TeravoxClient(url))
            Assert.Equal(HttpStatusCode.Unauthorized, (await Assert.ThrowsAsync<TeravoxApiException>(() => nobody.SilosAsync(Ct))).Status);

        // The commands take the key from a file or from the environment; it is no argument that others could see.
        await File.WriteAllTextAsync(folder["ann.key"], reader.Secret + "\n", Ct);
        (await TeravoxProcess.RunAsync("silos", "--server", url, "--key-file", folder["ann.key"])).MustSucceed();
        (await TeravoxProcess.RunAsync(["silos", "--server", url], [("TERAVOX_KEY", reader.Secret)])).MustSucceed();
        var without = await TeravoxProcess.RunAsync("silos", "--server", url);
        without.MustRefuse("key");
        Assert.Equal(2, without.ExitCode);

        await root.Keys.RevokeAsync("ann", Ct);
        Assert.NotNull((await root.Keys.ListAsync(Ct)).Single(k => k.Name == "ann").Revoked);
    }
}
