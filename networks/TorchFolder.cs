// SPDX-License-Identifier: Apache-2.0
using System.Text.RegularExpressions;

namespace Teravox.Networks;

/// <summary>How a folder with libtorch was found.</summary>
public enum TorchSource
{
    /// <summary>It is the NuGet package that Teravox was built with.</summary>
    Package,

    /// <summary>The environment variable <see cref="Libtorch.FolderVariable"/> names it.</summary>
    Variable,

    /// <summary>It belongs to a PyTorch that is installed for python3.</summary>
    PyTorch,
}

/// <summary>A folder with libtorch, and how it was found.</summary>
/// <param name="Path">The folder.</param>
/// <param name="Source">How it was found.</param>
/// <param name="PassedOver">Where a card is here and the package is for the CPU: why no installed PyTorch was taken. Else null.</param>
public sealed partial record TorchFolder(string Path, TorchSource Source, string? PassedOver = null)
{
    /// <summary>The versions of PyTorch that are taken without being asked for: TorchSharp is made for the first, the second was tried.</summary>
    public const string Suitable = "2.10 and 2.11";

    // A folder named torch in the working folder is no PyTorch, so the search leaves out the working folder. Nothing is imported.
    private const string Search = """
        import sys, importlib.util
        sys.path = [p for p in sys.path if p]
        spec = importlib.util.find_spec('torch')
        print(list(spec.submodule_search_locations)[0] if spec else '')
        """;

    /// <summary>It computes on CUDA devices too.</summary>
    public bool HasCuda => File.Exists(System.IO.Path.Combine(Path, "libtorch_cuda.so"));

    /// <summary>The version as the files beside it tell, as 2.10.0+cu128; null when they do not.</summary>
    public string? Version
    {
        get
        {
            // An installed PyTorch has the first, an unpacked libtorch the second.
            var (python, plain) = (System.IO.Path.Combine(Path, "..", "version.py"), System.IO.Path.Combine(Path, "..", "build-version"));
            if (File.Exists(python) && PythonVersion().Match(File.ReadAllText(python)) is { Success: true } match)
                return match.Groups[1].Value;
            return File.Exists(plain) ? File.ReadAllText(plain).Trim() : null;
        }
    }

    /// <summary>Major and minor number of that version, or null.</summary>
    public Version? Release => LeadingNumbers().Match(Version ?? "") is { Success: true } match ? System.Version.Parse(match.Value) : null;

    /// <summary>Chooses: what the variable names, else the package. Where that is for the CPU and a driver is here, an installed PyTorch that suits.</summary>
    /// <param name="package">Folder of the package's libtorch.</param>
    /// <param name="named">What the variable says.</param>
    /// <param name="driverIsHere">Says whether NVIDIA's driver is here.</param>
    /// <param name="installed">Finds the folder of an installed PyTorch, or null. It is asked only where its answer counts.</param>
    public static TorchFolder Choose(string package, string? named, Func<bool> driverIsHere, Func<string?> installed)
    {
        if (named is { Length: > 0 })
            return new(named, TorchSource.Variable);
        var own = new TorchFolder(package, TorchSource.Package);
        if (own.HasCuda || !driverIsHere())
            return own;
        if (installed() is not { Length: > 0 } torch)
            return own with { PassedOver = "python3 has no PyTorch" };
        var found = new TorchFolder(System.IO.Path.Combine(torch, "lib"), TorchSource.PyTorch);
        if (!found.HasCuda)
            return own with { PassedOver = $"the PyTorch in {torch} is one for the CPU" };
        return found.Release is { Major: 2, Minor: 10 or 11 }
            ? found
            : own with { PassedOver = $"the PyTorch in {torch} is {found.Version ?? "of an unknown version"}; {Suitable} are taken without being asked for" };
    }

    /// <summary>The folder of the PyTorch that is installed for python3, or null.</summary>
    /// <param name="python">Name or path of python3.</param>
    public static string? Installed(string python = "python3") => ShortCommand.Answer(python, "-c", Search) is { Length: > 0 } folder ? folder : null;

    /// <inheritdoc/>
    public override string ToString() => Source switch
    {
        TorchSource.Variable => $"that {Libtorch.FolderVariable} names, {Path}",
        TorchSource.PyTorch => $"of the installed PyTorch, {Path}",
        _ => $"of the package, {Path}",
    };

    [GeneratedRegex("""^__version__ *= *['"]([^'"]+)['"]""", RegexOptions.Multiline)]
    private static partial Regex PythonVersion();

    [GeneratedRegex(@"^\d{1,4}\.\d{1,4}")]
    private static partial Regex LeadingNumbers();
}
