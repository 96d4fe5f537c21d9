// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Npgsql;
using Teravox.Cluster.Tests;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Grains.Ledger;
using Teravox.Orleans.Clients;
using Teravox.Orleans.Schema;
using Teravox.Testing;

namespace Teravox.Orleans.Tests;

/// <summary>What the host on Orleans promises beside what every host must: where grains are, and that they answer.</summary>
public sealed class GrainTests(Database database)
{
    // A call that is left to Orleans takes 30 s.
    private static readonly TimeSpan ShorterThanOrleansTimeout = TimeSpan.FromSeconds(25);
    private static readonly string[] Long = ["training.iterations=100000"];

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("kill")]
    [InlineData("freeze")]
    public async Task Experiment_WhenItsSiloIsLost_AnswersElsewhereSoonToTheSameClient(string how)
    {
        await using var cluster = await database.NewAsync();
        var silos = new[] { cluster.Start("--name", "a"), cluster.Start("--name", "b") };
        foreach (var silo in silos)
            await silo.WaitForAsync("ready", null, Ct);
        var id = await cluster.SubmitAsync(Long);
        await cluster.RunningAsync(id, "train-multiclass");
        await using var door = await OrleansDoor.ConnectAsync(cluster.Address, Ct);
        var grain = door.Grains.GetGrain<IExperimentGrain>(id.ToString(CultureInfo.InvariantCulture));
        var before = await door.AskAsync(grain.WhereAsync, Ct);
        var lost = silos[before.Silo.StartsWith("a-", StringComparison.Ordinal) ? 0 : 1];

        if (how == "kill")
            lost.Kill();
        else
            lost.Freeze();
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        patience.CancelAfter(ShorterThanOrleansTimeout);
        var after = before;
        while (after.Silo == before.Silo)
        {
            try
            {
                after = await door.AskAsync(grain.WhereAsync, patience.Token);
            }
            catch (OperationCanceledException)
            {
                Assert.Fail($"the grain, last on {before.Silo}, did not answer from another silo within {ShorterThanOrleansTimeout.TotalSeconds} s");
            }
        }

        Assert.True(after.Activations > before.Activations, $"{before} became {after}");
        await cluster.Ledger.CancelAsync(id, Ct);
    }

    [Fact]
    public async Task Items_WhenTheyNeedATag_ArePlacedOnlyOnSilosThatHaveIt()
    {
        await using var cluster = await database.NewAsync();
        var plain = cluster.Start();
        var fast = cluster.Start("--tag", "disk=fast");
        await plain.WaitForAsync("ready", null, Ct);
        await fast.WaitForAsync("ready", null, Ct);
        var id = await cluster.SubmitAsync("needs.tag=disk=fast", "training.iterations=8");
        await cluster.SucceedAsync(id);

        Assert.NotEmpty(Claims(fast, "infer-multiclass"));
        Assert.NotEmpty(Claims(fast, "train-multiclass"));
        Assert.Empty(Claims(plain, "infer-multiclass"));
        Assert.Empty(Claims(plain, "train-multiclass"));
    }

    [Fact]
    public async Task Items_WhenManyWait_RunAtMostAsManyAtOnceAsTheDeviceHasSlots()
    {
        await using var cluster = await database.NewAsync();
        await using var source = NpgsqlDataSource.Create(OrleansSchema.ConnectionString(cluster.Address));
        await using var watch = source.CreateCommand(
            """
            CREATE TABLE seen (leased bigint NOT NULL);
            CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                INSERT INTO seen SELECT count(*) FROM work_item WHERE state = 'leased';
                RETURN NULL;
            END $$;
            CREATE TRIGGER see AFTER UPDATE OF state ON work_item FOR EACH STATEMENT EXECUTE FUNCTION see()
            """);
        await watch.ExecuteNonQueryAsync(Ct);
        cluster.Start();
        var ids = new[] { await cluster.SubmitAsync("training.iterations=8", "data.phantom.shape=[32,32,32]"), await cluster.SubmitAsync("training.iterations=8", "data.phantom.shape=[32,32,48]") };
        foreach (var id in ids)
            await cluster.SucceedAsync(id);

        await using var most = source.CreateCommand("SELECT max(leased) FROM seen");
        Assert.InRange((long)(await most.ExecuteScalarAsync(Ct))!, 2, Teravox.Silo.SiloDevice.OverlapSlots);
    }

    [Fact]
    public async Task Experiment_WhileItRuns_HasAReminderAndNoneAfterItsEnd()
    {
        await using var cluster = await database.NewAsync();
        cluster.Start();
        var id = await cluster.SubmitAsync(Long);
        await cluster.RunningAsync(id, "train-multiclass");
        await UntilAsync(cluster, 1);
        await cluster.Ledger.CancelAsync(id, Ct);
        await UntilAsync(cluster, 0);
    }

    [Fact]
    public async Task Reminder_WhenNobodyElseCalls_BringsTheGrainBack()
    {
        await using var cluster = await database.NewAsync();
        var silo = cluster.Start();
        var id = await cluster.SubmitAsync(Long);
        await cluster.RunningAsync(id, "train-multiclass");
        await UntilAsync(cluster, 1);
        await using var source = NpgsqlDataSource.Create(OrleansSchema.ConnectionString(cluster.Address));
        await ExecuteAsync("CREATE TABLE kept AS SELECT * FROM orleans_reminder");
        await cluster.Ledger.CancelAsync(id, Ct);
        await UntilAsync(cluster, 0);
        silo.Terminate();
        Assert.Equal(0, await silo.EndAsync(Ct));

        // Silos wake experiments that run. This one has ended, so that its reminder, which is due soon, is alone with it; and the
        // grain takes back a reminder of an experiment that has ended.
        await ExecuteAsync("UPDATE kept SET start = now() - interval '50 seconds'");
        await ExecuteAsync("INSERT INTO orleans_reminder SELECT * FROM kept");
        cluster.Start();
        await UntilAsync(cluster, 0);

        async Task ExecuteAsync(string sql)
        {
            await using var command = source.CreateCommand(sql);
            Assert.NotEqual(0, await command.ExecuteNonQueryAsync(Ct));
        }
    }

    [Fact]
    public async Task SubmitAsync_WhenItIsRepeatedOrTheSpecIsWrong_MakesOneExperimentOrSaysWhy()
    {
        await using var cluster = await database.NewAsync();
        cluster.Start();
        await using var door = await OrleansDoor.ConnectAsync(cluster.Address, Ct);
        var spec = JsonSerializer.Deserialize<JsonElement>("""{"name":"mine","preset":"train","data":{"phantom":{"shape":[16,32,32],"seed":1}},"network":{"fMaps":4},"training":{"iterations":4,"patch":[8,16,16]},"inference":{"tile":[16,16,16]},"storage":{"chunk":[16,16,16]}}""");
        var grain = door.Grains.GetGrain<ISubmissionGrain>("the same");
        var made = new HashSet<long>();
        for (var i = 0; i < 3 || made.Count == 0; i++)
        {
            if (await door.AskAsync(() => grain.SubmitAsync(new SubmitExperiment { Spec = spec }), Ct) is { } info)
                made.Add(info.Id);
        }

        Assert.Equal([(await cluster.Ledger.ListAsync(new ExperimentQuery(), Ct)).Single().Id], made);
        var wrong = JsonSerializer.Deserialize<JsonElement>("""{"name":"mine","preset":"train","data":{"phantom":{"shape":[16,32,32],"seed":1}},"network":{"fMaps":-4}}""");
        var error = await Assert.ThrowsAsync<InputException>(() => door.SubmitAsync(new SubmitExperiment { Spec = wrong }, Ct));
        Assert.Contains("fMaps", error.Message, StringComparison.Ordinal);
        var ended = await door.WatchAsync(made.Single(), _ => { }, TimeSpan.FromMilliseconds(200), Ct);
        Assert.Equal("succeeded", ended.State);
    }

    private static IEnumerable<string> Claims(SiloProcess silo, string stage) =>
        silo.Said.Split('\n').Where(line => line.Contains("\"claimed\"", StringComparison.Ordinal) && line.Contains($"\"{stage}\"", StringComparison.Ordinal));

    private static async Task UntilAsync(Teravox.Cluster.Tests.Cluster cluster, long reminders)
    {
        await using var source = NpgsqlDataSource.Create(OrleansSchema.ConnectionString(cluster.Address));
        var clock = Stopwatch.StartNew();
        while (true)
        {
            await using var command = source.CreateCommand("SELECT count(*) FROM orleans_reminder");
            var count = (long)(await command.ExecuteScalarAsync(Ct))!;
            if (count == reminders)
                return;
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(60), $"there are {count} reminders, not {reminders}");
            await Task.Delay(50, Ct);
        }
    }
}
