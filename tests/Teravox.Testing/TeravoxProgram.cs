// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Testing;

/// <summary>The program as it was built beside the tests.</summary>
public static class TeravoxProgram
{
    /// <summary>The repository's root.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>Further arguments of every silo, for tests of another host.</summary>
    public static IReadOnlyList<string> SiloArguments { get; set; } = [];

    /// <summary>The program in the folder of its project, relative to the root; for tests of another host.</summary>
    public static (string Folder, string File) Project { get; set; } = ("cli", "teravox.dll");

    /// <summary>teravox.dll, of the configuration that this code was built in.</summary>
    /// <exception cref="InvalidOperationException">It is not built.</exception>
    public static string Path
    {
        get
        {
            var configuration = AppContext.BaseDirectory.Contains("/Debug/", StringComparison.Ordinal) ? "Debug" : "Release";
            var program = System.IO.Path.Combine(Root, Project.Folder, "bin", configuration, "net10.0", Project.File);
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
