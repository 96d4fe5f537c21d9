// SPDX-License-Identifier: Apache-2.0
using Teravox.Cli.Remote;
using Teravox.Networks;

namespace Teravox.Cli.Doctor;

/// <summary>How a finding is.</summary>
internal enum FindingState
{
    /// <summary>As it must be.</summary>
    Ok,

    /// <summary>Teravox computes without it, but could do more with it.</summary>
    Missing,

    /// <summary>Teravox cannot compute.</summary>
    Broken,
}

/// <summary>One thing that was looked at.</summary>
/// <param name="State">How it is.</param>
/// <param name="What">What was looked at, in a word.</param>
/// <param name="Found">What was found, on one line.</param>
/// <param name="Mend">Commands that mend it: any one of them does.</param>
internal sealed record Finding(FindingState State, string What, string Found, IReadOnlyList<string> Mend);

/// <summary>What the facts mean, and what mends what is missing.</summary>
internal static class Findings
{
    private const string Build = "./teravox build";
    private const string BuildForCuda = "TERAVOX_TORCH=cuda ./teravox build";
    private const string InstallPyTorch = "python3 -m pip install 'torch>=2.10,<2.12'";
    private static readonly Version OldestNode = new(20, 19);

    /// <summary>All findings, in the order in which people read them.</summary>
    public static IReadOnlyList<Finding> Of(Facts facts) => [.. Machine(facts), Libtorch(facts), Nvidia(facts), .. facts.Trial.Devices.Select(Device), .. Rest(facts)];

    /// <summary>Names of the devices that can compute.</summary>
    public static IReadOnlyList<string> Devices(Facts facts) => [.. facts.Trial.Devices.Where(d => d.Trouble is null).Select(d => d.Name)];

    private static IEnumerable<Finding> Machine(Facts facts)
    {
        var units = facts.VectorUnits.Count > 0 ? string.Join(", ", facts.VectorUnits) : "neither AVX2 nor AVX-512: networks are slow";
        var processor = $"{facts.Processor}; cores: {facts.Cores}; {units}";
        yield return facts.IsX64
            ? Ok("processor", processor)
            : new(FindingState.Broken, "processor", processor + "; the native libraries are made for x86-64 alone", ["use a machine with an x86-64 processor"]);
        yield return Ok("memory", Human.Bytes(facts.MemoryBytes));
        yield return Ok(".NET", facts.DotNet);
    }

    private static Finding Libtorch(Facts facts)
    {
        if (facts.Trial.Trouble is { } trouble)
            return new(FindingState.Broken, "libtorch", facts.Torch is { } tried && !trouble.Contains(tried.Path, StringComparison.Ordinal) ? $"{trouble} (taken was the one {tried})" : trouble, MendLibtorch(facts));
        var torch = facts.Torch!;
        return Ok("libtorch", $"{facts.Trial.Version}, {(torch.HasCuda ? "with CUDA" : "for the CPU")}, {torch}");
    }

    private static IReadOnlyList<string> MendLibtorch(Facts facts) => facts.Torch?.Source switch
    {
        TorchSource.Variable => [$"unset {Networks.Libtorch.FolderVariable}", $"export {Networks.Libtorch.FolderVariable}=/path/to/torch/lib, of a PyTorch 2.10 or newer"],
        TorchSource.PyTorch => [InstallPyTorch + " --force-reinstall", BuildForCuda],
        _ when facts.CanBuild => [Build],
        _ => ["publish again: ./teravox build && dotnet publish cli/Teravox.Cli.csproj -c Release -o /opt/teravox"],
    };

    private static Finding Nvidia(Facts facts)
    {
        const string what = "NVIDIA";
        if (!facts.DriverIsHere)
        {
            return facts.CardIsHere
                ? Missing(what, "a card is here, its driver is not", "sudo apt-get install nvidia-driver, from non-free of Debian, and start the machine again")
                : Ok(what, "no card, no driver: networks run on the CPU");
        }

        var driver = $"driver {facts.DriverVersion ?? "of an unknown version"}";
        if (facts.Trial.Devices.Any(d => d.Name != "cpu"))
            return Ok(what, driver);
        if (!facts.CardCanBeReached)
            return Missing(what, $"{driver}, but no /dev/nvidia0: programs here cannot reach a card", "in a container: docker run --gpus all ...", "on the machine itself: sudo nvidia-modprobe -u -c=0");
        if (!facts.CudaLibraryIsHere)
            return Missing(what, $"{driver}, but no libcuda.so.1", "in a container: docker run --gpus all -e NVIDIA_DRIVER_CAPABILITIES=compute,utility ...", "on the machine itself: sudo apt-get install libcuda1, of the driver's version");
        if (facts.Torch is { HasCuda: false } torch)
            return Missing(what, $"{driver} and a card, but libtorch is for the CPU{(torch.PassedOver is { } why ? $": {why}" : "")}", [.. facts.CanBuild ? [BuildForCuda] : Array.Empty<string>(), InstallPyTorch, $"export {Networks.Libtorch.FolderVariable}=/path/to/torch/lib, of another PyTorch with CUDA"]);
        if (facts.Trial.Trouble is not null)
            return Ok(what, driver);
        return facts.VisibleDevices is { } visible
            ? Missing(what, $"{driver}, but libtorch finds no card: CUDA_VISIBLE_DEVICES={visible}", "unset CUDA_VISIBLE_DEVICES")
            : Missing(what, $"{driver}, but libtorch finds no card: the driver may be older than libtorch's CUDA needs", "nvidia-smi, which tells the newest CUDA that the driver knows; then a newer driver, or a PyTorch for that CUDA");
    }

    private static Finding Device(TriedDevice device)
    {
        var found = string.Join(", ", ((string?[])[device.Model, device.MemoryBytes > 0 ? Human.Bytes(device.MemoryBytes) : null]).OfType<string>());
        return device.Trouble is null
            ? Ok(device.Name, $"computes{(found.Length > 0 ? ": " + found : "")}")
            : Missing(device.Name, $"does not compute: {device.Trouble}", InstallPyTorch + ", of a build for this card", "./teravox ... --device cpu");
    }

    private static IEnumerable<Finding> Rest(Facts facts)
    {
        // A published program has its page, or was built without.
        if (facts.CanBuild)
        {
            yield return Version.TryParse(facts.Node, out var node) && node >= OldestNode
                ? Ok("Node.js", $"{facts.Node}, for building the web page")
                : Missing("Node.js", $"{facts.Node ?? "not here"}; the web page is built with {OldestNode} or newer", $"install Node.js {OldestNode} or newer from https://nodejs.org, then {Build}");
        }

        yield return facts.NoPostgres is null
            ? Ok("PostgreSQL", "here, for ./teravox cluster")
            : Missing("PostgreSQL", "not here; ./teravox cluster and tests start one", "sudo apt-get install --no-install-recommends postgresql");
    }

    private static Finding Ok(string what, string found) => new(FindingState.Ok, what, found, []);

    private static Finding Missing(string what, string found, params IReadOnlyList<string> mend) => new(FindingState.Missing, what, found, mend);
}
