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
    private static readonly Lazy<string> Loaded = new(LoadAll);
    private static nint _cuda;

    /// <summary>The folder that libtorch is loaded from.</summary>
    /// <exception cref="InputException">It is nowhere, or it cannot be loaded.</exception>
    public static string Folder => Loaded.Value;

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

    private static string LoadAll()
    {
        var own = OwnFolder() ?? throw new InputException("libtorch is missing: run ./teravox build, or set " + FolderVariable + " to the folder torch/lib of an installed PyTorch");
        var folder = Environment.GetEnvironmentVariable(FolderVariable) is { Length: > 0 } asked ? asked : own;

        // Libraries find each other from where they lie, not from where a link to their folder does.
        folder = new DirectoryInfo(folder).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? folder;

        // Threads that spin while they wait starve the other silos of a machine. OpenMP reads this when it is loaded.
        SetEnvironment("OMP_WAIT_POLICY", "PASSIVE", overwrite: 0);
        foreach (var name in (string[])["libc10.so", "libtorch_cpu.so", "libtorch.so"])
            Load(Path.Combine(folder, name));

        // An installed PyTorch for GPUs has these; they find CUDA's own libraries from where they lie.
        foreach (var path in ((string[])["libc10_cuda.so", "libtorch_cuda.so"]).Select(name => Path.Combine(folder, name)).Where(File.Exists))
            _cuda = Load(path);
        Load(Path.Combine(own, Binding));
        return folder;
    }

    // Beside the program where it is published, else where the build has made it.
    private static string? OwnFolder()
    {
        var built = typeof(Libtorch).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().FirstOrDefault(a => a.Key == "LibtorchFolder")?.Value;
        return ((string?[])[Path.Combine(AppContext.BaseDirectory, "libtorch"), built]).FirstOrDefault(f => f is not null && File.Exists(Path.Combine(f, Binding)));
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

    // .NET keeps an environment of its own, which native libraries do not see.
    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironment(string name, string value, int overwrite);
}
