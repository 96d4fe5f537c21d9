// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using System.Text;
using Npgsql;
using Teravox.Grains.Catalog.Postgres;
using Teravox.Silo.Local;
using Teravox.Testing;

namespace Teravox.Catalog.Tests;

/// <summary>States of grains as Orleans' AdoNet storage keeps them in PostgreSQL, with our statements.</summary>
public sealed class PostgresStorageTests(PostgresServer server) : StorageConformance
{
    private string? _address;
    private PostgresProxy? _proxy;

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        if (_proxy is not null)
            await _proxy.DisposeAsync();
    }

    [Fact]
    public async Task States_WhenTheServerCrashes_AreStillThere()
    {
        using var folder = new TempFolder();
        await using var own = await PostgresServer.StartOwnAsync(folder, "synchronous_commit=on");
        await StopAsync();
        _address = own.Address + "&schema=crash";
        await StartAgainAsync();
        var id = NewId();
        var (state, late) = (await WriteNewAsync(id, "first"), await ReadAsync(id));
        await WriteAsync(id, state, "second");

        await own.StopAsync(Signals.Quit, Ct);
        Assert.NotNull(await Record.ExceptionAsync(() => WriteAsync(id, state, "nobody hears")));
        await own.StartAsync(Ct);

        // The same silo goes on; connections of the time before are broken and end with their first use.
        await using (var one = new NpgsqlConnection(OrleansQueries.ConnectionString(_address)))
            NpgsqlConnection.ClearPool(one);
        await IsAsync(id, "second");
        await IsRefusedAsync(id, late, "second");
        await WriteAsync(id, await ReadAsync(id), "third");
        await StopAsync();
        await StartAgainAsync();
        await IsAsync(id, "third");
        await StopAsync();
    }

    [Fact]
    public async Task WriteStateAsync_WhenTheDiskIsFull_SaysSoAndChangesNothing()
    {
        using var folder = new TempFolder();
        using var disk = TinyDisk.Mount(folder["disk"]);
        await using var own = await PostgresServer.StartOwnAsync(folder);
        disk.GiveToOwnerOf(folder["postgres/data"]);
        await StopAsync();
        _address = own.Address + "&schema=disk";
        await StartAgainAsync();
        var connection = OrleansQueries.ConnectionString(_address);
        await using var source = NpgsqlDataSource.Create(connection);
        await using (var command = source.CreateCommand($"CREATE TABLESPACE tiny LOCATION '{folder["disk"]}'"))
            await command.ExecuteNonQueryAsync(Ct);
        await using (var command = source.CreateCommand("ALTER TABLE orleans_grain SET TABLESPACE tiny"))
            await command.ExecuteNonQueryAsync(Ct);
        var id = NewId();
        var state = await WriteNewAsync(id, "small");

        var error = await Assert.ThrowsAsync<PostgresException>(() => WriteAsync(id, state, Convert.ToBase64String(RandomNumberGenerator.GetBytes(2_000_000))));

        Assert.Equal(PostgresErrorCodes.DiskFull, error.SqlState);
        await IsAsync(id, "small");
        await WriteAsync(id, state, "small again");
        await IsAsync(id, "small again");
        await StopAsync();
    }

    private protected override async Task<StorageSilo> StartAsync() => await StorageSilo.StartAsync(_address ??= await server.NewAddressAsync());

    private protected override async Task<LostAnswer> LoseAnswerAsync(string text)
    {
        // From here on the silo's way to the database leads through the proxy.
        await StopAsync();
        _proxy = new PostgresProxy(_address!);
        _address = _proxy.Address;
        await StartAgainAsync();
        return new LostAnswer(_proxy.LoseAnswerTo(Encoding.UTF8.GetBytes(text)), () => ValueTask.CompletedTask);
    }
}
