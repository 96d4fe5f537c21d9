// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;
using Teravox.Grains.Resolution;
using Teravox.Grains.Spec;
using Teravox.Networks;
using Teravox.Volumes;

namespace Teravox.Grains.Tests;

/// <summary>From specs to plans, and from plans to the DAG.</summary>
public sealed class PlanTests
{
    private const string Small = """
        "name": "a", "data": { "phantom": { "shape": [16, 64, 64] } }, "network": { "levels": 2, "fMaps": 4 }, "training": { "iterations": 5, "patch": [8, 16, 16] }
        """;

    // A folder that an older Teravox began is gone on with by its plan's key: what such presets plan must keep its bytes.
    [Theory]
    [InlineData("train", "c88e55e3615c01b1b3ab7a5d119c67a0510e43abf5378be5aa")]
    [InlineData("table4", "0b775862ddeb73a8bfe0026a84d2befcf8e9e9a2061e490964")]
    public void Prepare_OfAPresetThatOlderVersionsKnow_KeepsItsBytes(string preset, string key)
    {
        var experiment = StageGraph.Prepare(PlanOf($"\"preset\": \"{preset}\""));
        Assert.StartsWith(key, StageGraph.KeyOf(experiment.SpecJson), StringComparison.Ordinal);
    }

    [Fact]
    public void Stages_OfTable4_TrainInferAndFindThresholdsPerPrediction()
    {
        var plan = PlanOf("\"preset\": \"table4\", \"classes\": [{ \"id\": 0, \"name\": \"rest\" }, { \"id\": 1, \"name\": \"spot\" }]");
        Assert.Equal(
            """
            import:import after
            train-multiclass:train after import {"network":"multiclass"}
            infer-multiclass:infer after train-multiclass {"network":"multiclass"}
            train-binary-rest:train after import {"network":"binary-rest"}
            infer-binary-rest:infer after train-binary-rest {"network":"binary-rest"}
            train-binary-spot:train after import {"network":"binary-spot"}
            infer-binary-spot:infer after train-binary-spot {"network":"binary-spot"}
            threshold-multiclass:threshold after infer-multiclass {"prediction":"multiclass"}
            label-multiclass:label after threshold-multiclass {"prediction":"multiclass"}
            threshold-binary:threshold after infer-binary-rest infer-binary-spot {"prediction":"binary"}
            label-binary:label after threshold-binary {"prediction":"binary"}
            report:report after label-multiclass label-binary
            """,
            Text(plan));
    }

    [Fact]
    public void Stages_OfSegment_InferWithTheGivenModelAndLabel()
    {
        using var folder = new TestFolder();
        using (var network = Network.Create(new UNetArchitecture { Levels = 2, FMaps = 4 }, 3, seed: 1))
            File.WriteAllBytes(folder["model.safetensors"], network.ToBytes("{ \"name\": \"model\", \"classes\": [{ \"id\": 0, \"name\": \"a\" }, { \"id\": 1, \"name\": \"b\" }, { \"id\": 2, \"name\": \"c\" }] }"));
        var plan = PlanOf($"\"preset\": \"segment\", \"model\": \"{folder["model.safetensors"]}\"");
        Assert.Equal(
            """
            import:import after
            infer-model:infer after import {"network":"model"}
            label-multiclass:label after infer-model {"prediction":"multiclass"}
            report:report after label-multiclass
            """,
            Text(plan));
    }

    [Fact]
    public void Stages_OfTable5_RunOneNetworkOverTheTestSectionsInThreeResolutions()
    {
        var plan = PlanOf("\"preset\": \"table5\"");
        Assert.Equal(
            """
            import:import after
            degrade:degrade after import
            enlarge:enlarge after degrade
            super-resolve:super-resolve after degrade
            compare:compare after enlarge super-resolve
            train-multiclass:train after import {"network":"multiclass"}
            infer-multiclass:infer after train-multiclass {"network":"multiclass"}
            infer-original:infer after train-multiclass import {"network":"multiclass","prediction":"original"}
            infer-lr:infer after train-multiclass enlarge {"network":"multiclass","prediction":"lr"}
            infer-boosted:infer after train-multiclass super-resolve {"network":"multiclass","prediction":"boosted"}
            threshold-train:threshold after infer-multiclass {"prediction":"train"}
            label-original:label after infer-original threshold-train {"prediction":"original"}
            label-lr:label after infer-lr threshold-train {"prediction":"lr"}
            label-boosted:label after infer-boosted threshold-train {"prediction":"boosted"}
            report:report after compare label-original label-lr label-boosted
            """,
            Text(plan));
        Assert.Equal(["original", "lr", "boosted"], plan.Scored());
        Assert.All(plan.Scored(), p => Assert.Equal((plan.Test, plan.Test.Shape), (plan.VolumeOf(p).Region, plan.VolumeOf(p).Shape)));
        Assert.Equal(plan.Train, plan.Inferences().Single(i => !i.IsKept).Volume.Region);
        Assert.Equal(new Int3(4, 32, 32), plan.Volume(VolumeNames.LowRes).Shape);
        Assert.Equal(1, plan.Volume(VolumeNames.Boosted).Chunk.Z);
        Assert.Null(plan.Notes);
    }

    [Fact]
    public void Stages_OfTable6_TrainOnEitherVolumeAndScoreOnTheOriginal()
    {
        var plan = PlanOf("\"preset\": \"table6\"");
        Assert.Equal(
            """
            import:import after
            degrade:degrade after import
            enlarge:enlarge after degrade
            super-resolve:super-resolve after degrade
            compare:compare after enlarge super-resolve
            train-multiclass-lr:train after enlarge {"network":"multiclass-lr"}
            infer-multiclass-lr:infer after train-multiclass-lr {"network":"multiclass-lr"}
            train-multiclass-boosted:train after super-resolve {"network":"multiclass-boosted"}
            infer-multiclass-boosted:infer after train-multiclass-boosted {"network":"multiclass-boosted"}
            infer-lr:infer after train-multiclass-lr import {"network":"multiclass-lr","prediction":"lr"}
            infer-boosted:infer after train-multiclass-boosted import {"network":"multiclass-boosted","prediction":"boosted"}
            threshold-multiclass-lr:threshold after infer-multiclass-lr {"prediction":"multiclass-lr"}
            threshold-multiclass-boosted:threshold after infer-multiclass-boosted {"prediction":"multiclass-boosted"}
            label-lr:label after infer-lr threshold-multiclass-lr {"prediction":"lr"}
            label-boosted:label after infer-boosted threshold-multiclass-boosted {"prediction":"boosted"}
            report:report after compare label-lr label-boosted
            """,
            Text(plan));
        Assert.All(["lr", "boosted"], v => Assert.Equal(plan.Train, plan.Volume(v).Region));
        Assert.All(plan.Scored(), p => Assert.Equal(plan.Test, plan.VolumeOf(p).Region));
    }

    [Theory]
    [InlineData("table5")]
    [InlineData("table6")]
    public void Plan_WhenSuperResolutionUndoesAnotherReduction_SaysWhatThatCosts(string preset)
    {
        var plan = PlanOf($"\"preset\": \"{preset}\", \"degrade\": {{ \"kernel\": \"gaussian\" }}, \"superResolve\": {{ \"kernel\": \"bicubic\" }}");
        var note = Assert.Single(plan.Notes!);
        Assert.Contains("reduced by gaussian, and super-resolution undoes bicubic", note, StringComparison.Ordinal);
        Assert.Contains("below bicubic enlargement", note, StringComparison.Ordinal);
    }

    [Fact]
    public void Stages_OfSuperResolve_NeedNoNetworkAndTheDeviceForSuperResolutionAlone()
    {
        var plan = PlanOf("\"preset\": \"super-resolve\", \"needs\": { \"gpu\": true }");
        Assert.Equal(
            """
            import:import after
            enlarge:enlarge after import
            super-resolve:super-resolve after import
            report:report after enlarge super-resolve
            """,
            Text(plan));
        Assert.Equal(["super-resolve"], StageGraph.Stages(plan).Where(s => s.Needs?.Gpu == true).Select(s => s.Name));
        Assert.Equal(new Int3(16, 128, 128), plan.Volume(VolumeNames.Boosted).Shape);
        Assert.Equal(new VoxelSize(plan.VoxelSize.Z, plan.VoxelSize.Y / 2, plan.VoxelSize.X / 2), plan.Volume(VolumeNames.Boosted).VoxelSize);
        Assert.Contains("bicubic", Assert.Single(plan.Notes!), StringComparison.Ordinal);
    }

    [Fact]
    public void Stages_OfALargeVolume_MakeItsLevelsOneAfterAnotherBeforeTheReport()
    {
        Assert.Equal(
            """
            import:import after
            train-multiclass:train after import {"network":"multiclass"}
            infer-multiclass:infer after train-multiclass {"network":"multiclass"}
            threshold-multiclass:threshold after infer-multiclass {"prediction":"multiclass"}
            label-multiclass:label after threshold-multiclass {"prediction":"multiclass"}
            pyramid-1:pyramid after import label-multiclass {"level":1}
            pyramid-2:pyramid after pyramid-1 {"level":2}
            report:report after pyramid-2
            """,
            Text(PlanOf("\"preset\": \"train\"", "[16, 64, 600]")));
        var table = StageGraph.Stages(PlanOf("\"preset\": \"table5\"", "[16, 64, 300]"));
        Assert.Equal(
            ["import", "enlarge", "super-resolve", "label-original", "label-lr", "label-boosted"],
            table.Single(s => s.Name == "pyramid-1").After);
        Assert.Equal(["compare", "pyramid-1"], table[^1].After);
    }

    [Fact]
    public void Stages_OfSuperResolve_MakeLevelsOfWhatIsLargeOnlyOnceEnlarged()
    {
        // The original's 200 columns need no level; the 400 of what it becomes do.
        var stages = StageGraph.Stages(PlanOf("\"preset\": \"super-resolve\"", "[16, 64, 200]"));
        Assert.Equal(["import", "enlarge", "super-resolve", "pyramid-1", "report"], stages.Select(s => s.Name));
        Assert.Equal(["enlarge", "super-resolve"], stages[3].After);
        Assert.Equal(["pyramid-1"], stages[4].After);
        Assert.Equal((false, 0L), (stages[3].Needs?.Gpu ?? false, stages[3].Needs?.MemoryBytes ?? 0));
    }

    [Theory]
    [InlineData(97, 131, "2", 48, 66)]
    [InlineData(97, 131, "1.5", 65, 87)]
    [InlineData(97, 131, "[1, 4]", 97, 33)]
    [InlineData(97, 131, "[1.2, 3]", 81, 44)]
    public void Plan_WhenTheScaleDoesNotDivideTheSides_ComesBackToTheOriginalsShape(int y, int x, string scale, int lowY, int lowX)
    {
        var plan = PlanOf($"\"preset\": \"table5\", \"degrade\": {{ \"scale\": {scale} }}", $"[16, {y}, {x}]");
        var (low, boosted) = (plan.Volume(VolumeNames.LowRes), plan.Volume(VolumeNames.Boosted));
        Assert.Equal((lowY, lowX), (low.Shape.Y, low.Shape.X));
        Assert.Equal(plan.Test.Shape, boosted.Shape);
        Assert.Equal(plan.VoxelSize, boosted.VoxelSize);
        Assert.Equal(plan.VoxelSize.Y * y, low.VoxelSize.Y * lowY, 1e-6);
    }

    [Theory]
    [InlineData("\"preset\": \"table5\", \"degrade\": { \"scale\": [2, 4.1] }", "degrade.scale")]
    [InlineData("\"preset\": \"table5\", \"degrade\": { \"scale\": [2, 4] }", "degrade.scale")]
    [InlineData("\"preset\": \"table6\", \"model\": \"m\"", "model")]
    [InlineData("\"preset\": \"super-resolve\", \"model\": \"m\"", "model")]
    [InlineData("\"preset\": \"super-resolve\", \"superResolve\": { \"scale\": 1 }", "superResolve.scale")]
    public void Plan_WhenAResolutionMakesNoSense_NamesTheField(string fields, string path)
    {
        var e = Assert.Throws<InputException>(() => PlanOf(fields, "[16, 64, 60]"));
        Assert.StartsWith($"spec: {path}: ", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Plan_OfAVolumeThatRecordsItsReduction_UndoesIt()
    {
        using var folder = new TestFolder();
        var degradation = new Degradation { Scale = new(2, 1.5), Kernel = Reduction.Gaussian, Section = [97, 131] };
        var options = new OmeOptions { Shape = new(2, 48, 87), Attributes = Degradations.Attributes(degradation) };
        OmeVolume.Create(folder["low.zarr"], options);

        var plan = Of("");
        Assert.Equal((Reduction.Gaussian, new Scale(2, 1.5)), (plan.Spec.SuperResolve!.Kernel, plan.Spec.SuperResolve.Scale!.Value));
        Assert.Equal(new Int3(2, 97, 131), plan.Volume(VolumeNames.Boosted).Shape);
        Assert.Contains("as the volume records", Assert.Single(plan.Notes!), StringComparison.Ordinal);

        plan = Of("\"kernel\": \"bicubic\", \"scale\": 2");
        Assert.Equal(Reduction.Bicubic, plan.Spec.SuperResolve!.Kernel);
        Assert.Equal(new Int3(2, 96, 174), plan.Volume(VolumeNames.Boosted).Shape);
        Assert.Contains("though the volume records gaussian", Assert.Single(plan.Notes!), StringComparison.Ordinal);

        File.WriteAllText(folder["low.zarr/.zattrs"], File.ReadAllText(folder["low.zarr/.zattrs"]).Replace("gaussian", "box", StringComparison.Ordinal));
        Assert.Contains("teravox.degraded", Assert.Throws<InputException>(() => Of("")).Message, StringComparison.Ordinal);

        ExperimentPlan Of(string fields) => SpecCheck.Plan(
            SpecFile.Parse($"{{ \"name\": \"a\", \"preset\": \"super-resolve\", \"data\": \"low.zarr\", \"superResolve\": {{ {fields} }} }}", "spec", folder["."]),
            null,
            CancellationToken.None);
    }

    private static ExperimentPlan PlanOf(string fields, string shape = "[16, 64, 64]") =>
        SpecCheck.Plan(SpecFile.Parse($"{{ {Small.Replace("[16, 64, 64]", shape, StringComparison.Ordinal)}, {fields} }}", "spec", "/"), null, CancellationToken.None);

    private static string Text(ExperimentPlan plan) =>
        string.Join('\n', StageGraph.Stages(plan).Select(s => $"{s.Name}:{s.Kind} after {string.Join(' ', s.After)} {s.Arguments}".TrimEnd()));
}
