// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;

namespace Teravox.Volumes.Tests;

/// <summary>
/// Sound files, changed at random by a seed, given to every reader: bad input is an <see cref="Contracts.InputException"/> and nothing
/// worse, and takes no more memory than the size of the file allows. The budget is a number of mutants, some seconds' worth.
/// </summary>
public sealed class MutationTests : IDisposable
{
    /// <summary>Mutants for each kind of file.</summary>
    private const int Budget = 4000;

    /// <summary>What a byte of a file may make a reader take, and what it may take at any rate.</summary>
    private const long BytesForByte = 4 * ImageLimits.MostShrinking, BytesAtAnyRate = 1 << 20;

    private static readonly uint[] Interesting = [0, 1, 7, 255, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff];

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("write_tiffs.py", "*.tif", 21)]
    [InlineData("write_pngs.py", "*.png", 22)]
    public void Decode_WhenFileIsMutated_ThrowsInputExceptionOnly(string script, string pattern, int seed)
    {
        Python.Run(script, _folder.Root);
        var files = Directory.GetFiles(_folder.Root, pattern).Order(StringComparer.Ordinal).Select(File.ReadAllBytes).Where(static f => f.Length < 20_000).ToArray();
        Assert.True(files.Length > 10, $"only {files.Length} small files");
        Mutate(files, seed, static mutant =>
        {
            if (mutant.Length % 2 == 0)
                MendChecksums(mutant);
            var pages = ImageCodec.PageCount(mutant, "mutant");
            for (var page = 0; page < Math.Min(pages, 3); page++)
            {
                Limited(mutant, () => ImageCodec.Peek(mutant, "mutant", page));
                Limited(mutant, () => ImageCodec.Decode(mutant, "mutant", page));
            }
        });
    }

    [Fact]
    public void Decompress_WhenBufferIsMutated_SaysSoOrUnpacks()
    {
        var buffers = new List<byte[]>();
        foreach (var codec in (string[])["lz4", "zlib", "zstd"])
        {
            foreach (var shuffle in Enum.GetValues<BloscShuffle>())
            {
                var bytes = Data.Smooth(new Contracts.Int3(1, 1, 40_000), Contracts.VoxelType.UInt16, buffers.Count);
                var packed = new byte[BloscWriter.Bound(bytes.Length)];
                buffers.Add(packed[..BloscWriter.Compress(Compressor.Blosc(codec, 1, shuffle), 2, bytes, packed)]);
            }
        }

        // The codecs that are only read: as numcodecs wrote them.
        Python.Run("write_bloscs.py", _folder.Root);
        buffers.AddRange(Directory.GetFiles(_folder.Root, "*-2-1000.blosc").Order(StringComparer.Ordinal).Select(File.ReadAllBytes));
        var into = new byte[1 << 20];
        Mutate([.. buffers], 23, mutant =>
        {
            // Half of them with the sizes right, to get beyond the header.
            if (mutant.Length >= 16 && mutant[^1] % 2 == 0)
                BinaryPrimitives.WriteInt32LittleEndian(mutant.AsSpan(12), mutant.Length);
            var size = mutant.Length >= 16 ? BinaryPrimitives.ReadInt32LittleEndian(mutant.AsSpan(4)) : 0;
            var target = into.AsSpan(0, Math.Clamp(size, 0, into.Length));
            var before = GC.GetAllocatedBytesForCurrentThread();
            BloscReader.Decompress(mutant, target);
            var taken = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(taken < (4 * target.Length) + BytesAtAnyRate, $"{taken} bytes were taken for {target.Length}");
        });
    }

    /// <summary>Makes the checksums of a PNG's chunks right, so that what is behind them is tried.</summary>
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

    private static void Limited(byte[] mutant, Action read)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        try
        {
            read();
        }
        finally
        {
            var taken = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(taken < (mutant.Length * BytesForByte) + BytesAtAnyRate, $"{taken} bytes were taken for a file of {mutant.Length}");
        }
    }

    private static void Mutate(byte[][] files, int seed, Action<byte[]> read)
    {
        var random = new Random(seed);
        var unpacked = 0;
        for (var i = 0; i < Budget; i++)
        {
            var file = files[i % files.Length];
            var mutant = Mutant(file, random);
            try
            {
                read(mutant);
                unpacked++;
            }
            catch (Contracts.InputException e)
            {
                Assert.Contains("mutant", e.Message);
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed}, mutant {i}: {e}\n{Convert.ToBase64String(mutant)}");
            }
        }

        Assert.True(unpacked > Budget / 50, $"only {unpacked} of {Budget} mutants got past the header: they are too damaged to test more");
    }

    /// <summary>One to four changes: bytes, numbers that programs trip over, cuts, parts repeated or left out; most of them near an end.</summary>
    private static byte[] Mutant(byte[] file, Random random)
    {
        var bytes = new List<byte>(file);
        for (var change = random.Next(1, 5); change > 0 && bytes.Count > 8; change--)
        {
            var at = random.Next(3) switch
            {
                0 => random.Next(Math.Min(bytes.Count, 64)),
                1 => Math.Max(0, bytes.Count - 1 - random.Next(256)),
                _ => random.Next(bytes.Count),
            };
            var rest = bytes.Count - at;
            switch (random.Next(7))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 2:
                case 3:
                    var number = new byte[4];
                    if (random.Next(2) == 0)
                        BinaryPrimitives.WriteUInt32LittleEndian(number, Interesting[random.Next(Interesting.Length)]);
                    else
                        BinaryPrimitives.WriteUInt32BigEndian(number, Interesting[random.Next(Interesting.Length)]);
                    for (var k = 0; k < Math.Min(rest, random.Next(2) == 0 ? 2 : 4); k++)
                        bytes[at + k] = number[k];
                    break;
                case 4:
                    bytes.RemoveRange(at, Math.Min(rest, random.Next(1, 32)));
                    break;
                case 5:
                    bytes.InsertRange(at, bytes.GetRange(at, Math.Min(rest, random.Next(1, 32))));
                    break;
                default:
                    if (random.Next(4) == 0)
                        bytes.RemoveRange(at, rest);
                    break;
            }
        }

        return [.. bytes];
    }
}
