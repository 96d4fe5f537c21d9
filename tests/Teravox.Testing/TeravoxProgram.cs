// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Testing;

/// <summary>The program as it was built beside the tests.</summary>
public static class TeravoxProgram
{
    /// <summary>The repository's root.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>teravox.dll, of the configuration that this code was built in.</summary>
    /// <exception cref="InvalidOperationException">It is not built.</exception>
    public static string Path
    {
        get
        {
            var configuration = AppContext.BaseDirectory.Contains("/Debug/", StringComparison.Ordinal) ? "Debug" : "Release";
            var program = System.IO.Path.Combine(Root, "cli", "bin", configuration, "net10.0", "teravox.dll");
            return File.Exists(program) ? program : throw new InvalidOperationException($"{program} is missing; run ./teravox build");
        }
    }

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(System.IO.Path.Combine(folder.FullName, "Cluster.sln")))
                return folder.FullName;
        }

        throw new InvalidOperationException("the repository's root was not found above " + AppContext.BaseDirectory);
    }
}
