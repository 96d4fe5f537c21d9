// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.IO.Compression;

namespace Teravox.EndToEnd.Tests;

/// <summary>A finished small experiment and the stack it was made from, for tests that need something to spoil.</summary>
public sealed class FinishedExperiment : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();

    /// <summary>The labelled stack: raw/, labels/, classes.json.</summary>
    public string Stack => _folder["stack"];

    /// <summary>The experiment's folder.</summary>
    public string Out => _folder["out"];

    /// <summary>Its model.</summary>
    public string Model => Path.Combine(Out, "models", "multiclass.safetensors");

    /// <summary>Its spec.</summary>
    public string Spec => _folder["spec.json"];

    /// <summary>The run itself, as people would type it.</summary>
    public string[] Command(string stack, string outDir) => ["run", Spec, "--set", "data=" + stack, "--out", outDir, "--threads", "2"];

    public async ValueTask InitializeAsync()
    {
        await File.WriteAllTextAsync(
            Spec,
            """
            {
              "name": "small",
              "data": "stack",
              "network": { "levels": 2, "fMaps": 4 },
              "training": { "iterations": 20, "patch": [8, 16, 16], "learningRate": 0.003 }
            }
            """);
        (await TeravoxProcess.RunAsync("phantom", "--shape", "12,40,44", "--seed", "3", "--out", Stack)).MustSucceed();
        (await TeravoxProcess.RunAsync(Command(Stack, Out))).MustSucceed();
    }

    public ValueTask DisposeAsync()
    {
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }
}

/// <summary>Bad input gets one clear error and an exit code that is not 0, and earlier results stay as they were.</summary>
public sealed class BadInputTests(FinishedExperiment finished) : IClassFixture<FinishedExperiment>
{
    [Fact]
    public async Task Run_WhenATiffIsTruncated_NamesIt()
    {
        using var folder = Copy(out var stack);
        var victim = Path.Combine(stack, "raw", "0005.tif");
        var bytes = await File.ReadAllBytesAsync(victim, TestContext.Current.CancellationToken);
        await File.WriteAllBytesAsync(victim, bytes[..(bytes.Length / 2)], TestContext.Current.CancellationToken);
        await MustRefuseAsync(folder, finished.Command(stack, folder["out"]), "0005.tif");
    }

    [Fact]
    public async Task Run_WhenASliceDiffersInSize_NamesIt()
    {
        using var folder = Copy(out var stack);
        (await TeravoxProcess.RunAsync("phantom", "--shape", "8,40,40", "--out", folder["other"])).MustSucceed();
        File.Copy(Path.Combine(folder["other"], "raw", "0000.tif"), Path.Combine(stack, "raw", "0003.tif"), overwrite: true);
        await MustRefuseAsync(folder, finished.Command(stack, folder["out"]), "0003.tif", "40");
    }

    [Fact]
    public async Task Run_WhenALabelValueIsNotInTheMap_NamesValueAndSlice()
    {
        using var folder = Copy(out var stack);
        var map = Path.Combine(stack, "classes.json");
        var text = await File.ReadAllTextAsync(map, TestContext.Current.CancellationToken);
        Assert.Contains("\"name\": \"membrane\"", text, StringComparison.Ordinal);
        await File.WriteAllTextAsync(
            map,
            text.Replace("\"name\": \"membrane\"", "\"values\": [77], \"name\": \"membrane\"", StringComparison.Ordinal).Replace("\"values\": [3],", "", StringComparison.Ordinal),
            TestContext.Current.CancellationToken);
        await MustRefuseAsync(folder, finished.Command(stack, folder["out"]), "value 3", ".png");
    }

    [Fact]
    public async Task Run_WhenTheFolderIsEmpty_SaysSo()
    {
        using var folder = Copy(out var stack);
        foreach (var file in Directory.GetFiles(Path.Combine(stack, "raw")))
            File.Delete(file);
        await MustRefuseAsync(folder, finished.Command(stack, folder["out"]), "raw");
    }

    [Fact]
    public async Task Segment_WhenAZipNamesAFileOutsideItself_IsRefused()
    {
        using var folder = new TemporaryFolder();
        using (var zip = ZipFile.Open(folder["evil.zip"], ZipArchiveMode.Create))
        {
            zip.CreateEntryFromFile(Path.Combine(finished.Stack, "raw", "0000.tif"), "0000.tif");
            zip.CreateEntryFromFile(Path.Combine(finished.Stack, "raw", "0001.tif"), "../0001.tif");
        }

        await MustRefuseAsync(folder, ["segment", folder["evil.zip"], "--model", finished.Model, "--out", folder["out"]], "../0001.tif");
        Assert.False(File.Exists(folder["0001.tif"]));
    }

    [Fact]
    public async Task Run_WhenTheSpecHasAnUnknownField_NamesItsPath()
    {
        using var folder = new TemporaryFolder();
        await MustRefuseAsync(
            folder,
            [.. finished.Command(finished.Stack, folder["out"]), "--set", "training.iteratoins=5"],
            "training.iteratoins",
            "iterations");
    }

    [Fact]
    public async Task Score_WhenTheModelIsForOtherClasses_SaysWhich()
    {
        using var folder = new TemporaryFolder();
        var map = await File.ReadAllTextAsync(Path.Combine(finished.Stack, "classes.json"), TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(folder["other.json"], map.Replace("membrane", "cell wall", StringComparison.Ordinal), TestContext.Current.CancellationToken);
        await MustRefuseAsync(
            folder,
            [
                "score", Path.Combine(finished.Out, "probabilities.zarr"),
                "--labels", Path.Combine(finished.Stack, "labels"), "--classes", folder["other.json"], "--model", finished.Model,
            ],
            "other classes",
            "cell wall");
    }

    [Fact]
    public async Task Segment_WhenTheModelIsNoModel_NamesIt()
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder["model.safetensors"], "not a model", TestContext.Current.CancellationToken);
        await MustRefuseAsync(
            folder,
            ["segment", Path.Combine(finished.Stack, "raw"), "--model", folder["model.safetensors"], "--out", folder["out"]],
            "model.safetensors");
    }

    [Theory]
    [InlineData("no such file", "table4, table5, table6", "run", "tabel5")]
    [InlineData("data: missing", "--set data=FOLDER", "run", "table5")]
    [InlineData("data: missing", "--set data=FOLDER", "run", "source-paper")]
    [InlineData("preset=train", "the campaign's grid sets preset", "run", "source-paper", "--quick", "--set", "preset=train")]
    [InlineData("training.iterations", "must be 1 or more", "run", "source-paper", "--quick", "--set", "training.iterations=0")]
    public async Task Run_WhenASpecThatShipsIsNotRight_SaysWhatToDo(string problem, string remedy, params string[] command)
    {
        using var folder = new TemporaryFolder();
        await MustRefuseAsync(folder, [.. command, "--out", folder["out"]], problem, remedy);
    }

    [Fact]
    public async Task Run_WhenTheFolderHoldsAnExperiment_StartsNoCampaignThere()
    {
        using var folder = new TemporaryFolder();
        await MustRefuseAsync(folder, ["run", "source-paper", "--quick", "--out", finished.Out], finished.Out, "holds an experiment");
        Directory.CreateDirectory(folder["campaign/.teravox"]);
        await File.WriteAllTextAsync(folder["campaign/campaign.json"], "{}", TestContext.Current.CancellationToken);
        await MustRefuseAsync(folder, finished.Command(finished.Stack, folder["campaign"]), "holds a campaign");
        await MustRefuseAsync(folder, ["run", "source-paper", "--quick", "--out", folder["campaign"]], "another campaign");
    }

    [Fact]
    public async Task Run_WhenTheFolderHoldsAnotherExperiment_LeavesItAlone()
    {
        using var folder = new TemporaryFolder();
        await MustRefuseAsync(folder, [.. finished.Command(finished.Stack, finished.Out), "--set", "training.iterations=21"], finished.Out);
    }

    [Fact]
    public async Task Run_WhenTheDiskIsFull_SaysSoAndGoesOnWithMoreRoom()
    {
        using var folder = new TemporaryFolder();
        Prerequisite.Require(await MountAsync(folder["disk"], "600k"), "the right to mount a tmpfs");
        try
        {
            var command = finished.Command(finished.Stack, Path.Combine(folder["disk"], "out"));
            await MustRefuseAsync(folder, command, "is full", untouchedOnly: true);
            Assert.Equal(0, await ShellAsync("mount", "-o", "remount,size=64m", folder["disk"]));
            (await TeravoxProcess.RunAsync(command)).MustSucceed();
            Results.MustEqual(finished.Out, Path.Combine(folder["disk"], "out"));
        }
        finally
        {
            await ShellAsync("umount", folder["disk"]);
        }
    }

    private async Task MustRefuseAsync(TemporaryFolder folder, string[] command, params string[] named) =>
        await MustRefuseAsync(folder, command, named, untouchedOnly: false);

    private Task MustRefuseAsync(TemporaryFolder folder, string[] command, string named, bool untouchedOnly) =>
        MustRefuseAsync(folder, command, [named], untouchedOnly);

    private async Task MustRefuseAsync(TemporaryFolder folder, string[] command, string[] named, bool untouchedOnly)
    {
        var before = Results.Of(finished.Out);
        (await TeravoxProcess.RunAsync(command)).MustRefuse(named);
        var after = Results.Of(finished.Out);
        Assert.Equal(before.Keys, after.Keys);
        Assert.All(before, f => Assert.True(f.Value.AsSpan().SequenceEqual(after[f.Key]), f.Key + " was changed"));
        if (!untouchedOnly)
            Assert.False(Directory.Exists(folder["out"]), "something was written before the check ended");
    }

    private TemporaryFolder Copy(out string stack)
    {
        var folder = new TemporaryFolder();
        stack = folder["stack"];
        foreach (var file in Directory.EnumerateFiles(finished.Stack, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(stack, Path.GetRelativePath(finished.Stack, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }

        return folder;
    }

    private static async Task<bool> MountAsync(string folder, string size)
    {
        Directory.CreateDirectory(folder);
        return await ShellAsync("mount", "-t", "tmpfs", "-o", "size=" + size, "tmpfs", folder) == 0;
    }

    private static async Task<int> ShellAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return process.ExitCode;
    }
}
