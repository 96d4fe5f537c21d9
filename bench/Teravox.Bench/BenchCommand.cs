// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Text.Json;
using Teravox.Contracts;

namespace Teravox.Bench;

/// <summary>What every measuring command shares: one line for bad input, and the figures as JSON beside the table.</summary>
internal static class BenchCommand
{
    public static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static Option<string?> JsonFile() => new("--json") { Description = "Write the figures to this file, too." };

    public static Command Does(this Command command, Func<ParseResult, CancellationToken, Task<int>> action)
    {
        command.SetAction(async (result, ct) =>
        {
            try
            {
                return await action(result, ct);
            }
            catch (InputException e)
            {
                await Console.Error.WriteLineAsync($"teravox-bench: {e.Message.ReplaceLineEndings(" ").TrimEnd('.', ' ')}.");
                return 2;
            }
        });
        return command;
    }

    public static async Task SaveAsync(string? file, object figures, CancellationToken ct)
    {
        if (file is not null)
            await File.WriteAllTextAsync(file, JsonSerializer.Serialize(figures, Json) + "\n", ct);
    }
}
