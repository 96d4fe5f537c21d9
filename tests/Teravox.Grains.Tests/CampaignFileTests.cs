// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using Teravox.Grains.Campaign;

namespace Teravox.Grains.Tests;

public sealed class CampaignFileTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Load_WhenPathsAreRelative_TheyCountFromTheFileAndThoseOfSettingsFromHere()
    {
        var campaign = CampaignFile.Load(
            Write("""{ "name": "a", /* comment */ "spec": { "data": { "raw": "raw" }, "model": "m.safetensors" }, "grid": { "data.labels": ["one", "two"], "seed": [1, null] }, }"""),
            ["data.raw=elsewhere", "network.levels=3"]);

        var spec = campaign.Spec;
        Assert.Equal(Path.GetFullPath("elsewhere"), spec.GetProperty("data").GetProperty("raw").GetString());
        Assert.Equal(_folder["m.safetensors"], spec.GetProperty("model").GetString());
        Assert.Equal(3, spec.GetProperty("network").GetProperty("levels").GetInt32());
        Assert.Equal([_folder["one"], _folder["two"]], campaign.Grid["data.labels"].Select(v => v.GetString()));
        Assert.Equal("[1,null]", "[" + string.Join(',', campaign.Grid["seed"].Select(v => v.GetRawText())) + "]");
    }

    [Theory]
    [InlineData("""{ "spec": { "data": "d" } }""", "name: missing")]
    [InlineData("""{ "name": "a", "spec": 3 }""", "spec: missing, or not a JSON object")]
    [InlineData("""{ "name": "a", "spec": {}, "gird": {} }""", "gird: unknown field. Did you mean \"grid\"?")]
    [InlineData("""{ "name": "a", "spec": {}, "repeats": "many" }""", "repeats: the value is of the wrong kind")]
    [InlineData("""{ "name": "a", "spec": {}, "grid": { "seed": 3 } }""", "grid.seed: the value is of the wrong kind")]
    [InlineData("[]", "JSON object")]
    public void Load_WhenAFieldIsWrong_NamesIt(string json, string part)
    {
        var file = Write(json);
        var error = Assert.Throws<InputException>(() => CampaignFile.Load(file, []));
        Assert.StartsWith(file + ": ", error.Message, StringComparison.Ordinal);
        Assert.Contains(part, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("training.iterations=5", "training.iterations")]
    [InlineData("training={\"batch\":2}", "training.iterations")]
    [InlineData("network.pool=[[2,2,2]]", "network")]
    public void Load_WhenASettingMeetsTheGrid_Refuses(string setting, string field)
    {
        var file = Write("""{ "name": "a", "spec": { "data": "d" }, "grid": { "training.iterations": [1, 2], "network": [{}, { "levels": 3 }] } }""");
        var message = Assert.Throws<InputException>(() => CampaignFile.Load(file, [setting])).Message;
        Assert.StartsWith($"{setting}: the campaign's grid sets {field};", message, StringComparison.Ordinal);
        Assert.Equal(7u, CampaignFile.Load(file, ["training.batch=2", "seed=7"]).Spec.GetProperty("seed").GetUInt64());
    }

    [Theory]
    [InlineData("""{ "name": "a", "spec": {} }""", true)]
    [InlineData("""{ "name": "a", "data": "d" }""", false)]
    public void IsCampaign_WhenASpecIsInIt_IsTrue(string json, bool expected) => Assert.Equal(expected, CampaignFile.IsCampaign(Write(json)));

    private string Write(string json)
    {
        var file = _folder["campaign.json"];
        File.WriteAllText(file, json);
        return file;
    }
}
