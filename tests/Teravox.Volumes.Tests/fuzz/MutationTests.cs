// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using Teravox.Contracts;

namespace Teravox.Volumes.Tests;

/// <summary>Every reader of files takes mutants: <see cref="Mutants"/>. None takes more memory than the size of the file allows.</summary>
public sealed class MutationTests : IDisposable
{
    /// <summary>
    /// What a byte of a file may make a reader take, and what it may take at any rate: it may unpack to so many bytes, with eight pixels in
    /// each, and strips take memory too before they are pixels.
    /// </summary>
    private const long BytesForByte = (8 + 2) * ImageLimits.MostShrinking, BytesAtAnyRate = 1 << 20;

    /// <summary>Chunks that claim to be larger are not read: a volume may say up to a GiB.</summary>
    private const long MostChunkBytes = 1 << 20;

    private static readonly OmeOptions Small = new()
    {
        Shape = new Int3(5, 11, 19),
        Chunk = new Int3(4, 8, 16),
        Type = VoxelType.UInt16,
        VoxelSize = new VoxelSize(40, 4, 4),
    };

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("write_tiffs.py", "tiff", "*.tif", 21)]
    [InlineData("write_pngs.py", "png", "*.png", 22)]
    public void Decode_WhenFileIsMutated_ThrowsInputExceptionOnly(string script, string kind, string pattern, int seed)
    {
        Python.Run(script, _folder.Root);
        var files = Files(pattern).Where(static f => f.Length < 20_000).ToArray();
        Assert.True(files.Length > 10, $"only {files.Length} small files");
        new Mutants(kind, seed).Run(files, Changes.OfBytes, DecodeImage);
    }

    [Theory]
    [InlineData("tiff")]
    [InlineData("png")]
    public void Decode_WhenFileIsOfTheCorpus_ThrowsInputExceptionOnly(string kind) => new Mutants(kind, 0).Replay(DecodeImage);

    [Fact]
    public void Decompress_WhenBufferIsMutated_SaysSoOrUnpacks()
    {
        var buffers = new List<byte[]>();
        foreach (var codec in (string[])["lz4", "zlib", "zstd"])
        {
            foreach (var shuffle in Enum.GetValues<BloscShuffle>())
            {
                var bytes = Data.Smooth(new Int3(1, 1, 40_000), VoxelType.UInt16, buffers.Count);
                var packed = new byte[BloscWriter.Bound(bytes.Length)];
                buffers.Add(packed[..BloscWriter.Compress(Compressor.Blosc(codec, 1, shuffle), 2, bytes, packed)]);
            }
        }

        // The codecs that are only read: as numcodecs wrote them.
        Python.Run("write_bloscs.py", _folder.Root);
        buffers.AddRange(Files("*-2-1000.blosc"));
        new Mutants("blosc", 23, CodecAndShuffle).Run(buffers, Changes.OfBytes, Decompress);
    }

    [Fact]
    public void Decompress_WhenBufferIsOfTheCorpus_SaysSoOrUnpacks() => new Mutants("blosc", 0).Replay(Decompress);

    [Fact]
    public void Open_WhenMetadataAreMutated_ThrowsInputExceptionOnly()
    {
        foreach (var (kind, file) in (ReadOnlySpan<(string, string)>)[("zarray", "s0/.zarray"), ("zattrs", ".zattrs")])
        {
            MakeVolume(Compressor.Default);
            var sound = File.ReadAllBytes(_folder.Path("v.zarr", file));
            new Mutants(kind, 24).Run([sound], Changes.OfJson, mutant => OpenWith(file, mutant));
        }
    }

    [Theory]
    [InlineData("zarray", "s0/.zarray")]
    [InlineData("zattrs", ".zattrs")]
    public void Open_WhenMetadataAreOfTheCorpus_ThrowsInputExceptionOnly(string kind, string file)
    {
        MakeVolume(Compressor.Default);
        new Mutants(kind, 0).Replay(mutant => OpenWith(file, mutant));
    }

    [Fact]
    public void Read_WhenChunkIsMutated_ThrowsInputExceptionOnly()
    {
        var volumes = MakeVolumes();
        var sound = volumes.Select(static v => File.ReadAllBytes(ChunkOf(v))).ToArray();
        new Mutants("chunk", 25, CompressorOf).Run(sound, Changes.OfBytes, mutant => ReadChunk(volumes, mutant));
    }

    [Fact]
    public void Read_WhenChunkIsOfTheCorpus_ThrowsInputExceptionOnly()
    {
        var volumes = MakeVolumes();
        new Mutants("chunk", 0).Replay(mutant => ReadChunk(volumes, mutant));
    }

    private static void DecodeImage(byte[] mutant)
    {
        // Half of them with right checksums, so that what is behind these is tried.
        if (mutant.Length % 2 == 0)
            MendChecksums(mutant);
        var pages = 0;
        Limited(mutant.Length * BytesForByte, () => pages = ImageCodec.PageCount(mutant, "mutant"));
        for (var page = 0; page < Math.Min(pages, 3); page++)
        {
            Limited(mutant.Length * BytesForByte, () => ImageCodec.Peek(mutant, "mutant", page));
            Limited(mutant.Length * BytesForByte, () => ImageCodec.Decode(mutant, "mutant", page));
        }
    }

    private static void Decompress(byte[] mutant)
    {
        // Half of them with the size right, to get beyond the header.
        if (mutant.Length >= 16 && mutant[^1] % 2 == 0)
            BinaryPrimitives.WriteInt32LittleEndian(mutant.AsSpan(12), mutant.Length);
        var size = mutant.Length >= 16 ? BinaryPrimitives.ReadInt32LittleEndian(mutant.AsSpan(4)) : 0;
        var target = new byte[Math.Clamp(size, 0, 1 << 20)];
        Limited(4 * target.Length, () =>
        {
            if (BloscReader.Decompress(mutant, target) is { } problem)
                throw new InputException(problem);
        });
    }

    private void OpenWith(string file, byte[] mutant)
    {
        File.WriteAllBytes(_folder.Path("v.zarr", file), mutant);
        OmeVolume? volume = null;
        Limited(mutant.Length * BytesForByte, () => volume = OmeVolume.Open(_folder.Path("v.zarr")));
        if (volume!.Chunk.Count * volume.Type.Bytes() <= MostChunkBytes)
            volume.Read(new Box3(default, new Int3(1, 1, 1)), new byte[volume.Type.Bytes()]);
    }

    private static int CodecAndShuffle(byte[] buffer) => buffer.Length > 2 ? buffer[2] & 0xe5 : -1;

    /// <summary>Which of <see cref="MakeVolumes"/> a chunk seems to be of.</summary>
    private static int CompressorOf(byte[] chunk) => chunk.Length == 0 ? 0 : chunk[0] switch { 0x78 => 1, 0x1f => 2, 2 => 3, _ => 0 };

    /// <summary>Gives a mutant to every compressor, since its file does not say which it had.</summary>
    private static void ReadChunk(OmeVolume[] volumes, byte[] mutant)
    {
        var refused = new InputException?[volumes.Length];
        var box = new Box3(default, Small.Chunk);
        var voxels = new byte[Small.Chunk.Count * 2];
        for (var i = 0; i < volumes.Length; i++)
        {
            var volume = volumes[i];
            File.WriteAllBytes(ChunkOf(volume), mutant);
            try
            {
                Limited(4 * voxels.Length, () => volume.Read(box, voxels));
            }
            catch (InputException e)
            {
                refused[i] = e;
            }
        }

        if (!Array.Exists(refused, static e => e is null))
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(refused[CompressorOf(mutant)]!);
    }

    private OmeVolume[] MakeVolumes() => [.. ((Compressor[])[Compressor.None, Compressor.Zlib(), new(CompressorKind.Gzip, "", 1, BloscShuffle.None), Compressor.Default]).Select(MakeVolume)];

    private OmeVolume MakeVolume(Compressor compressor)
    {
        var path = _folder.Path(compressor == Compressor.Default ? "v.zarr" : $"{compressor.Kind}.zarr");
        if (Directory.Exists(path))
            Directory.Delete(path, recursive: true);
        var volume = OmeVolume.Create(path, Small with { Compressor = compressor });
        volume.Write(Box3.Whole(Small.Shape), Data.Smooth(Small.Shape, Small.Type, 3));
        return OmeVolume.Open(path);
    }

    private static string ChunkOf(OmeVolume volume) => Path.Combine(volume.Path, "s0", "0", "0", "0");

    private IEnumerable<byte[]> Files(string pattern) => Directory.GetFiles(_folder.Root, pattern).Order(StringComparer.Ordinal).Select(File.ReadAllBytes);

    /// <summary>Makes the checksums of a PNG's chunks right.</summary>
    private static void MendChecksums(byte[] file)
    {
        if (!file.AsSpan().StartsWith(PngChunks.Signature))
            return;
        for (var at = 8L; at + 12 <= file.Length;)
        {
            var length = BinaryPrimitives.ReadUInt32BigEndian(file.AsSpan((int)at));
            if (at + 12 + length > file.Length)
                return;
            var body = file.AsSpan((int)at + 4, (int)length + 4);
            BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan((int)(at + 8 + length)), Crc32.Of(body));
            at += 12 + length;
        }
    }

    private static void Limited(long bytes, Action read)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            read();
        }
        finally
        {
            var taken = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(taken < bytes + BytesAtAnyRate, $"{taken} bytes were taken where {bytes} are allowed");
        }
    }
}
