// SPDX-License-Identifier: Apache-2.0
using System.Security.Cryptography;
using Teravox.Contracts;
using Teravox.Grains.Catalog;
using Teravox.Grains.Catalog.Postgres;
using Teravox.Grains.Catalog.Sqlite;
using Teravox.Testing;

namespace Teravox.Catalog.Tests;

/// <summary>States of grains in the catalog's SQLite file.</summary>
public sealed class SqliteStorageTests : StorageConformance
{
    private readonly TempFolder _folder = new();

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task WriteStateAsync_WhenTheDiskIsFull_NamesTheFileAndChangesNothing()
    {
        using var disk = TinyDisk.Mount(_folder["disk"]);
        var path = _folder["disk/teravox.db"];
        await using var silo = await StorageSilo.StartAsync("sqlite:" + path);
        var id = NewId();
        var state = new GrainState<Sums>(new Sums("small", [1]));
        await silo.Storage.WriteStateAsync("state", id, state);

        state.State = new Sums(Convert.ToBase64String(RandomNumberGenerator.GetBytes(2_000_000)), []);
        var error = await Assert.ThrowsAsync<InputException>(() => silo.Storage.WriteStateAsync("state", id, state));

        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        var there = new GrainState<Sums>(new Sums());
        await silo.Storage.ReadStateAsync("state", id, there);
        Assert.Equal("small", there.State!.Text);
        state.State = new Sums("small again", []);
        await silo.Storage.WriteStateAsync("state", id, state);
    }

    [Fact]
    public async Task WriteStateAsync_WhenItDiesBeforeItsCommit_ChangesNothing()
    {
        var id = NewId();
        var state = await WriteNewAsync(id, "first");
        using (FaultScope.Once("catalog.before-commit:grain", new DatabaseUnavailableException("killed")))
            await Assert.ThrowsAsync<DatabaseUnavailableException>(() => WriteAsync(id, state, "second"));

        await IsAsync(id, "first");
        await WriteAsync(id, state, "second");
    }

    [Fact]
    public async Task SqliteGrainStorage_WhenTheCatalogIsNotInAFile_SaysSo()
    {
        await using var postgres = new SqlCatalog(new PostgresDatabase(PostgresAddress.Parse("postgres://host/teravox")));

        Assert.Throws<ArgumentException>(() => new SqliteGrainStorage(postgres));
    }

    private protected override Task<StorageSilo> StartAsync() => StorageSilo.StartAsync($"sqlite:{_folder["teravox.db"]}");

    private protected override Task<LostAnswer> LoseAnswerAsync(string text)
    {
        var happened = new TaskCompletionSource();
        var scope = new FaultScope(point =>
        {
            if (point == "catalog.after-commit:grain" && happened.TrySetResult())
                throw new DatabaseUnavailableException("the answer is lost");
        });
        return Task.FromResult(new LostAnswer(happened.Task, () =>
        {
            scope.Dispose();
            return ValueTask.CompletedTask;
        }));
    }
}
