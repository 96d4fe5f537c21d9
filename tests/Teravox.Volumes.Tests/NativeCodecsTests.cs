// SPDX-License-Identifier: Apache-2.0
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace Teravox.Volumes.Tests;

public sealed partial class NativeCodecsTests
{
    [Fact]
    public void Imports_WhenComparedWithTheHeader_AreTheSameFunctions()
    {
        var header = File.ReadAllText(Path.Combine(Repo.Root, "compute", "native", "include", "teravox_codecs.h"));
        var declared = Declaration().Matches(header).ToDictionary(static m => m.Groups[2].Value, static m => (Returns: m.Groups[1].Value.Trim(), Parameters: Parameters(m.Groups[3].Value)));
        var imported = typeof(NativeCodecs).GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)
            .Where(static m => m.Name.StartsWith("tvc_", StringComparison.Ordinal)).ToDictionary(static m => m.Name);
        // tvc_abi_version is called by pointer while the library is loaded.
        Assert.Equal(declared.Keys.Order(), imported.Keys.Append("tvc_abi_version").Order());
        foreach (var (name, method) in imported)
        {
            Assert.Equal(declared[name].Parameters, string.Join(", ", method.GetParameters().Select(static p => Native(p.ParameterType))));
            Assert.Equal(Kind(declared[name].Returns), Native(method.ReturnType));
        }

        Assert.Equal(32, Marshal.SizeOf<NativeCodecs.ImageInfo>());
    }

    [Fact]
    public void BuildInfo_WhenLoaded_NamesTheLibraries() => Assert.Matches("libpng 1.*blosc 1", NativeCodecs.BuildInfo());

    [Fact]
    public void Find_WhenTheLibraryIsMissing_SaysWhatToRun()
    {
        var error = Assert.Throws<DllNotFoundException>(() => NativeCodecs.Find("libteravox_nothing.so", "/nowhere", "/nowhere/else"));
        Assert.Contains("run ./teravox build", error.Message);
        Assert.Contains("/nowhere or /nowhere/else", error.Message);
    }

    private static string Parameters(string list) => string.Join(", ", list.Split(',').Select(static p => Kind(Name().Replace(p.Trim(), ""))).Where(static p => p != "void"));

    /// <summary>A C type as "pointer", "int32_t", ...; the name is off already.</summary>
    private static string Kind(string type) => type.Contains('*', StringComparison.Ordinal) ? "pointer" : type.Trim() == "tvc_status" ? "int32_t" : type.Trim();

    private static string Native(Type type) =>
        type.IsPointer || type == typeof(nint) || type == typeof(string) ? "pointer" : type == typeof(int) ? "int32_t" : type == typeof(long) ? "int64_t" : "void";

    [GeneratedRegex(@"TVC_API\s+([^;(]*?)(tvc_\w+)\(([^)]*)\)")]
    private static partial Regex Declaration();

    [GeneratedRegex(@"\w+$")]
    private static partial Regex Name();
}

/// <summary>The repository that the tests were built in.</summary>
internal static class Repo
{
    /// <summary>Its root: the folder with Cluster.sln.</summary>
    public static string Root { get; } = Find();

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Cluster.sln")))
                return folder.FullName;
        }

        throw new InvalidOperationException($"no Cluster.sln above {AppContext.BaseDirectory}");
    }
}
