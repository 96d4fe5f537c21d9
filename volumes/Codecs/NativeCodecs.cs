// SPDX-License-Identifier: Apache-2.0
using System.Reflection;
using System.Runtime.InteropServices;
using Teravox.Contracts;

namespace Teravox.Volumes;

/// <summary>
/// The calls of libteravox_codecs (compute/native/include/teravox_codecs.h). The library is looked for in the
/// directory that TERAVOX_NATIVE_DIR names, then beside the program.
/// </summary>
internal static unsafe partial class NativeCodecs
{
    /// <summary>Names the directory of the native libraries when they are not beside the program.</summary>
    public const string DirectoryVariable = "TERAVOX_NATIVE_DIR";

    public const int MaxPalette = 256;

    private const string Library = "teravox_codecs";
    private const int AbiVersion = 1;

    private const int Ok = 0;
    private const int BadArgument = 100;
    private const int NoMemory = 300;
    private const int Internal = 900;

    static NativeCodecs()
    {
        NativeLibrary.SetDllImportResolver(typeof(NativeCodecs).Assembly, Resolve);
    }

    /// <summary>tvc_image_info.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct ImageInfo
    {
        public int Width;
        public int Height;
        public int Kind;
        public int Bits;
        public int PaletteCount;
        public int Reserved;
        public long PixelBytes;
    }

    /// <summary>The most bytes that this many bytes can take when packed.</summary>
    public static int BloscBound(int bytes) => checked((int)tvc_blosc_bound(bytes));

    /// <summary>
    /// Packs; returns the number of bytes in <paramref name="packed"/>, which has room for <see cref="BloscBound"/>.
    /// </summary>
    public static int BloscCompress(Compressor compressor, int typeSize, ReadOnlySpan<byte> bytes, Span<byte> packed)
    {
        long written;
        fixed (byte* from = bytes, to = packed)
        {
            var (codec, level, shuffle) = (compressor.Codec, compressor.Level, (int)compressor.Shuffle);
            Check(tvc_blosc_compress(codec, level, shuffle, typeSize, from, bytes.Length, to, packed.Length, &written), "compressor blosc");
        }

        return (int)written;
    }

    /// <summary>Unpacks exactly <paramref name="bytes"/>.Length bytes; returns what is wrong, or null.</summary>
    public static string? BloscDecompress(ReadOnlySpan<byte> packed, Span<byte> bytes)
    {
        fixed (byte* from = packed, to = bytes)
        {
            // An empty span is a null pointer, which the library takes for a mistake of the caller.
            if (packed.IsEmpty)
                return "it is empty";
            var status = tvc_blosc_decompress(from, packed.Length, to, bytes.Length);
            if (status is BadArgument or NoMemory or Internal)
                throw Failure(status, "compressor blosc");
            return status == Ok ? null : LastError();
        }
    }

    /// <summary>Throws unless the status is OK: <see cref="InputException"/> for what a file can cause.</summary>
    /// <param name="status">A tvc_status.</param>
    /// <param name="name">What was read or written, for the message.</param>
    public static void Check(int status, string name)
    {
        if (status != Ok)
            throw Failure(status, name);
    }

    private static Exception Failure(int status, string name)
    {
        var text = $"{name}: {LastError()}";
        return status switch
        {
            BadArgument => new ArgumentException(text),
            NoMemory => new InsufficientMemoryException(text),
            Internal => new InvalidOperationException(text),
            _ => new InputException(text),
        };
    }

    private static string LastError() => Marshal.PtrToStringUTF8((nint)tvc_last_error()) ?? "";

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path)
    {
        if (name != Library)
            return 0;
        var file = OperatingSystem.IsWindows() ? "teravox_codecs.dll" : OperatingSystem.IsMacOS() ? "libteravox_codecs.dylib" : "libteravox_codecs.so";
        var directory = Environment.GetEnvironmentVariable(DirectoryVariable);
        string[] places = string.IsNullOrEmpty(directory) ? [AppContext.BaseDirectory] : [directory, AppContext.BaseDirectory];
        return Find(file, places);
    }

    /// <summary>Loads the library from the first of these directories that has it.</summary>
    /// <exception cref="DllNotFoundException">None has it, or it is another version; says what to run.</exception>
    internal static nint Find(string file, params string[] places)
    {
        foreach (var place in places)
        {
            var candidate = Path.Combine(place, file);
            if (File.Exists(candidate))
                return Checked(NativeLibrary.Load(candidate), candidate);
        }

        throw new DllNotFoundException($"{file} was not found in {string.Join(" or ", places)}: " +
            $"run ./teravox build, or set {DirectoryVariable} to its directory");
    }

    private static nint Checked(nint handle, string file)
    {
        var version = ((delegate* unmanaged<int>)NativeLibrary.GetExport(handle, "tvc_abi_version"))();
        return version == AbiVersion
            ? handle
            : throw new DllNotFoundException($"{file} has interface version {version} instead of {AbiVersion}: " +
                "run ./teravox build");
    }

    [LibraryImport(Library)]
    private static partial byte* tvc_last_error();

    [LibraryImport(Library)]
    private static partial byte* tvc_build_info();

    /// <summary>One line: the library and the versions of libtiff, libpng and blosc.</summary>
    public static string BuildInfo() => Marshal.PtrToStringUTF8((nint)tvc_build_info()) ?? "";

    [LibraryImport(Library)]
    private static partial long tvc_blosc_bound(long size);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int tvc_blosc_compress(
        string codec, int level, int shuffle, int type_size, byte* bytes, long size, byte* packed, long capacity, long* packed_size);

    [LibraryImport(Library)]
    private static partial int tvc_blosc_decompress(byte* packed, long packed_size, byte* bytes, long size);

    [LibraryImport(Library)]
    public static partial int tvc_tiff_open_memory(byte* bytes, long size, nint* tiff);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int tvc_tiff_open_file(string path, nint* tiff);

    [LibraryImport(Library)]
    public static partial void tvc_tiff_close(nint tiff);

    [LibraryImport(Library)]
    public static partial int tvc_tiff_page_count(nint tiff);

    [LibraryImport(Library)]
    public static partial int tvc_tiff_page_info(nint tiff, int page, ImageInfo* info);

    [LibraryImport(Library)]
    public static partial int tvc_tiff_read_page(nint tiff, int page, byte* pixels, long size, uint* palette);

    [LibraryImport(Library)]
    public static partial int tvc_png_info(byte* bytes, long size, long file_size, ImageInfo* info);

    [LibraryImport(Library)]
    public static partial int tvc_png_read(byte* bytes, long size, byte* pixels, long pixels_size, uint* palette);

    [LibraryImport(Library)]
    public static partial byte* tvc_buffer_data(nint buffer);

    [LibraryImport(Library)]
    public static partial long tvc_buffer_size(nint buffer);

    [LibraryImport(Library)]
    public static partial void tvc_buffer_free(nint buffer);

    [LibraryImport(Library)]
    public static partial int tvc_png_write(ImageInfo* info, byte* pixels, uint* palette, nint* buffer);

    [LibraryImport(Library)]
    public static partial int tvc_tiff_write(ImageInfo* info, byte* pixels, uint* palette, int deflate, nint* buffer);
}
