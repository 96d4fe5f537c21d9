// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Teravox.Contracts;
using Teravox.Networks;
using TorchSharp;

namespace Teravox.Cli.Doctor;

/// <summary>A device that was tried.</summary>
/// <param name="Name">cpu, cuda:0 ...</param>
/// <param name="Model">Name of the card; null for the CPU, and where nvidia-smi does not tell.</param>
/// <param name="MemoryBytes">Its memory, bytes; 0 when unknown.</param>
/// <param name="Trouble">Why it cannot compute, or null.</param>
internal sealed record TriedDevice(string Name, string? Model, long MemoryBytes, string? Trouble);

/// <summary>
/// libtorch loaded, and a convolution on every device. It runs in a process of its own: a broken library may end the process that loads it.
/// </summary>
/// <param name="Version">Version of libtorch; null when it does not load.</param>
/// <param name="Devices">The devices that libtorch finds.</param>
/// <param name="Trouble">Why libtorch does not load, or null.</param>
internal sealed record Trial(string? Version, IReadOnlyList<TriedDevice> Devices, string? Trouble)
{
    /// <summary>Name of the hidden option by which a process is told to do the trial.</summary>
    public const string Option = "--trial";

    /// <summary>Longest wait: the first use of a card loads its libraries from a disk that may be slow.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    /// <summary>Does the trial in this process, and writes its outcome as one line of JSON.</summary>
    public static void Do() => Console.Out.WriteLine(JsonSerializer.Serialize(Outcome(), TeravoxJson.Compact));

    /// <summary>Has another process do the trial.</summary>
    public static async Task<Trial> RunAsync(CancellationToken ct)
    {
        var start = new ProcessStartInfo(ChildProgram.Command[0], [.. ChildProgram.Command.Skip(1), "doctor", Option]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        patience.CancelAfter(Patience);
        try
        {
            var error = process.StandardError.ReadToEndAsync(patience.Token);
            var output = await process.StandardOutput.ReadToEndAsync(patience.Token);
            await process.WaitForExitAsync(patience.Token);
            var outcome = output.Split('\n').LastOrDefault(line => line.StartsWith('{'));
            return process.ExitCode == 0 && outcome is not null
                ? JsonSerializer.Deserialize<Trial>(outcome, TeravoxJson.Compact)!
                : Failed($"a process that loads it ends with {End(process.ExitCode)}{Reason(await error)}");
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            ct.ThrowIfCancellationRequested();
            return Failed(string.Create(CultureInfo.InvariantCulture, $"it did not compute within {Patience.TotalMinutes} minutes"));
        }
    }

    private static Trial Failed(string trouble) => new(null, [], trouble);

    private static string End(int code) => string.Create(CultureInfo.InvariantCulture, $"{(code > 128 ? "signal" : "exit code")} {code % 128}");

    private static string Reason(string error) => error.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).FirstOrDefault() is { } line ? ": " + line : "";

    // Whatever goes wrong is what is asked for, so every exception is an answer.
    private static Trial Outcome()
    {
        try
        {
            Libtorch.Use(1);
            IEnumerable<string> names = ["cpu", .. Enumerable.Range(0, Networks.Devices.CudaCount).Select(i => string.Create(CultureInfo.InvariantCulture, $"cuda:{i}"))];
            return new Trial(Libtorch.Version.ToString(), [.. names.Select((name, i) => Try(name, i - 1))], null);
        }
        catch (Exception e)
        {
            return Failed(Line(e));
        }
    }

    private static TriedDevice Try(string name, int card)
    {
        var (model, memory) = card < 0 ? (null, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes) : (CudaMemory.ModelOf(card), CudaMemory.BytesOf(card));
        try
        {
            using var scope = torch.NewDisposeScope();
            var device = torch.device(name);
            var sum = torch.nn.functional.conv3d(torch.ones([1, 1, 4, 4, 4], device: device), torch.ones([1, 1, 3, 3, 3], device: device)).sum().item<float>();
            return new TriedDevice(name, model, memory, sum == 216 ? null : string.Create(CultureInfo.InvariantCulture, $"a convolution gives {sum} instead of 216"));
        }
        catch (Exception e)
        {
            return new TriedDevice(name, model, memory, Line(e));
        }
    }

    // The linker's messages name every folder that it looked in, and libtorch's have a native stack: the first line with text says what is wrong.
    private static string Line(Exception e) => e.GetBaseException().Message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).FirstOrDefault() ?? e.GetType().Name;
}
