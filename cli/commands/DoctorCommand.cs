// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Text.Json;
using Teravox.Cli.Doctor;
using Teravox.Contracts;

namespace Teravox.Cli.Commands;

/// <summary>teravox doctor: what Teravox would compute with here, and what is missing.</summary>
internal static class DoctorCommand
{
    public static Command Make()
    {
        var json = Options.Json();
        var trial = new Option<bool>(Trial.Option) { Hidden = true };
        return new Command(
            "doctor",
            """
            Lists the processor, the memory, libtorch, NVIDIA's driver and the devices that compute, and says for each thing that is missing which command mends it. Ends with exit code 0 when Teravox can compute here, with 1 when not.

            Example:
              ./teravox doctor
            """)
        {
            json, trial,
        }.Does(async (r, ct) =>
        {
            if (r.GetValue(trial))
            {
                Trial.Do();
                return Guarded.Success;
            }

            var facts = await Facts.GatherAsync(ct);
            var (findings, devices) = (Findings.Of(facts), Findings.Devices(facts));
            if (r.GetValue(json))
                WriteJson(findings, devices);
            else
                Write(findings, devices);
            return devices.Count > 0 ? Guarded.Success : Guarded.Failed;
        });
    }

    private static void WriteJson(IReadOnlyList<Finding> findings, IReadOnlyList<string> devices)
    {
        foreach (var finding in findings)
            Console.Out.WriteLine(JsonSerializer.Serialize(finding, TeravoxJson.Compact));
        Console.Out.WriteLine(JsonSerializer.Serialize(new { canCompute = devices.Count > 0, devices }, TeravoxJson.Compact));
    }

    private static void Write(IReadOnlyList<Finding> findings, IReadOnlyList<string> devices)
    {
        foreach (var finding in findings)
        {
            Console.Out.WriteLine($"{finding.State.ToString().ToLowerInvariant(),-8} {finding.What,-11} {finding.Found}");
            foreach (var command in finding.Mend)
                Console.Out.WriteLine($"{"",-20} -> {command}");
        }

        Console.Out.WriteLine();
        Console.Out.WriteLine(Verdict(findings, devices));
    }

    private static string Verdict(IReadOnlyList<Finding> findings, IReadOnlyList<string> devices)
    {
        if (devices.Count == 0)
            return "Teravox cannot compute here.";
        if (findings.Any(f => f.State != FindingState.Ok && f.What.StartsWith("cuda:", StringComparison.Ordinal)))
            return $"Teravox can compute here, but not on every card: name devices, as with --device {devices[^1]}.";
        var cards = devices.Where(d => d != "cpu").ToList();
        return $"Teravox can compute here; a silo without --device takes {string.Join(", ", cards.Count > 0 ? cards : devices)}.";
    }
}
