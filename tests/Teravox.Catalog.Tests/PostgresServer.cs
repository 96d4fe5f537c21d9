// SPDX-License-Identifier: Apache-2.0
using Teravox.Catalog.Tests;
using Teravox.Silo.Local;
using Teravox.Testing;

[assembly: AssemblyFixture(typeof(PostgresServer))]

namespace Teravox.Catalog.Tests;

/// <summary>One PostgreSQL server for all tests; each takes schemas of its own in it. Started by the first that asks.</summary>
public sealed class PostgresServer : IAsyncDisposable
{
    /// <summary>What a test's server need not do: keep its data through a crash of the machine.</summary>
    private static readonly string[] Quick =
        ["fsync=off", "full_page_writes=off", "synchronous_commit=off", "shared_buffers=128MB", "autovacuum_naptime=5s"];

    private readonly TempFolder _folder = new();
    private readonly SemaphoreSlim _turn = new(1, 1);
    private PrivatePostgres? _server;
    private int _schemas;

    /// <summary>The address of a schema that no other test has; made when it is first opened.</summary>
    public async Task<string> NewAddressAsync()
    {
        var server = await StartedAsync();
        return $"{server.Address}&pool=20&schema=t{Interlocked.Increment(ref _schemas)}";
    }

    /// <summary>A server of the test's own, to stop and start.</summary>
    internal static async Task<PrivatePostgres> StartOwnAsync(TempFolder folder, params string[] settings)
    {
        Prerequisite.Require(PrivatePostgres.WhyMissing());

        // The server runs as another user where the tests run as root, and must get to its folder.
        if (OperatingSystem.IsLinux())
            File.SetUnixFileMode(folder.FullName, File.GetUnixFileMode(folder.FullName) | UnixFileMode.OtherExecute);

        return await PrivatePostgres.StartAsync(folder["postgres"], [.. Quick, .. settings], TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
            await _server.DisposeAsync();
        _folder.Dispose();
        _turn.Dispose();
    }

    private async Task<PrivatePostgres> StartedAsync()
    {
        Prerequisite.Require(PrivatePostgres.WhyMissing());
        await _turn.WaitAsync(TestContext.Current.CancellationToken);
        try
        {
            return _server ??= await StartOwnAsync(_folder);
        }
        finally
        {
            _turn.Release();
        }
    }
}
