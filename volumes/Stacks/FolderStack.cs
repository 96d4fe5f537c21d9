// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Volumes;

/// <summary>A folder of TIFF or PNG files with one image each, or a single PNG.</summary>
internal sealed class FolderStack : ImageStack
{
    private readonly List<string> _files;
    private readonly StackLimits _limits;

    public FolderStack(string path, StackLimits limits, StackUse use)
        : base(path, use)
    {
        _limits = limits;
        _files = Directory.Exists(path) ? FileNames.Sort(Directory.EnumerateFiles(path), path) : [path];
        CheckHeaders([.. _files.Select(static f => Path.GetFileName(f))], Header, limits);
    }

    private protected override SliceImage Decode(int z)
    {
        CheckLength(z);
        return ImageCodec.Decode(File.ReadAllBytes(_files[z]), _files[z]);
    }

    private ImageHeader Header(int z)
    {
        CheckLength(z);
        var (header, pages) = ImageCodec.PeekFile(_files[z]);
        return pages == 1 ? header : throw new InputException($"{_files[z]} has {pages} pages; " +
            "in a folder each file must be one slice");
    }

    private void CheckLength(int z)
    {
        var length = new FileInfo(_files[z]).Length;
        if (length > _limits.MaxFileBytes)
            throw new InputException($"{_files[z]} has {length} bytes; at most {_limits.MaxFileBytes} are read");
    }
}
