// SPDX-License-Identifier: Apache-2.0
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Teravox.Compute.Interop;

namespace Teravox.Compute.Tests;

public sealed class HeaderTests
{
    private static readonly Header Declared = Header.Read();

    private static IEnumerable<MethodInfo> Imports =>
        typeof(NativeMethods).GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly);

    [Fact]
    public void Imports_WhenComparedWithTheHeader_AreTheSameFunctions()
    {
        var names = Imports.Select(static m => "tvx_" + Snake(m.Name)).Order().ToArray();
        Assert.Equal(Declared.Functions.Keys.Order(), names);
        Assert.True(names.Length > 30);
    }

    [Fact]
    public void Imports_WhenComparedWithTheHeader_HaveTheSameParameters()
    {
        foreach (var import in Imports)
        {
            var (returns, parameters) = Declared.Functions["tvx_" + Snake(import.Name)];
            Assert.Equal(returns, Kind(import.ReturnType));
            Assert.Equal(parameters, import.GetParameters().Select(static p => Kind(p.ParameterType)));
        }
    }

    [Fact]
    public void Imports_WhenTheLibraryIsBuilt_AreAllExported()
    {
        Native.Require();
        var library = NativeLibrary.Load(Path.Combine(AppContext.BaseDirectory, "libteravox.so"));
        Assert.All(Declared.Functions.Keys, name => Assert.True(NativeLibrary.TryGetExport(library, name, out _), name));
    }

    [Fact]
    public void Structs_WhenComparedWithTheHeader_HaveTheSameFields()
    {
        var managed = typeof(NativeMethods).Assembly.GetTypes()
            .Where(static t => t.IsValueType && t.Name.StartsWith("Tvx", StringComparison.Ordinal)).ToArray();
        Assert.Equal(Declared.Structs.Keys.Order(), managed.Select(static t => Snake(t.Name)).Order());
        foreach (var type in managed)
        {
            Assert.True(type.IsLayoutSequential);
            var fields = type.GetFields(BindingFlags.Public | BindingFlags.Instance).OrderBy(static f => f.MetadataToken);
            Assert.Equal(Declared.Structs[Snake(type.Name)], fields.Select(static f => (Snake(f.Name), SizeOf(f.FieldType))));
        }
    }

    [Fact]
    public void Constants_WhenComparedWithTheHeader_AreEqual()
    {
        var managed = typeof(NativeConstants).GetFields(BindingFlags.Public | BindingFlags.Static)
            .ToDictionary(static f => Snake(f.Name).ToUpperInvariant(), static f => (int)f.GetRawConstantValue()!);
        Assert.Equal(Declared.Constants.OrderBy(static c => c.Key), managed.OrderBy(static c => c.Key));
    }

    private static string Kind(Type type) =>
        type.IsPointer || type.IsByRef || type == typeof(string) || type == typeof(nint) || type.IsSubclassOf(typeof(SafeHandle)) ? "pointer"
        : type == typeof(int) ? "int32_t"
        : type == typeof(long) ? "int64_t"
        : type == typeof(ulong) ? "uint64_t"
        : type == typeof(void) ? "void"
        : type.Name;

    private static int SizeOf(Type type) =>
        type.IsPointer || type.IsFunctionPointer
            ? IntPtr.Size
            : (int)typeof(Unsafe).GetMethod(nameof(Unsafe.SizeOf))!.MakeGenericMethod(type).Invoke(null, null)!;

    private static string Snake(string name) =>
        string.Concat(name.Select((c, i) => char.IsUpper(c) && i > 0 ? "_" + char.ToLowerInvariant(c) : char.ToLowerInvariant(c).ToString()));
}
