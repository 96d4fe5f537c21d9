// SPDX-License-Identifier: Apache-2.0
using System.Reflection;
using System.Runtime.InteropServices;
using Teravox.Contracts;
using TorchSharp;

namespace Teravox.Networks;

/// <summary>
/// The native libraries below TorchSharp. They are loaded by their paths before TorchSharp asks for them by name: one folder serves all
/// programs, and only a process that computes loads it.
/// </summary>
public static partial class Libtorch
{
    /// <summary>Environment variable that names another folder with libtorch, as that of an installed PyTorch.</summary>
    public const string FolderVariable = "TERAVOX_LIBTORCH";

    private const string Binding = "libLibTorchSharp.so";
    private static readonly Version Oldest = new(2, 10);
    private static readonly Lazy<TorchFolder> Found = new(() => TorchFolder.Choose(
        Own, Environment.GetEnvironmentVariable(FolderVariable), () => new NvidiaDriver().IsHere, () => TorchFolder.Installed()));
    private static readonly Lazy<(string Folder, Version Version)> Loaded = new(LoadAll);
    private static nint _cuda;

    /// <summary>The folder that libtorch is loaded from.</summary>
    /// <exception cref="InputException">It is nowhere, or it cannot be loaded.</exception>
    public static string Folder => Loaded.Value.Folder;

    /// <summary>Version of the libtorch that is loaded. TorchSharp tells only the one that it was made for.</summary>
    /// <exception cref="InputException">It is nowhere, or it cannot be loaded.</exception>
    public static Version Version => Loaded.Value.Version;

    /// <summary>The folder that libtorch is or will be loaded from, and how it was found. Asking loads nothing.</summary>
    /// <exception cref="InputException">Nothing is where the build makes it.</exception>
    public static TorchFolder Chosen => Found.Value;

    /// <summary>That folder in words, with why an installed PyTorch was passed over; "is missing" where there is none. Asking loads nothing.</summary>
    public static string Description
    {
        get
        {
            try
            {
                return Chosen.PassedOver is { } why ? $"{Chosen}, for the CPU ({why}; ./teravox doctor tells more)" : Chosen.ToString();
            }
            catch (InputException)
            {
                return "is missing";
            }
        }
    }

    // Where the build has made it, or beside a published program.
    private static string Own => OwnFolder() ?? throw new InputException("libtorch is missing: run ./teravox build");

    /// <summary>Its part for GPUs, as a handle of the system; 0 where it has none.</summary>
    internal static nint CudaLibrary => Folder.Length > 0 ? _cuda : 0;

    /// <summary>Loads it, once in a process, and has it use so many threads for one operation.</summary>
    /// <param name="threads">1 or more.</param>
    /// <exception cref="InputException">It is nowhere, or it cannot be loaded.</exception>
    public static void Use(int threads)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(threads, 1);
        _ = Folder;
        if (torch.get_num_threads() != threads)
            torch.set_num_threads(threads);
    }

    private static (string Folder, Version Version) LoadAll()
    {
        var own = Own;
        var chosen = Chosen;
        var folder = chosen.Path;
        if (!File.Exists(Path.Combine(folder, "libtorch_cpu.so")))
        {
            throw new InputException(chosen.Source == TorchSource.Variable
                ? $"{FolderVariable}: no libtorch_cpu.so is in {folder}; name the folder torch/lib of an installed PyTorch"
                : $"libtorch is missing: no libtorch_cpu.so is in {folder}; run ./teravox build, or set {FolderVariable} to the folder torch/lib of an installed PyTorch");
        }

        // Libraries find each other from where they lie, not from where a link to their folder does.
        folder = new DirectoryInfo(folder).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? folder;

        // Threads that spin while they wait starve the other silos of a machine. OpenMP reads this when it is loaded.
        SetEnvironment("OMP_WAIT_POLICY", "PASSIVE", overwrite: 0);
        Load(Path.Combine(folder, "libc10.so"));
        var version = VersionOf(Load(Path.Combine(folder, "libtorch_cpu.so"))) ?? chosen.Release;

        // Calls that an older one lacks would end the process.
        if (version is null || version < Oldest)
            throw new InputException($"libtorch {version?.ToString() ?? "of an unknown version"} in {folder} does not suit: {Oldest} or newer is needed");
        Load(Path.Combine(folder, "libtorch.so"));

        // An installed PyTorch for GPUs has these; they find CUDA's own libraries from where they lie.
        foreach (var path in ((string[])["libc10_cuda.so", "libtorch_cuda.so"]).Select(name => Path.Combine(folder, name)).Where(File.Exists))
            _cuda = Load(path);
        Load(Path.Combine(own, Binding));
        return (folder, version);
    }

    // Beside the program where it is published, else where the build has made it, with CUDA or without.
    private static string? OwnFolder()
    {
        var built = typeof(Libtorch).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().FirstOrDefault(a => a.Key == "LibtorchFolder")?.Value;
        return ((string?[])[Path.Combine(AppContext.BaseDirectory, "libtorch"), built + "-cuda", built]).FirstOrDefault(f => f is not null && File.Exists(Path.Combine(f, Binding)));
    }

    private static nint Load(string path)
    {
        try
        {
            return NativeLibrary.Load(path);
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            throw new InputException($"libtorch cannot be loaded: {e.Message}");
        }
    }

    // Of PyTorch's C interface for compiled models: a byte each for major, minor and patch, from the highest. Older ones have no such call.
    private static unsafe Version? VersionOf(nint library)
    {
        if (!NativeLibrary.TryGetExport(library, "aoti_torch_abi_version", out var call))
            return null;
        var version = ((delegate* unmanaged<ulong>)call)();
        return new((int)(version >> 56), (int)(version >> 48) & 0xFF, (int)(version >> 40) & 0xFF);
    }

    // .NET keeps an environment of its own, which native libraries do not see.
    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironment(string name, string value, int overwrite);
}
