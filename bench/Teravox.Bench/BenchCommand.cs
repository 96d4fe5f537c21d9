// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Globalization;
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

    /// <summary>The last line of a bench: how good the worst of its figures is beside its target; above 1 is better than the target.</summary>
    public static void PrintRatio(params IEnumerable<Target> targets) =>
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"ratio: {targets.Min(t => t.Ratio):F2}"));

    public static async Task SaveAsync(string? file, object figures, CancellationToken ct)
    {
        if (file is not null)
            await File.WriteAllTextAsync(file, JsonSerializer.Serialize(figures, Json) + "\n", ct);
    }
}

/// <summary>A figure beside its target.</summary>
/// <param name="What">What is measured, with its unit.</param>
/// <param name="Measured">The figure.</param>
/// <param name="Aim">The target.</param>
/// <param name="SmallIsGood">Whether the figure should stay below its target.</param>
internal sealed record Target(string What, double Measured, double Aim, bool SmallIsGood = false)
{
    /// <summary>Above 1: better than the target.</summary>
    public double Ratio => SmallIsGood ? Aim / Measured : Measured / Aim;

    /// <summary>Prints targets as a table.</summary>
    public static void Print(IReadOnlyList<Target> targets)
    {
        var table = new TextTable("target", "aim", "measured", "ratio");
        foreach (var t in targets)
            table.Add(t.What, (t.SmallIsGood ? "at most " : "at least ") + Text(t.Aim), Text(t.Measured), t.Ratio.ToString("F2", CultureInfo.InvariantCulture));
        table.Print();
    }

    private static string Text(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);
}
