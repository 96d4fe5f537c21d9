// SPDX-License-Identifier: Apache-2.0
using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Teravox.Contracts.Api;
using Teravox.EndToEnd.Tests;
using Teravox.Grains;
using Teravox.Grains.Ledger;
using Teravox.Grains.Ledger.Sqlite;
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
        await using var ledger = await SqliteLedger.OpenAsync(folder["ledger.db"], ct: Ct);
        var store = new ExperimentStore(ledger, id => folder[$"{id}"]);
        await using var face = await HttpFace.BuildAsync(ledger, store, new HttpOptions { Urls = ["http://127.0.0.1:0"], Store = folder["store"] }, Ct);
        var operatorsKey = KeySecret.Make();
        await ledger.AddKeyAsync("root", ApiRole.Operator, KeySecret.Hash(operatorsKey), Ct);
        await face.StartAsync(Ct);
        var url = face.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

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
