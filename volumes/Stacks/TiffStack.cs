// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Volumes;

/// <summary>The pages of one TIFF of any size; pages are read from the file when asked for.</summary>
internal sealed class TiffStack : ImageStack
{
    private readonly TiffFile _tiff;
    private readonly Lock _gate = new();

    public TiffStack(string path, StackLimits limits, StackUse use)
        : base(path, use)
    {
        _tiff = TiffFile.Open(path);
        try
        {
            var file = Path.GetFileName(path);
            string[] names = _tiff.PageCount == 1 ? [file] : [.. Enumerable.Range(0, _tiff.PageCount).Select(p => $"page {p} of {file}")];
            CheckHeaders(names, _tiff.Header, limits);
        }
        catch
        {
            _tiff.Dispose();
            throw;
        }
    }

    private protected override SliceImage Decode(int z)
    {
        lock (_gate)
            return _tiff.Read(z);
    }

    private protected override void Close()
    {
        lock (_gate)
            _tiff.Dispose();
    }
}
