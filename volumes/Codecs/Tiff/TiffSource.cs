// SPDX-License-Identifier: Apache-2.0
using Microsoft.Win32.SafeHandles;
using Teravox.Contracts;

namespace Teravox.Volumes;

/// <summary>The bytes of a TIFF: a file, of which only what is asked for is read, or memory that stays where it is.</summary>
internal sealed unsafe class TiffSource : IDisposable
{
    private readonly SafeFileHandle? _file;
    private readonly byte* _bytes;

    /// <summary>Opens a file.</summary>
    /// <exception cref="InputException">It cannot be opened.</exception>
    public TiffSource(string path)
    {
        try
        {
            _file = File.OpenHandle(path);
            Length = RandomAccess.GetLength(_file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            _file?.Dispose();
            throw new InputException($"{path}: cannot open the file: {e.Message}", e);
        }
    }

    public TiffSource(byte* bytes, long length)
    {
        _bytes = bytes;
        Length = length;
    }

    /// <summary>Bytes in all.</summary>
    public long Length { get; }

    /// <summary>Reads at an offset; false when not all of it lies within the source.</summary>
    public bool TryRead(long offset, Span<byte> into)
    {
        if (offset < 0 || into.Length > Length - offset)
            return false;
        if (_file is null)
        {
            new ReadOnlySpan<byte>(_bytes + offset, into.Length).CopyTo(into);
            return true;
        }

        for (var done = 0; done < into.Length;)
        {
            var read = RandomAccess.Read(_file, into[done..], offset + done);
            if (read == 0)
                return false;
            done += read;
        }

        return true;
    }

    public void Dispose() => _file?.Dispose();
}
