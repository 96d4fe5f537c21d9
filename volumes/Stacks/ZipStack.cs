// SPDX-License-Identifier: Apache-2.0
using System.IO.Compression;
using Teravox.Contracts;

namespace Teravox.Volumes;

/// <summary>
/// A zip of TIFF or PNG files. Nothing is unpacked to the disk, so no name in it can lead anywhere; names that try
/// (absolute, "..") are refused all the same, as is what is encrypted, claims too much or unpacks to more than it claims.
/// </summary>
internal sealed class ZipStack : ImageStack
{
    private readonly ZipArchive _zip;
    private readonly List<ZipArchiveEntry> _entries;
    private readonly Lock _gate = new();

    public ZipStack(string path, StackLimits limits, StackUse use)
        : base(path, use)
    {
        FileStream? file = null;
        try
        {
            file = File.OpenRead(path);
            _zip = new ZipArchive(file, ZipArchiveMode.Read);
            _entries = Slices(limits);
            CheckClaims(limits);
            CheckHeaders([.. _entries.Select(static e => e.Name)], Header, limits);
        }
        catch (InvalidDataException e)
        {
            file?.Dispose();
            throw new InputException($"{path} is not a whole zip file: {e.Message}", e);
        }
        catch
        {
            file?.Dispose();
            throw;
        }
    }

    private protected override SliceImage Decode(int z) => ImageCodec.Decode(Unpack(z), Name(z));

    private protected override void Close()
    {
        lock (_gate)
            _zip.Dispose();
    }

    private string Name(int z) => $"{Source}/{_entries[z].FullName}";

    private List<ZipArchiveEntry> Slices(StackLimits limits)
    {
        var byName = new Dictionary<string, ZipArchiveEntry>(StringComparer.Ordinal);
        string? folder = null;
        foreach (var entry in _zip.Entries)
        {
            var name = entry.FullName.Replace('\\', '/');
            var parts = name.Split('/');
            if (name.StartsWith('/') || (name.Length > 1 && name[1] == ':') || parts.Contains(".."))
                throw new InputException($"{Source} holds an entry named \"{entry.FullName}\", which leads out of the archive; " +
                    "make the zip anew from the slices alone");
            if (parts[0] == "__MACOSX" || parts.Any(static p => p.StartsWith('.')) || !FileNames.IsSlice(name))
                continue;
            if (parts.Length > 2)
                throw new InputException($"{Source} holds {entry.FullName}, which lies deeper than one folder; " +
                    "put the slices at the top of the zip or into one folder");
            var parent = parts.Length == 2 ? parts[0] : "";
            folder ??= parent;
            if (parent != folder)
                throw new InputException($"{Source} holds slices in more than one folder (\"{folder}\" and \"{parent}\"); " +
                    "make one zip for each");
            if (entry.IsEncrypted)
                throw new InputException($"{Source}: {entry.FullName} is encrypted; make the zip anew without a password");
            if (!byName.TryAdd(name, entry))
                throw new InputException($"{Source} holds two entries named {entry.FullName}");
            if (byName.Count > limits.MaxSlices)
                throw new InputException($"{Source} holds more than {limits.MaxSlices} slices");
        }

        return [.. FileNames.Sort(byName.Keys, Source).Select(n => byName[n])];
    }

    private void CheckClaims(StackLimits limits)
    {
        // Counted in double: a made-up length near 2^63 must not overflow the sum.
        double unpacked = 0, packed = 0;
        foreach (var entry in _entries)
        {
            if (entry.Length < 0 || entry.Length > limits.MaxFileBytes)
                throw new InputException($"{Source}: {entry.FullName} unpacks to {entry.Length} bytes; " +
                    $"at most {limits.MaxFileBytes} are read");
            unpacked += entry.Length;
            packed += entry.CompressedLength;
        }

        if (unpacked > limits.MaxArchiveBytes)
            throw new InputException($"{Source} unpacks to {unpacked:0} bytes; at most {limits.MaxArchiveBytes} are read");
        if (unpacked > limits.ExpansionFloor && unpacked > packed * limits.MaxExpansion)
            throw new InputException($"{Source} unpacks to more than {limits.MaxExpansion:0} times its size " +
                $"({packed:0} to {unpacked:0} bytes); unpack it yourself if you trust it and give the folder");
    }

    private ImageHeader Header(int z)
    {
        var bytes = Unpack(z);
        var pages = ImageCodec.PageCount(bytes, Name(z));
        return pages == 1 ? ImageCodec.Peek(bytes, Name(z)) : throw new InputException($"{Name(z)} has {pages} pages; " +
            "in a zip each file must be one slice");
    }

    /// <summary>The entry's bytes: exactly as many as it claims, or an error.</summary>
    private byte[] Unpack(int z)
    {
        lock (_gate)
        {
            var entry = _entries[z];
            try
            {
                using var stream = entry.Open();
                using var memory = new MemoryStream();
                // Grows with what is really there, so that a false claim does not take the memory at once.
                var block = new byte[1 << 20];
                for (int read; (read = stream.Read(block)) > 0;)
                {
                    if (memory.Length + read > entry.Length)
                        throw new InputException($"{Name(z)} unpacks to more than the {entry.Length} bytes it claims; " +
                            "the zip is damaged or made to do harm");
                    memory.Write(block, 0, read);
                }

                return memory.Length == entry.Length
                    ? memory.ToArray()
                    : throw new InputException($"{Name(z)} unpacks to {memory.Length} of {entry.Length} bytes; " +
                        "the zip is damaged");
            }
            catch (InvalidDataException e)
            {
                throw new InputException($"{Name(z)} cannot be unpacked: {e.Message}", e);
            }
        }
    }
}
