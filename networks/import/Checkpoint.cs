// SPDX-License-Identifier: Apache-2.0
using System.IO.Compression;
using System.Text;
using Teravox.Contracts;

namespace Teravox.Networks;

/// <summary>
/// A file of torch.save: a zip with data.pkl, which tells of the tensors, and one record for every storage. Records lie in it as they are,
/// so what is read is never larger than the file.
/// </summary>
internal sealed class Checkpoint : IDisposable
{
    /// <summary>The pickle of a state dict of a thousand tensors takes about 100 KB.</summary>
    private const int MostPickle = 16 << 20;

    private const string DataParallel = "module.";

    private readonly string _path;
    private readonly long _bytes;
    private readonly ZipArchive _zip;
    private readonly string _folder;
    private readonly Dictionary<string, byte[]> _storages = new(StringComparer.Ordinal);

    private Checkpoint(string path, FileStream file)
    {
        (_path, _bytes) = (path, file.Length);
        RequireMagic(file);
        try
        {
            _zip = new ZipArchive(file, ZipArchiveMode.Read);
            _folder = _zip.Entries.Count > 0 ? _zip.Entries[0].FullName.Split('/')[0] : "";
        }
        catch (InvalidDataException e)
        {
            throw Refused($"is a damaged checkpoint: {e.Message}");
        }

        if (_zip.GetEntry(_folder + "/byteorder") is not null && Encoding.ASCII.GetString(Record("byteorder", MostPickle)) != "little")
            throw Refused("was saved on a big-endian machine, which is not read");
    }

    /// <exception cref="InputException">The file cannot be opened or is no such zip.</exception>
    public static Checkpoint Open(string path)
    {
        FileStream? file = null;
        try
        {
            file = File.OpenRead(path);
            return new Checkpoint(path, file);
        }
        catch (Exception e)
        {
            file?.Dispose();
            if (e is IOException or UnauthorizedAccessException or NotSupportedException)
                throw new InputException($"{path} cannot be opened: {e.Message}");
            throw;
        }
    }

    /// <summary>
    /// The tensors by their names in pytorch-3dunet: those of the trainer's "model_state_dict", the usual "state_dict", or the file itself.
    /// All of them lie inside their storages.
    /// </summary>
    /// <exception cref="InputException">There are none, or one makes no sense.</exception>
    public IReadOnlyDictionary<string, PickledTensor> Tensors()
    {
        var index = Record("data.pkl", MostPickle);
        object? root;
        try
        {
            root = Pickle.Load(index);
        }
        catch (InputException e)
        {
            throw Refused("cannot be read: " + e.Message);
        }

        if (root is not PickledDict dict)
            throw Refused("holds no dict, so no checkpoint");
        dict = ((string[])["model_state_dict", "state_dict", "model"]).Select(dict.Find).OfType<PickledDict>().FirstOrDefault() ?? dict;
        var tensors = new Dictionary<string, PickledTensor>(StringComparer.Ordinal);
        long bytes = 0;
        foreach (var (key, value) in dict.Entries)
        {
            if (key is not string text || value is not PickledTensor tensor)
                continue;
            var name = text.StartsWith(DataParallel, StringComparison.Ordinal) ? text[DataParallel.Length..] : text;
            if (!tensors.TryAdd(name, tensor))
                throw Refused($"has tensor {name} twice");
            var format = NumberFormat.Of(tensor.Storage.Type, name, Refused);
            var room = Entry("data/" + tensor.Storage.Key, int.MaxValue).Length;
            if (room / format.Bytes != tensor.Storage.Count || room % format.Bytes != 0)
                throw Refused($"tensor {name} has a storage of the wrong length");
            bytes += RequireInside(name, tensor) * format.Bytes;
            if (bytes > _bytes)
                throw Refused("tells of more numbers than it has room for");
        }

        return tensors.Count > 0 ? tensors : throw Refused("holds no network: no tensors stand under model_state_dict or at the top");
    }

    /// <summary>A tensor as a network's file holds it: contiguous, float32 or int64.</summary>
    /// <exception cref="InputException">Its numbers are missing or damaged.</exception>
    public StoredTensor Read(string name, PickledTensor tensor)
    {
        var format = NumberFormat.Of(tensor.Storage.Type, name, Refused);
        if (!_storages.TryGetValue(tensor.Storage.Key, out var storage))
            _storages[tensor.Storage.Key] = storage = Record("data/" + tensor.Storage.Key, int.MaxValue);
        return new StoredTensor(name, format.NetworkType, tensor.Sizes, format.Gather(storage, tensor));
    }

    public void Dispose() => _zip.Dispose();

    private InputException Refused(string why) => new($"{_path} {why}");

    private void RequireMagic(FileStream file)
    {
        Span<byte> magic = stackalloc byte[4];
        if (file.ReadAtLeast(magic, magic.Length, throwOnEndOfStream: false) < magic.Length)
            throw Refused("is not a PyTorch checkpoint, it has fewer than 4 bytes");
        if (magic[0] == 0x80)
            throw Refused("was saved in PyTorch's old format (before 1.6); load it in PyTorch and torch.save it again");
        if (!magic.SequenceEqual("PK\x03\x04"u8))
            throw Refused("is not a PyTorch checkpoint");
        file.Position = 0;
    }

    private ZipArchiveEntry Entry(string name, int most)
    {
        var entry = _zip.GetEntry($"{_folder}/{name}") ?? throw Refused($"is not a PyTorch checkpoint, it has no {name}");
        if (entry.Length > Math.Min(most, _bytes))
            throw Refused($"has a record {name} of {entry.Length} bytes, so it is no checkpoint of a network");
        if (entry.Length != entry.CompressedLength)
            throw Refused($"has a compressed record {name}, which torch.save never writes");
        return entry;
    }

    private byte[] Record(string name, int most)
    {
        var entry = Entry(name, most);
        try
        {
            using var stream = entry.Open();
            var bytes = new byte[entry.Length];
            stream.ReadExactly(bytes);
            return Crc32.Of(bytes) == entry.Crc32 ? bytes : throw Refused($"is a damaged checkpoint: {name} has another checksum than its own");
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException)
        {
            throw Refused($"is a damaged checkpoint, {name} cannot be read: {e.Message}");
        }
    }

    // The farthest element must lie in the storage; every step of the sum is checked against it. Returns the number of elements.
    private long RequireInside(string name, PickledTensor tensor)
    {
        var elements = tensor.Storage.Count;
        var (farthest, count) = (tensor.Offset, 1L);
        if (farthest < 0 || farthest >= elements)
            throw Outside();
        foreach (var (size, stride) in tensor.Sizes.Zip(tensor.Strides))
        {
            if (size < 1 || stride < 0)
                throw Refused($"tensor {name} has a size or stride that makes no sense");
            if (size > elements || (size > 1 && stride > elements / (size - 1)))
                throw Outside();

            // Nothing overflows: the product is at most the elements, and those are no more than the file has bytes.
            farthest += (size - 1) * stride;
            count = size > elements / count ? throw Outside() : count * size;
            if (farthest >= elements)
                throw Outside();
        }

        return count;

        InputException Outside() => Refused($"tensor {name} lies outside its storage");
    }
}
