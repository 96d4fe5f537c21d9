// SPDX-License-Identifier: Apache-2.0
using System.Text.Json;
using Teravox.Contracts;

namespace Teravox.Volumes.Tests;

/// <summary>Blosc buffers between Teravox and numcodecs, which stands on c-blosc.</summary>
public sealed class BloscTests : IDisposable
{
    private static readonly string[] Codecs = ["lz4", "lz4hc", "zlib", "zstd", "blosclz", "snappy"];

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Decompress_WhenOthersPackedTheBytes_GivesThemBack()
    {
        Python.Run("write_bloscs.py", _folder.Root);
        var index = JsonSerializer.Deserialize<string[]>(File.ReadAllText(_folder.Path("index.json")), TeravoxJson.Compact)!;
        Assert.All((string[])["blosclz", "lz4", "lz4hc", "zlib", "zstd"], codec => Assert.Contains(index, name => name.StartsWith(codec + "-", StringComparison.Ordinal)));
        foreach (var name in index)
        {
            var expected = File.ReadAllBytes(_folder.Path(name + ".raw"));
            var bytes = new byte[expected.Length];
            Assert.True(BloscReader.Decompress(File.ReadAllBytes(_folder.Path(name + ".blosc")), bytes) is null, name);
            Assert.True(expected.AsSpan().SequenceEqual(bytes), $"{name} differs");
        }
    }

    [Fact]
    public void Compress_WhenOthersUnpackTheBuffer_TheyFindOurBytes()
    {
        var written = new Dictionary<string, byte[]>();
        foreach (var (compressor, typeSize, bytes) in Cases())
        {
            var name = $"b{written.Count}";
            var packed = new byte[BloscWriter.Bound(bytes.Length)];
            var length = BloscWriter.Compress(compressor, typeSize, bytes, packed);
            File.WriteAllBytes(_folder.Path(name + ".blosc"), packed[..length]);
            written[name] = bytes;
        }

        Python.Run("read_bloscs.py", _folder.Root);
        foreach (var (name, bytes) in written)
            Assert.True(bytes.AsSpan().SequenceEqual(File.ReadAllBytes(_folder.Path(name + ".read"))), $"numcodecs reads {name} differently");
    }

    [Fact]
    public void Compress_WhenUnpackedAgain_GivesTheSameBytesAndTheSameBuffer()
    {
        foreach (var (compressor, typeSize, bytes) in Cases())
        {
            var (packed, again, back) = (new byte[BloscWriter.Bound(bytes.Length)], new byte[BloscWriter.Bound(bytes.Length)], new byte[bytes.Length]);
            var length = BloscWriter.Compress(compressor, typeSize, bytes, packed);
            Assert.Equal(packed[..length], again[..BloscWriter.Compress(compressor, typeSize, bytes, again)]);
            Assert.Null(BloscReader.Decompress(packed.AsSpan(0, length), back));
            Assert.True(bytes.AsSpan().SequenceEqual(back), $"{compressor} of {bytes.Length} bytes in elements of {typeSize}");
        }
    }

    [Theory]
    [InlineData("zstd")]
    [InlineData("lz4")]
    [InlineData("zlib")]
    public void Compress_WhenBytesAreNoise_StoresThem(string codec)
    {
        var bytes = new byte[200_000];
        new Random(1).NextBytes(bytes);
        var packed = new byte[BloscWriter.Bound(bytes.Length)];
        Assert.Equal(packed.Length, BloscWriter.Compress(Compressor.Blosc(codec), 2, bytes, packed));
        Assert.Equal(bytes, packed[16..]);
    }

    [Fact]
    public void Compress_WhenCodecIsUnknown_SaysWhichThereAre()
    {
        var error = Assert.Throws<InputException>(() => BloscWriter.Compress(Compressor.Blosc("brotli"), 1, new byte[200], new byte[300]));
        Assert.Matches("brotli.*zstd", error.Message);
        Assert.Throws<ArgumentException>(() => BloscWriter.Compress(Compressor.Blosc(level: 10), 1, new byte[200], new byte[300]));
        Assert.Throws<ArgumentException>(() => BloscWriter.Compress(Compressor.Blosc(), 1, new byte[200], new byte[215]));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(8)]
    public void Shuffles_WhenComparedWithTheirDefinition_AreTheSame(int typeSize)
    {
        var random = new Random(typeSize);
        foreach (var count in (int[])[1, 7, 8, 16, 31, 32, 33, 40, 64, 72, 1000, 4096])
        {
            var bytes = new byte[(count * typeSize) + random.Next(typeSize)];
            random.NextBytes(bytes);
            var (shuffled, planes, back) = (new byte[bytes.Length], new byte[bytes.Length], new byte[bytes.Length]);
            ByteShuffle.Do(typeSize, bytes, shuffled);
            for (var i = 0; i < count * typeSize; i++)
                Assert.Equal(bytes[(i % count * typeSize) + (i / count)], shuffled[i]);
            ByteShuffle.Undo(typeSize, shuffled, back);
            Assert.Equal(bytes, back);

            BitShuffle.Do(typeSize, bytes, shuffled, planes);
            for (var i = 0; count % 8 == 0 && i < count * typeSize * 8; i++)
                Assert.Equal((bytes[(i % count * typeSize) + (i / count / 8)] >> (i / count % 8)) & 1, (shuffled[i / 8] >> (i % 8)) & 1);
            BitShuffle.Undo(typeSize, shuffled, back, planes);
            Assert.Equal(bytes, back);
        }
    }

    private static IEnumerable<(Compressor Compressor, int TypeSize, byte[] Bytes)> Cases()
    {
        foreach (var codec in Codecs)
        {
            foreach (var shuffle in Enum.GetValues<BloscShuffle>())
            {
                foreach (var (typeSize, length, level) in ((int, int, int)[])[(1, 1, 5), (2, 127, 5), (2, 500, 1), (1, 40_000, 1), (2, 40_001, 1), (2, 300_000, 5), (4, 70_007, 3), (20, 9_999, 9), (2, 5_000, 0)])
                    yield return (Compressor.Blosc(codec, level, shuffle), typeSize, Data.Smooth(new Int3(1, 1, length), VoxelType.UInt8, level));
            }
        }
    }
}
