// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Npgsql;
using Teravox.Contracts;
using Teravox.Contracts.Work;
using Teravox.Grains;
using Teravox.Grains.Catalog;
using Teravox.Grains.Ranges;
using Teravox.Silo.Local;
using Teravox.Testing;

namespace Teravox.Chaos.Tests;

/// <summary>The harness's own eyes: what a chaos run must notice is done here by hand, on a real server and real files.</summary>
public sealed class AuditTests : IAsyncLifetime
{
    private static readonly StagePlan Plan = new(1, "infer", 0, "infer", null, new WorkNeeds(), 2, 3, 5);
    private readonly DirectoryInfo _folder = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), "teravox-audit-" + Guid.NewGuid().ToString("N")[..8]));

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync()
    {
        Prerequisite.Require(ChaosRun.WhyMissing());
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync()
    {
        _folder.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task States_WhenOneIsWrong_AreNamed()
    {
        await using var server = await PrivatePostgres.StartAsync(Path.Combine(_folder.FullName, "postgres"), ["fsync=off"], Ct);
        await using var catalog = await Catalogs.OpenAsync(server.Address, Ct);
        await using var audit = new Audit(server);
        await audit.InstallAsync(Ct);
        await using var source = NpgsqlDataSource.Create(Audit.Connection(server));

        var (waiting, had) = (Range(), Range(out1: 1, out2: 1));
        var (first, both) = (Range(done: 1, out2: 1, sum: 3), Range(done: 3, sum: 7));
        await SeeAsync("in order", [], waiting, had, first, both);
        await SeeAsync("a bit that is cleared and set again", ["bit"], had, first, first with { Done = [0] }, first);
        await SeeAsync("a bit that nobody had", ["bit"], waiting, first);
        await SeeAsync("a sum that changes by itself", ["sums"], had, first, first with { Sums = Sums(4) });
        await SeeAsync("a sum that shrinks", ["sums"], had, first, both with { Sums = Sums(2) });
        await SeeAsync("a result that changes", ["sums"], had, first with { Results = new() { [0] = "1" } }, both with { Results = new() { [0] = "2" } });
        await SeeAsync("an attempt that is given twice", ["attempt"], Range(out1: 2), waiting, Range(out1: 2));
        await SeeAsync("a history that is forgotten", ["attempt"], had with { History = new() { [0] = new ItemHistory(1) } }, had);

        await WriteAsync("range", "skipped", had, first);
        await RunAsync("UPDATE orleans_grain SET version = version + 2 WHERE id_text = 'skipped'");
        Assert.Equal(["version"], await BrokenAsync("skipped"));
        await WriteAsync("range", "removed", had);
        await RunAsync("DELETE FROM orleans_grain WHERE id_text = 'removed'");
        Assert.Equal(["version"], await BrokenAsync("removed"));

        // A stage has the sums of its ranges, and counts those alone that are done.
        await WriteAsync("range", "1/infer/0", had, first, both);
        await WriteAsync("experiment", "1", Experiment(Sums(7)));
        Assert.Empty(await BrokenAsync("1/infer/0", "1"));
        await WriteAsync("experiment", "1", Experiment(Sums(8)));
        Assert.Equal(["sums"], await BrokenAsync("1/infer/0", "1"));
        await WriteAsync("range", "2/infer/0", had, first);
        await WriteAsync("experiment", "2", Experiment(Sums(3)));
        Assert.Equal(["bit", "sums"], await BrokenAsync("2/infer/0", "2"));

        async Task SeeAsync(string name, string[] broken, params RangeRecord[] versions)
        {
            await WriteAsync("range", name, [.. versions]);
            var found = await BrokenAsync(name);
            Assert.True(broken.SequenceEqual(found), $"{name}: found {string.Join(", ", found)}");
        }

        async Task WriteAsync(string type, string grain, params object[] versions)
        {
            foreach (var version in versions)
            {
                await RunAsync(
                    """
                    INSERT INTO orleans_grain VALUES ('teravox', 0, 0, 0, 0, $1, $2, $3, 1, now())
                    ON CONFLICT (service_id, type_hash, id_hash, id_high, id_low, id_text, type) DO UPDATE SET state = excluded.state, version = orleans_grain.version + 1
                    """,
                    grain,
                    type,
                    JsonSerializer.SerializeToUtf8Bytes(version, version.GetType(), TeravoxJson.Compact));
            }
        }

        async Task RunAsync(string sql, params object[] parameters)
        {
            await using var command = source.CreateCommand(sql);
            foreach (var parameter in parameters)
                command.Parameters.Add(new NpgsqlParameter { Value = parameter });
            await command.ExecuteNonQueryAsync(Ct);
        }

        // The word of each check by which it is known here.
        async Task<string[]> BrokenAsync(params string[] grains)
        {
            var states = await audit.StatesAsync(Ct);
            var checks = ChaosChecks.OfStates(StateAudit.Of([.. states.Where(s => grains.Contains(s.Grain))]));
            return [.. checks.Where(c => !c.Held).Select(c => ((string[])["bit", "sums", "attempt", "version"]).First(word => c.Name.Contains(word, StringComparison.Ordinal)))];
        }
    }

    [Fact]
    public async Task Files_WhenAChunkIsReplaced_AreNamedByBytesAndByScores()
    {
        var train = await Reference.RunAsync(TeravoxProgram.Path, _folder.FullName, "train", ChaosSpecs.Train([8, 48, 48]), Ct);
        var folder = new ExperimentFolder(train.Folder);
        var (voxels, differences) = Recount();
        Assert.Empty(differences);
        Assert.True(voxels > 0);
        Assert.Empty(ResultFiles.Differences(train.Files, ResultFiles.Of(train.Folder)));

        // One tile's probabilities in the place of another's.
        var chunks = train.Files.Where(f => f.Key.StartsWith("probabilities.zarr/s0/", StringComparison.Ordinal) && char.IsAsciiDigit(f.Key[^1])).ToList();
        var (one, another) = (chunks[0], chunks.First(c => c.Value != chunks[0].Value));
        File.Copy(Path.Combine(train.Folder, another.Key), Path.Combine(train.Folder, one.Key), overwrite: true);

        Assert.NotEmpty(Recount().Differences);
        Assert.Equal([one.Key + " differs"], ResultFiles.Differences(train.Files, ResultFiles.Of(train.Folder)));

        (long Voxels, IReadOnlyList<string> Differences) Recount() => ScoreRecount.Of(train.Plan, folder, stage => StateAudit.SumsOf(train.States, 1, stage));
    }

    [Fact]
    public void Files_WhenSomeDiffer_AreNamed()
    {
        var (single, many) = (_folder.CreateSubdirectory("single"), _folder.CreateSubdirectory("many"));
        foreach (var name in (string[])["same", "changed", "lost"])
            File.WriteAllText(Path.Combine(single.FullName, name), name);
        foreach (var (name, text) in ((string, string)[])[("same", "same"), ("changed", "chanqed"), ("invented", "")])
            File.WriteAllText(Path.Combine(many.FullName, name), text);

        Assert.Equal(
            ["lost is missing", "invented should not be there", "changed differs"],
            ResultFiles.Differences(ResultFiles.Of(single.FullName), ResultFiles.Of(many.FullName)));
        Assert.Empty(ResultFiles.OrphanedFiles(many.FullName));

        File.WriteAllText(Path.Combine(many.FullName, Volumes.AtomicFile.TemporaryPrefix + "chunk"), "");
        Assert.Single(ResultFiles.OrphanedFiles(many.FullName));
    }

    // Two items: bits of those that are done, attempts of those that silo "a" has, and the one sum.
    private static RangeRecord Range(byte done = 0, int out1 = 0, int out2 = 0, long sum = 0) => new()
    {
        Stage = Plan,
        Done = [done],
        Out = new[] { out1, out2 }.Index().Where(o => o.Item > 0).ToDictionary(o => o.Index, o => new HandedOut("a", o.Item)),
        Sums = sum == 0 ? [] : Sums(sum),
    };

    private static Dictionary<string, byte[]> Sums(long sum) => new() { ["sum"] = SumCodec.Pack([sum, 0]) };

    private static ExperimentRecord Experiment(Dictionary<string, byte[]> sums) => new()
    {
        Stages = [new StageRecord { Stage = new NewStage("infer", "infer", []), State = StageState.Done, Items = 2, RangesDone = [1], Sums = sums }],
    };
}
