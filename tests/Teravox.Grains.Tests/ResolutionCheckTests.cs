// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Teravox.Contracts;
using Teravox.Grains.Spec;

namespace Teravox.Grains.Tests;

public sealed class ResolutionCheckTests
{
    [Theory]
    [InlineData("degrade.scale=1.1", "degrade.scale")]
    [InlineData("degrade.scale=[2,4.5]", "degrade.scale")]
    [InlineData("degrade.scale=1", "degrade.scale")]
    [InlineData("degrade.noise=-1", "degrade.noise")]
    [InlineData("degrade.kernel=null", "degrade.kernel")]
    [InlineData("degrade.kernel=[]", "degrade.kernel")]
    [InlineData("degrade.kernel=[[0.5],[0.5]]", "degrade.kernel")]
    [InlineData("degrade.kernel=[[0.5,0.5]]", "degrade.kernel")]
    [InlineData("degrade.kernel=[[0.25,0.5,0.25],[0],[0]]", "degrade.kernel")]
    [InlineData("degrade.kernel=[[0.25,0.5,0.2]]", "degrade.kernel")]
    [InlineData("degrade.kernel=[null]", "degrade.kernel")]
    [InlineData("superResolve.scale=3", "superResolve.scale")]
    [InlineData("superResolve.kernel=[[2]]", "superResolve.kernel")]
    [InlineData("superResolve.noise=65536", "superResolve.noise")]
    [InlineData("superResolve.maxIterations=0", "superResolve.maxIterations")]
    [InlineData("superResolve.learningRate=1", "superResolve.learningRate")]
    [InlineData("superResolve.minLearningRate=0.001", "superResolve.minLearningRate")]
    [InlineData("superResolve.crop=15", "superResolve.crop")]
    [InlineData("superResolve.backProjections=101", "superResolve.backProjections")]
    [InlineData("superResolve.chain=0", "superResolve.chain")]
    [InlineData("preset=segment", "degrade")]
    [InlineData("preset=super-resolve", "degrade")]
    public void Run_WhenAFieldIsWrong_NamesItsPath(string setting, string path)
    {
        using var folder = new TestFolder();
        File.WriteAllText(folder["a.json"], """{ "name": "a", "preset": "table5", "data": "d", "degrade": { "scale": 2 } }""");
        ResolutionCheck.Run(SpecFile.Load(folder["a.json"], []), Require);
        var e = Assert.Throws<InputException>(() => ResolutionCheck.Run(SpecFile.Load(folder["a.json"], [setting]), Require));
        Assert.StartsWith($"{path}: ", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_WhenFieldsAreLeftOut_SuperResolutionUndoesWhatDegradingDid()
    {
        var spec = SpecFile.Parse("""{ "name": "a", "preset": "table6", "data": "d", "degrade": { "scale": [1, 1.5], "kernel": "gaussian" } }""", "spec", "/");
        var (degrade, superResolve) = ResolutionCheck.Run(spec, Require);
        Assert.Equal(new Scale(1, 1.5), degrade!.Scale);
        Assert.Equal(degrade.Scale, superResolve!.Scale);
        Assert.Equal(Reduction.Gaussian, superResolve.Kernel);
        var mismatched = spec with { SuperResolve = new() { Kernel = Reduction.Bicubic } };
        Assert.Equal(Reduction.Bicubic, ResolutionCheck.Run(mismatched, Require).SuperResolve!.Kernel);
        Assert.Equal((null, null), ResolutionCheck.Run(new() { Name = "a", Data = spec.Data }, Require));
        Assert.Equal((null, null), ResolutionCheck.Run(spec with { Preset = Preset.Table4, SuperResolve = new() }, Require));
    }

    [Theory]
    [InlineData("""{"scale":[2,2],"kernel":"bicubic","noise":0}""")]
    [InlineData("""{"scale":[1.5,4],"kernel":"gaussian","noise":2.5}""")]
    [InlineData("""{"scale":[2,2],"kernel":[[0.25,0.5,0.25]],"noise":0}""")]
    public void DegradeOptions_WhenWrittenAndRead_AreTheSame(string json)
    {
        var options = JsonSerializer.Deserialize<DegradeOptions>(json, TeravoxJson.Compact)!;
        Assert.Equal(json, JsonSerializer.Serialize(options, TeravoxJson.Compact));
        Assert.Equal(options, JsonSerializer.Deserialize<DegradeOptions>(json, TeravoxJson.Compact));
        Assert.NotEqual(options with { Kernel = Reduction.Of([[.25], [.5], [.25]]) }, options);
    }

    [Fact]
    public void Preset_SuperResolve_IsWrittenWithAHyphen() =>
        Assert.Equal("\"super-resolve\"", JsonSerializer.Serialize(Preset.SuperResolve, TeravoxJson.Compact));

    [Fact]
    public void CheckField_KnowsTheNewFields()
    {
        foreach (var path in new[] { "degrade.scale", "degrade.kernel", "superResolve.chain", "superResolve.kernel" })
            SpecFile.CheckField(path, "campaign", "");
        Assert.Throws<InputException>(() => SpecFile.CheckField("superResolve.scal", "campaign", ""));
    }

    private static void Require(bool condition, string path, string problem)
    {
        if (!condition)
            throw new InputException($"{path}: {problem}");
    }
}
