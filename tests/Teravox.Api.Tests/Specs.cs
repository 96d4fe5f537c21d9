// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;

namespace Teravox.Api.Tests;

/// <summary>Specs that are checked in no time and run in seconds.</summary>
internal static class Specs
{
    public static JsonElement Tiny(string name = "tiny", int iterations = 2, string data = """{"phantom": {"shape": [8, 32, 32], "seed": 1}}""") => JsonElement.Parse(
        $$"""
        {
          "name": "{{name}}", "seed": 1, "data": {{data}},
          "network": { "levels": 2, "fMaps": 4 },
          "training": { "iterations": {{iterations}}, "patch": [8, 16, 16], "checkpointEvery": 100 },
          "inference": { "tile": [8, 16, 16] }, "storage": { "chunk": [8, 16, 16] }
        }
        """);

    public static object Submit(string name = "tiny", int iterations = 2) => new { spec = Tiny(name, iterations) };
}
