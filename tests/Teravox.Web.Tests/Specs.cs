// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Teravox.Contracts.Api;

namespace Teravox.Web.Tests;

/// <summary>Specs that run in seconds, and one that runs until it is stopped.</summary>
internal static class Specs
{
    public const int Depth = 16, Side = 64, ChunkDepth = 8, ChunkSide = 16;

    /// <summary>One multiclass network beside one for each class, with scores; a volume of 2 x 4 x 4 chunks.</summary>
    public static SubmitExperiment Scored(string name, int seed = 7, int iterations = 40) => Of(
        $$"""
        {
          "name": "{{name}}", "preset": "table4", "seed": {{seed}}, "data": { "phantom": { "shape": [{{Depth}}, {{Side}}, {{Side}}], "seed": {{seed}} } },
          "network": { "levels": 2, "fMaps": 4 },
          "training": { "iterations": {{iterations}}, "patch": [8, 32, 32], "learningRate": 0.003, "balancedSampling": 0.5, "checkpointEvery": 20 },
          "binaryIterations": 4,
          "inference": { "tile": [16, 32, 32] }, "storage": { "chunk": [{{ChunkDepth}}, {{ChunkSide}}, {{ChunkSide}}] }
        }
        """);

    /// <summary>One network that has learnt enough, on a volume that is large enough, for something to be seen.</summary>
    public static SubmitExperiment Seen(string name) => Of(
        $$"""
        {
          "name": "{{name}}", "seed": 7, "data": { "phantom": { "shape": [48, 128, 128], "seed": 11 } },
          "network": { "levels": 2, "fMaps": 8 },
          "training": { "iterations": 500, "patch": [16, 48, 48], "learningRate": 0.003, "balancedSampling": 0.5, "checkpointEvery": 500 },
          "inference": { "tile": [32, 64, 64] }, "storage": { "chunk": [16, 64, 64] }
        }
        """);

    /// <summary>Trains for longer than any test waits.</summary>
    public static SubmitExperiment Endless(string name) => Of(
        $$"""
        {
          "name": "{{name}}", "seed": 5, "data": { "phantom": { "shape": [8, 32, 32], "seed": 1 } },
          "network": { "levels": 2, "fMaps": 4 },
          "training": { "iterations": 1000000, "patch": [8, 16, 16], "checkpointEvery": 100 },
          "inference": { "tile": [8, 16, 16] }, "storage": { "chunk": [8, 16, 16] }
        }
        """);

    /// <summary>Trains one network on a folder of sections, for as long as it takes to see that it can.</summary>
    public static SubmitExperiment Of(string name, string folder) => Of(
        $$"""
        {
          "name": "{{name}}", "seed": 5, "data": "{{folder}}",
          "network": { "levels": 2, "fMaps": 4 },
          "training": { "iterations": 2, "patch": [4, 16, 16] },
          "inference": { "tile": [4, 32, 32] }, "storage": { "chunk": [4, 32, 32] }
        }
        """);

    /// <summary>Two values of two fields: four experiments, of seconds each.</summary>
    public static NewCampaign Grid(string name) => new()
    {
        Name = name,
        Spec = JsonElement.Parse(
            """
            {
              "seed": 3, "data": { "phantom": { "shape": [8, 32, 32], "seed": 2 } },
              "network": { "levels": 2, "fMaps": 4 },
              "training": { "iterations": 8, "patch": [4, 16, 16], "learningRate": 0.01 },
              "inference": { "tile": [8, 16, 16] }, "storage": { "chunk": [8, 16, 16] }
            }
            """),
        Grid = new Dictionary<string, IReadOnlyList<JsonElement>>
        {
            ["training.iterations"] = Values("8", "16"),
            ["network.fMaps"] = Values("2", "4"),
        },
    };

    /// <summary>More experiments than a page of a list has, all of which wait for a silo that is never there.</summary>
    public static NewCampaign Crowd(string name, int experiments) => new()
    {
        Name = name,
        Spec = JsonElement.Parse(
            """
            {
              "seed": 3, "data": { "phantom": { "shape": [8, 16, 16], "seed": 2 } }, "needs": { "tag": "rack=none" },
              "network": { "levels": 2, "fMaps": 2 },
              "training": { "patch": [4, 16, 16] },
              "inference": { "tile": [8, 16, 16] }, "storage": { "chunk": [8, 16, 16] }
            }
            """),
        Grid = new Dictionary<string, IReadOnlyList<JsonElement>> { ["training.iterations"] = [.. Enumerable.Range(1, experiments).Select(i => JsonSerializer.SerializeToElement(i))] },
    };

    private static IReadOnlyList<JsonElement> Values(params string[] values) => [.. values.Select(v => JsonElement.Parse(v))];

    private static SubmitExperiment Of(string spec) => new() { Spec = JsonElement.Parse(spec) };
}
