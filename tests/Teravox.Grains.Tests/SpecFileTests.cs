// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using Teravox.Grains.Spec;

namespace Teravox.Grains.Tests;

public sealed class SpecFileTests
{
    [Theory]
    [InlineData("""{ "name": "a", "data": "d", "trainnig": {} }""", "trainnig", "training")]
    [InlineData("""{ "name": "a", "data": "d", "training": { "augmentation": { "flip": { "chance": [0,0,0] } } } }""", "training.augmentation.flip.chance", "probability")]
    [InlineData("""{ "name": "a", "data": { "rwa": "x" } }""", "data.rwa", "raw")]
    [InlineData("""{ "name": "a", "data": { "phantom": { "size": [1,2,3] } } }""", "data.phantom.size", "shape")]
    [InlineData("""{ "name": "a", "data": "d", "classes": [ { "id": 0, "name": "b", "colour": "#fff" } ] }""", "classes[0].colour", "colours")]
    [InlineData("""{ "name": "a" }""", "data", "missing")]
    [InlineData("""{ "name": "a", "data": "d", "preset": "table9" }""", "preset", "wrong kind")]
    [InlineData("""{ "name": "a", "data": "d", "training": { "patch": [1, 2] } }""", "training.patch", "three whole numbers")]
    [InlineData("""{ "name": "a", "data": "d", "training": { "iterations": "many" } }""", "training.iterations", "wrong kind")]
    [InlineData("""{ "name": "a", "data": "d", """, "not JSON", "line 1")]
    [InlineData("""{ "name": "a", "data": "d", "training": { "batch": 1, "batch": 2 } }""", "given twice", "'batch'")]
    [InlineData("""{ "name": "a", "data": "d", "degrade": { "scale": [2] } }""", "degrade.scale", "two [y, x]")]
    [InlineData("""{ "name": "a", "data": "d", "degrade": { "scale": "2" } }""", "degrade.scale", "one number")]
    [InlineData("""{ "name": "a", "data": "d", "degrade": { "kernel": "box" } }""", "degrade.kernel", "gaussian")]
    [InlineData("""{ "name": "a", "data": "d", "superResolve": { "kernel": [1, 2] } }""", "superResolve.kernel", "[[...], ...]")]
    [InlineData("""{ "name": "a", "data": "d", "superResolve": { "kernal": "bicubic" } }""", "superResolve.kernal", "kernel")]
    [InlineData("[1]", "object", "docs/spec.md")]
    public void Parse_WhenAFieldIsWrong_NamesItsPath(string json, string path, string hint)
    {
        var e = Assert.Throws<InputException>(() => SpecFile.Parse(json, "spec.json", "/"));
        Assert.StartsWith("spec.json: ", e.Message, StringComparison.Ordinal);
        Assert.Contains(path, e.Message, StringComparison.Ordinal);
        Assert.Contains(hint, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_WhenSettingsAreLaidOver_TheyWinAndPathsCountFromTheirOwnPlace()
    {
        using var folder = new TestFolder();
        Directory.CreateDirectory(folder["specs"]);
        File.WriteAllText(folder["specs/a.json"], """{ "name": "a", /* comment */ "data": { "raw": "raw", "labels": "labels" }, "network": { "levels": 3 }, }""");
        var spec = SpecFile.Load(folder["specs/a.json"], ["network.fMaps=16", "training.patch=[8,16,24]", "data.labels=elsewhere", "name=b"]);
        Assert.Equal("b", spec.Name);
        Assert.Equal(new UNetArchitecture { Levels = 3, FMaps = 16 }, spec.Network);
        Assert.Equal(new Int3(8, 16, 24), spec.Training.Patch);
        Assert.Equal(folder["specs/raw"], spec.Data.Raw);
        Assert.Equal(Path.GetFullPath("elsewhere"), spec.Data.Labels);
    }

    [Theory]
    [InlineData("training.iterations")]
    [InlineData("name.first=x")]
    public void Load_WhenASettingIsWrong_SaysSo(string setting)
    {
        using var folder = new TestFolder();
        File.WriteAllText(folder["a.json"], """{ "name": "a", "data": "d" }""");
        Assert.Contains(setting, Assert.Throws<InputException>(() => SpecFile.Load(folder["a.json"], [setting])).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("network.levels=1", "network.levels")]
    [InlineData("network.pool=[[2,2,2]]", "network.pool")]
    [InlineData("limits.deaths=0", "limits.deaths")]
    [InlineData("limits.failures=1001", "limits.failures")]
    [InlineData("network.order=gcr", "network")]
    [InlineData("training.patch=[15,16,16]", "training.patch")]
    [InlineData("training.learningRate=0", "training.learningRate")]
    [InlineData("training.augmentation.blur.range=[2,1]", "training.augmentation.blur.range")]
    [InlineData("training.augmentation.rotation.probability=1.5", "training.augmentation.rotation.probability")]
    [InlineData("inference.tile=[8,8,8]", "inference.tile")]
    [InlineData("inference.halo=[-1,0,0]", "inference.halo")]
    [InlineData("split={\"train\":[0,10],\"test\":[9,16]}", "split.test")]
    [InlineData("split={\"train\":[0,10],\"test\":[10,17]}", "split.test")]
    [InlineData("data.phantom.shape=[4,8,8]", "data.phantom.shape")]
    [InlineData("model=\"x.safetensors\"", "model")]
    [InlineData("name=../x", "name")]
    public void Plan_WhenAValueIsOutOfRange_NamesItsPath(string setting, string path)
    {
        using var folder = new TestFolder();
        File.WriteAllText(folder["a.json"], """{ "name": "a", "data": { "phantom": { "shape": [16, 32, 32] } }, "network": { "levels": 3, "fMaps": 4 }, "training": { "patch": [8, 16, 16] }, "storage": { "chunk": [16, 16, 16] } }""");
        SpecCheck.Plan(SpecFile.Load(folder["a.json"], []), null, CancellationToken.None);
        var e = Assert.Throws<InputException>(() => SpecCheck.Plan(SpecFile.Load(folder["a.json"], [setting]), null, CancellationToken.None));
        Assert.StartsWith($"spec: {path}: ", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Plan_WhenTable4IsAsked_HasOneBinaryNetworkPerClassIntoItsOwnChannel()
    {
        var spec = SpecFile.Parse("""{ "name": "a", "preset": "table4", "data": { "phantom": { "shape": [32, 64, 64] } }, "network": { "levels": 2, "fMaps": 8 }, "binaryIterations": 7 }""", "spec", "/");
        var plan = SpecCheck.Plan(spec, null, CancellationToken.None);
        Assert.Equal(9, plan.Networks.Count);
        Assert.Equal(["multiclass", "binary"], plan.Predictions());
        Assert.Equal(Enumerable.Range(0, 8), plan.Networks.Skip(1).Select(n => n.Channel));
        Assert.All(plan.Networks.Skip(1), n => Assert.Equal(7, n.Iterations));
        Assert.True(plan.HaloIsExact);
        Assert.Equal(new Int3(9, 9, 9), plan.Halo);
        Assert.Equal(25, plan.Train.Shape.Z);
        Assert.Equal(new Int3(25, 0, 0), plan.Test.Start);
        Assert.False(SpecCheck.Plan(spec with { Network = spec.Network with { Order = LayerOrder.Gcr } }, null, CancellationToken.None).HaloIsExact);
        Assert.False(SpecCheck.Plan(spec with { Inference = new() { Halo = new(9, 9, 8) } }, null, CancellationToken.None).HaloIsExact);
    }
}
