// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Bench;

/// <summary>The program that is measured.</summary>
internal static class TeravoxProgram
{
    /// <summary>Its path.</summary>
    /// <exception cref="InputException">It is not built.</exception>
    public static string Path()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var program = System.IO.Path.Combine(folder.FullName, "cli", "bin", "Release", "net10.0", "teravox.dll");
            if (File.Exists(program))
                return program;
        }

        throw new InputException("teravox is not built; run ./teravox build");
    }
}
