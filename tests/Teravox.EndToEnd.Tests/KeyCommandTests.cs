// SPDX-License-Identifier: Apache-2.0
using System.Text;

namespace Teravox.EndToEnd.Tests;

public sealed class KeyCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Database => "sqlite:" + _folder["teravox.db"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Key_WhenAddedListedAndRevoked_ShowsTheSecretOnceAndKeepsOnlyItsHash()
    {
        var added = (await RunAsync("add", "--role", "submitter", "ann")).MustSucceed();
        var secret = added.Output.Trim();
        Assert.StartsWith("tvx_", secret, StringComparison.Ordinal);

        var list = (await RunAsync("list")).MustSucceed().Output;
        Assert.Contains("ann", list, StringComparison.Ordinal);
        Assert.Contains("submitter", list, StringComparison.Ordinal);
        Assert.DoesNotContain(secret, list, StringComparison.Ordinal);
        Assert.DoesNotContain("revoked", list, StringComparison.Ordinal);
        foreach (var file in Directory.GetFiles(_folder["."]))
            Assert.True((await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken)).AsSpan().IndexOf(Encoding.ASCII.GetBytes(secret)) < 0, $"{file} has the secret");

        (await RunAsync("add", "ann")).MustRefuse("ann", "already");
        (await RunAsync("revoke", "ann")).MustSucceed();
        Assert.Contains("revoked", (await RunAsync("list")).MustSucceed().Output, StringComparison.Ordinal);
        (await RunAsync("revoke", "ann")).MustRefuse("ann", "no key");
    }

    [Fact]
    public async Task Key_WhenNameOrAddressIsWrong_SaysSo()
    {
        (await RunAsync("add", "ann b")).MustRefuse("ann b", "letters");
        Assert.Contains("'7' not recognized", (await RunAsync("add", "ann", "--role", "7")).Error, StringComparison.Ordinal);
        (await TeravoxProcess.RunAsync("key", "list", "--database", "mysql://db")).MustRefuse("--database");
        (await TeravoxProcess.RunAsync("key", "list")).MustRefuse("--database", "TERAVOX_DATABASE");
        (await TeravoxProcess.RunAsync(["key", "list"], ("TERAVOX_DATABASE", Database))).MustSucceed();
    }

    private Task<TeravoxProcess.Result> RunAsync(string verb, params string[] more) =>
        TeravoxProcess.RunAsync(["key", verb, "--database", Database, .. more]);
}
