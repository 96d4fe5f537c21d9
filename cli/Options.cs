// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Globalization;
using Teravox.Contracts;

namespace Teravox.Cli;

/// <summary>Options that several commands share.</summary>
internal static class Options
{
    public static Option<bool> Json() => new("--json") { Description = "Write JSON for machines, one object a line." };

    public static Option<string> Device() => new("--device")
    {
        Description = "cpu, cuda:0, ... or auto: the first GPU where there is one.",
        DefaultValueFactory = _ => "auto",
    };

    public static Option<int> Threads() => new("--threads")
    {
        Description = "Threads for computing on the CPU.",
        DefaultValueFactory = _ => Environment.ProcessorCount,
    };

    public static Option<string> Out(string description, string? value = null)
    {
        var option = new Option<string>("--out", "-o") { Description = description, Required = value is null };
        if (value is not null)
            option.DefaultValueFactory = _ => value;
        return option;
    }

    public static Option<string[]> Set() => new("--set")
    {
        Description = "Overrides a field of the spec, as in training.iterations=500; may be given often.",
        AllowMultipleArgumentsPerToken = false,
        DefaultValueFactory = _ => [],
    };

    public static Option<bool> Quick() => new("--quick")
    {
        Description = "In small, on a phantom, in a minute or so: the settings of specs/quick.set.json are laid over the spec, and those of --set over them.",
    };

    public static Option<string[]> Cors() => new("--cors")
    {
        Description = "Origin of a viewer served elsewhere, as https://viewer.example.org, that may read the views' OME-Zarr; may be given often.",
        DefaultValueFactory = _ => [],
    };

    public static Option<int> PageUpload() => new("--page-upload-mb")
    {
        Description = "Most MiB that the web page lets its user upload.",
        DefaultValueFactory = _ => 200,
    };

    /// <summary>The option's MiB, checked.</summary>
    /// <exception cref="InputException">Not 1..1048576, which is the largest upload.</exception>
    public static int CheckPageUpload(int mebibytes) =>
        mebibytes is >= 1 and <= 1 << 20 ? mebibytes : throw new InputException($"--page-upload-mb {mebibytes}: must be 1..{1 << 20}.");

    /// <summary>"Z,Y,X".</summary>
    /// <exception cref="InputException">Not three whole numbers.</exception>
    public static Int3 ParseShape(string text, string option)
    {
        var parts = text.Split(',', 'x');
        if (parts.Length == 3 && parts.All(p => int.TryParse(p, NumberStyles.None, CultureInfo.InvariantCulture, out _)))
        {
            var v = parts.Select(p => int.Parse(p, CultureInfo.InvariantCulture)).ToArray();
            return new Int3(v[0], v[1], v[2]);
        }

        throw new InputException($"{option} {text}: expected three whole numbers Z,Y,X, as in {option} 32,256,256.");
    }

    /// <summary>The option's threads, checked.</summary>
    /// <exception cref="InputException">Below 1.</exception>
    public static int CheckThreads(int threads) =>
        threads is >= 1 and <= 1024 ? threads : throw new InputException($"--threads {threads}: must be 1..1024.");
}
