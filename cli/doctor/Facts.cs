// SPDX-License-Identifier: Apache-2.0
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using Teravox.Contracts;
using Teravox.Networks;
using Teravox.Silo.Local;

namespace Teravox.Cli.Doctor;

/// <summary>What is here, of all that counts for computing.</summary>
internal sealed record Facts
{
    /// <summary>Name of the processor's model.</summary>
    public required string Processor { get; init; }

    /// <summary>Cores that this process may use.</summary>
    public required int Cores { get; init; }

    /// <summary>Vector units of the processor that libtorch makes use of, as AVX2.</summary>
    public required IReadOnlyList<string> VectorUnits { get; init; }

    /// <summary>The processor is one that the native libraries are made for.</summary>
    public required bool IsX64 { get; init; }

    /// <summary>Memory that this process may use, bytes.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>Version of .NET.</summary>
    public required string DotNet { get; init; }

    /// <summary>The folder that libtorch is loaded from; null when there is none.</summary>
    public required TorchFolder? Torch { get; init; }

    /// <summary>What became of loading it.</summary>
    public required Trial Trial { get; init; }

    /// <summary>The machine has a card of NVIDIA.</summary>
    public required bool CardIsHere { get; init; }

    /// <summary>NVIDIA's driver is loaded.</summary>
    public required bool DriverIsHere { get; init; }

    /// <summary>The driver lets programs of here reach a card.</summary>
    public required bool CardCanBeReached { get; init; }

    /// <summary>The driver's library for CUDA, libcuda.so.1, is where programs find it.</summary>
    public required bool CudaLibraryIsHere { get; init; }

    /// <summary>Version of the driver, or null.</summary>
    public required string? DriverVersion { get; init; }

    /// <summary>What CUDA_VISIBLE_DEVICES says, or null.</summary>
    public required string? VisibleDevices { get; init; }

    /// <summary>This is a folder with the sources, and can build.</summary>
    public required bool CanBuild { get; init; }

    /// <summary>Version of Node.js, or null.</summary>
    public required string? Node { get; init; }

    /// <summary>Why ./teravox cluster finds no PostgreSQL, or null.</summary>
    public required string? NoPostgres { get; init; }

    /// <summary>Looks around. Libraries are loaded in another process.</summary>
    public static async Task<Facts> GatherAsync(CancellationToken ct)
    {
        var driver = new NvidiaDriver();
        return new Facts
        {
            Processor = ProcessorModel(),
            Cores = Environment.ProcessorCount,
            VectorUnits = [.. Units().Where(u => u.Supported).Select(u => u.Name)],
            IsX64 = RuntimeInformation.ProcessArchitecture == Architecture.X64,
            MemoryBytes = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes,
            DotNet = Environment.Version.ToString(),
            Torch = ChosenTorch(),
            Trial = await Trial.RunAsync(ct),
            CardIsHere = driver.CardIsHere,
            DriverIsHere = driver.IsHere,
            CardCanBeReached = driver.HasDeviceFile,
            CudaLibraryIsHere = driver.IsHere && NativeLibrary.TryLoad("libcuda.so.1", out _),
            DriverVersion = driver.Version,
            VisibleDevices = Environment.GetEnvironmentVariable("CUDA_VISIBLE_DEVICES"),
            CanBuild = !Directory.Exists(Path.Combine(AppContext.BaseDirectory, "libtorch")),
            Node = ShortCommand.Answer("node", "--version")?.TrimStart('v'),
            NoPostgres = PrivatePostgres.WhyMissing(),
        };
    }

    private static IEnumerable<(string Name, bool Supported)> Units() => [("AVX2", Avx2.IsSupported), ("AVX-512", Avx512F.IsSupported)];

    private static TorchFolder? ChosenTorch()
    {
        try
        {
            return Libtorch.Chosen;
        }
        catch (InputException)
        {
            // The trial tells the same in words.
            return null;
        }
    }

    private static string ProcessorModel() => File.Exists("/proc/cpuinfo") && File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal)) is { } line
        ? line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim()
        : RuntimeInformation.ProcessArchitecture.ToString();
}
