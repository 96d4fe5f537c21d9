// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Grains.Campaign;
using Teravox.Grains.Spec;

namespace Teravox.Grains.Tests;

public sealed class CampaignGridTests
{
    private const string Spec = """{ "name": "base", "seed": 5, "data": { "volume": "cell" }, "network": { "levels": 3 } }""";

    [Fact]
    public void Runs_WhenGridAndRepeats_GivesEveryCombinationInOrderWithItsSeeds()
    {
        var runs = CampaignGrid.Runs(Make("""{ "training.learningRate": [0.001, 0.0001], "network.levels": [3, 4] }""", repeats: 2));

        Assert.Equal(Enumerable.Range(1, 8).Select(n => $"sweep-00{n}"), runs.Select(run => run.Name));
        Assert.Equal(
            [(0.001, 3, 5ul), (0.001, 3, 6ul), (0.001, 4, 5ul), (0.001, 4, 6ul), (0.0001, 3, 5ul), (0.0001, 3, 6ul), (0.0001, 4, 5ul), (0.0001, 4, 6ul)],
            runs.Select(run => SpecFile.Parse(run.SpecJson, run.Name, "/")).Select(spec => (spec.Training.LearningRate, spec.Network.Levels, spec.Seed)));
        Assert.Equal("""{"training.learningRate":0.001,"network.levels":4}""", runs[3].ParametersJson);
        Assert.All(runs, run => Assert.Equal((run.Name, run.Seed), SpecFile.Parse(run.SpecJson, run.Name, "/") is var spec ? (spec.Name, spec.Seed) : default));
        Assert.All(runs, run => Assert.Contains("\"volume\":\"cell\"", run.SpecJson, StringComparison.Ordinal));
    }

    [Fact]
    public void Runs_WhenCalledTwice_GivesTheSame()
    {
        var campaign = Make("""{ "training.patch": [[8, 16, 16], [8, 32, 32]], "binaryIterations": [null, 7] }""", repeats: 3);

        Assert.Equal(
            CampaignGrid.Runs(campaign).Select(run => (run.Name, run.Seed, run.SpecJson, run.ParametersJson)),
            CampaignGrid.Runs(campaign).Select(run => (run.Name, run.Seed, run.SpecJson, run.ParametersJson)));
    }

    [Fact]
    public void Runs_WhenThereIsNoGrid_RepeatsTheSpec()
    {
        var runs = CampaignGrid.Runs(Make("{}", repeats: 3));

        Assert.Equal([5ul, 6ul, 7ul], runs.Select(run => run.Seed));
        Assert.All(runs, run => Assert.Equal("{}", run.ParametersJson));
    }

    [Fact]
    public void Runs_WhenTheNameIsLong_CutsItToALegalName()
    {
        var runs = CampaignGrid.Runs(Make("{}", repeats: 2) with { Name = new string('a', 64) });

        Assert.Equal([new string('a', 60) + "-001", new string('a', 60) + "-002"], runs.Select(run => run.Name));
    }

    [Fact]
    public void Runs_WhenThereAreTenThousand_NumbersThemAllWithFiveDigits()
    {
        var seeds = string.Join(',', Enumerable.Range(1, 100));
        var runs = CampaignGrid.Runs(Make($$"""{ "binaryIterations": [{{seeds}}] }""", repeats: 100));

        Assert.Equal(10_000, runs.Count);
        Assert.Equal(("sweep-00001", "sweep-10000"), (runs[0].Name, runs[^1].Name));
        Assert.Equal(10_000, runs.Select(run => run.Name).Distinct().Count());
    }

    [Theory]
    [InlineData("""{ "training.foo": [1] }""", "grid.training.foo: unknown field.")]
    [InlineData("""{ "training.learningrate": [1] }""", "grid.training.learningrate: unknown field. Did you mean \"learningRate\"?")]
    [InlineData("""{ "trainnig.iterations": [1] }""", "grid.trainnig: unknown field. Did you mean \"training\"?")]
    [InlineData("""{ "training.iterations.x": [1] }""", "grid.training.iterations.x: unknown field")]
    [InlineData("""{ "": [1] }""", "unknown field")]
    [InlineData("""{ "training.": [1] }""", "grid.training.: unknown field")]
    [InlineData("""{ "training.iterations": [] }""", "grid.training.iterations: has no values")]
    [InlineData("""{ "training.iterations": [1, 2, 1] }""", "grid.training.iterations: 1 is given twice")]
    [InlineData("""{ "training.learningRate": [1, 0.1, 1.0] }""", "grid.training.learningRate: 1.0 is given twice")]
    [InlineData("""{ "binaryIterations": [null, 3, null] }""", "grid.binaryIterations: null is given twice")]
    [InlineData("""{ "training.patch": [[1, 2, 3], [1,2,3]] }""", "is given twice")]
    [InlineData("""{ "training.iterations": [1, "many"] }""", "training.iterations: the value is of the wrong kind")]
    [InlineData("""{ "training": [{ "iterations": 5 }], "training.iterations": [1] }""", "grid.training.iterations: lies inside grid.training")]
    [InlineData("""{ "training": [{ "iteratoins": 5 }] }""", "training.iteratoins: unknown field. Did you mean \"iterations\"?")]
    [InlineData("""{ "name": ["a"] }""", "grid.name: every run gets its own name")]
    [InlineData("""{ "seed": [1] }""", "grid.seed: every run gets its own seed")]
    public void Runs_WhenTheGridIsWrong_NamesTheField(string grid, string part)
    {
        var error = Assert.Throws<InputException>(() => CampaignGrid.Runs(Make(grid, repeats: 2)));

        Assert.StartsWith("campaign sweep: ", error.Message, StringComparison.Ordinal);
        Assert.Contains(part, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Runs_WhenBoundsAreBroken_SaysWhich()
    {
        void Refuses(NewCampaign campaign, string part) =>
            Assert.Contains(part, Assert.Throws<InputException>(() => CampaignGrid.Runs(campaign)).Message, StringComparison.Ordinal);

        Refuses(Make("{}", repeats: 0), "repeats: 0 must be 1..100");
        Refuses(Make("{}", repeats: 101), "repeats: 101 must be 1..100");
        var many = string.Join(',', Enumerable.Range(1, 101));
        Refuses(Make($$"""{ "binaryIterations": [{{many}}] }""", repeats: 100), "more than 10000 runs");
        var wide = string.Join(',', new[] { "training.iterations", "binaryIterations", "network.fMaps", "network.levels", "training.batch" }
            .Select(field => $"\"{field}\": [{many}]"));
        Refuses(Make($"{{{wide}}}", repeats: 1), "grid");
        Refuses(Make("{}", repeats: 1) with { Name = "a/b" }, "a/b");
        Refuses(Make("{}", repeats: 1) with { Spec = Parse("[1]") }, "campaign sweep: spec and grid are JSON objects");
        Refuses(Make("null", repeats: 1), "campaign sweep: spec and grid are JSON objects");
        Refuses(Make("""{ "training.iterations": null }""", repeats: 1), "grid.training.iterations: has no values");
        Refuses(Make("{}", repeats: 1) with { Spec = Parse("""{ "data": "d", "data": "e" }""") }, "campaign sweep: a field is given twice");
        Refuses(Make("{}", repeats: 1) with { Spec = Parse("""{ "network": {} }""") }, "campaign sweep: data: missing");
        Refuses(Make("""{ "data.raw": ["a"] }""", repeats: 1) with { Spec = Parse("""{ "data": "d" }""") }, "data is not an object");
        Refuses(Make("{}", repeats: 2) with { Spec = Parse("""{ "data": "d", "seed": 18446744073709551615 }""") }, "seed");
    }

    private static NewCampaign Make(string grid, int repeats) => new()
    {
        Name = "sweep",
        Spec = Parse(Spec),
        Grid = JsonSerializer.Deserialize<IReadOnlyDictionary<string, IReadOnlyList<JsonElement>>>(grid, TeravoxJson.Compact)!,
        Repeats = repeats,
    };

    private static JsonElement Parse(string json) => JsonDocument.Parse(json).RootElement;
}
