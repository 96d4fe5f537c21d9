// SPDX-License-Identifier: Apache-2.0
using System.IO.Compression;
using System.Text;
using Teravox.Contracts;

namespace Teravox.Networks.Tests;

/// <summary>Checkpoints that Python's PyTorch writes, as pytorch-3dunet's trainer does.</summary>
public sealed class ImportTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    /// <summary>All whose architecture a file tells: the number of groups stands in none.</summary>
    public static TheoryData<string> Variants => [.. TestNetworks.Architectures.Where(a => a.Value.Groups == 8).Select(a => a.Key)];

    public static TheoryData<string> Forms =>
        ["trainer", "plain", "DataParallel", "dict", "state_dict", "double", "half", "bfloat16", "transposed", "views", "protocol 3", "protocol 4", "protocol 5"];

    public void Dispose() => _folder.Dispose();

    private string Checkpoint => _folder.File("checkpoint.pytorch");

    [Theory]
    [MemberData(nameof(Variants))]
    public void Import_OfEveryArchitecture_FindsItAndItsWeights(string variant)
    {
        var architecture = TestNetworks.Architectures[variant];
        AssertImported("trainer", architecture, architecture.Pool);
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void Import_OfEveryForm_GivesTheSameNetwork(string form) => AssertImported(form, new UNetArchitecture { Levels = 2, FMaps = 8 }, null);

    [Fact]
    public void Import_WithoutFactors_TakesTwos()
    {
        Write("plain", new UNetArchitecture { Levels = 3, FMaps = 4 });
        using var network = Network.Import(Checkpoint, null);
        Assert.Equal([new Int3(2, 2, 2), new Int3(2, 2, 2)], network.Architecture.Pool);
        Assert.Equal("", network.CardJson);
    }

    [Theory]
    [InlineData(2, "needs 2 pool factors, but 1 were given", 1)]
    [InlineData(2, "needs 2 pool factors, but 3 were given", 3)]
    [InlineData(5, "a pool factor is 5", 2)]
    public void Import_WhenTheFactorsDoNotFit_NamesTheFileAndTheNumber(int factor, string says, int count)
    {
        Write("plain", new UNetArchitecture { Levels = 3, FMaps = 4 });
        AssertRefused(says, [.. Enumerable.Repeat(new Int3(1, 2, factor), count)]);
    }

    [Theory]
    [InlineData("old format", "old format")]
    [InlineData("module", "state_dict()")]
    [InlineData("list", "no dict")]
    [InlineData("no tensors", "no network")]
    [InlineData("other network", "final_conv.weight")]
    [InlineData("layer missing", "decoders.0.basic_module.SingleConv2.conv.weight is missing")]
    [InlineData("layer too many", "se_module.weight")]
    [InlineData("two channels", "2 channels")]
    [InlineData("other norm", "cbr")]
    [InlineData("norm before", "before its convolutions")]
    [InlineData("shape of final_conv", "final_conv.weight")]
    [InlineData("complex", "type torch.ComplexFloatStorage")]
    [InlineData("giant", "does not fit 1024 maps")]
    [InlineData("command", "system")]
    [InlineData("print", "print")]
    public void Import_OfWhatIsNoSuchNetwork_SaysWhat(string form, string says)
    {
        Write(form, new UNetArchitecture { Levels = 2, FMaps = 8 });
        AssertRefused(says);
        Assert.False(File.Exists(Checkpoint + ".pwned"), "the file's command was executed");
    }

    [Fact]
    public void Import_OfAForeignOrMissingFile_NamesIt()
    {
        AssertRefused("cannot be opened");
        File.WriteAllText(Checkpoint, "not a network at all");
        AssertRefused("is not a PyTorch checkpoint");
        File.WriteAllText(Checkpoint, "no");
        AssertRefused("fewer than 4 bytes");
    }

    [Fact]
    public void Import_OfATruncatedFile_Refuses()
    {
        var whole = WriteSmall();
        foreach (var length in Enumerable.Range(0, 400).Concat(Enumerable.Range(0, (whole.Length - 400) / 997).Select(i => 400 + (i * 997))).Append(whole.Length - 1))
        {
            File.WriteAllBytes(Checkpoint, whole[..length]);
            AssertRefused("");
        }
    }

    [Fact]
    public void Import_WhenARecordIsMissingOrDamaged_NamesIt()
    {
        var whole = WriteSmall();
        Refuse("has no data/0", (name, bytes) => name == "data/0" ? null : bytes);
        Refuse("wrong length", (name, bytes) => name == "data/0" ? bytes[..^4] : bytes);
        Refuse("has no data.pkl", (name, bytes) => name == "data.pkl" ? null : bytes);
        Refuse("big-endian", (name, bytes) => bytes, byteorder: "big");
        Refuse("compressed record", (_, bytes) => bytes, CompressionLevel.Optimal);
        Refuse("is no checkpoint of a network", (name, bytes) => name == "data.pkl" ? new byte[(16 << 20) + 1] : bytes);

        File.WriteAllBytes(Checkpoint, whole);
        CheckpointFile.Rewrite(Checkpoint, (_, bytes) => bytes);
        Network.Import(Checkpoint, null).Dispose();

        // One bit of the weights.
        var numbers = CheckpointRecord("data/0");
        var at = whole.AsSpan().IndexOf(numbers);
        Assert.True(at > 0);
        whole[at + 5] ^= 1;
        File.WriteAllBytes(Checkpoint, whole);
        AssertRefused("checksum");

        void Refuse(string says, Func<string, byte[], byte[]?> change, CompressionLevel level = CompressionLevel.NoCompression, string? byteorder = null)
        {
            File.WriteAllBytes(Checkpoint, whole);
            CheckpointFile.Rewrite(Checkpoint, change, level);
            if (byteorder is not null)
            {
                using var zip = ZipFile.Open(Checkpoint, ZipArchiveMode.Update);
                var folder = zip.Entries[0].FullName.Split('/')[0];
                zip.GetEntry(folder + "/byteorder")?.Delete();
                using var stream = zip.CreateEntry(folder + "/byteorder", CompressionLevel.NoCompression).Open();
                stream.Write(Encoding.ASCII.GetBytes(byteorder));
            }

            AssertRefused(says);
        }
    }

    /// <summary>600 files whose index has bytes changed or is cut off: nothing but a network or an error that names the file comes out.</summary>
    [Fact]
    public void Import_OfMutants_RefusesOrReads()
    {
        var whole = WriteSmall();
        var index = CheckpointRecord("data.pkl");
        var random = new Random(4);
        var (read, refused) = (0, 0);
        for (var n = 0; n < 600; n++)
        {
            var mutant = n % 3 == 0 ? index[..random.Next(1, index.Length)] : [.. index];
            for (var changes = n % 4; changes > 0; changes--)
                mutant[random.Next(mutant.Length)] = (byte)random.Next(256);
            File.WriteAllBytes(Checkpoint, whole);
            CheckpointFile.Rewrite(Checkpoint, (name, bytes) => name == "data.pkl" ? mutant : bytes);
            try
            {
                Network.Import(Checkpoint, null).Dispose();
                read++;
            }
            catch (InputException e)
            {
                Assert.StartsWith(Checkpoint, e.Message, StringComparison.Ordinal);
                refused++;
            }
        }

        Assert.True(refused > 200 && read > 50, $"{refused} refused, {read} read");
    }

    [Fact]
    public void Import_OfTensorsThatLie_Refuses()
    {
        var whole = WriteSmall();
        const long big = 1L << 62;
        long first = CheckpointRecord("data/0").Length / sizeof(float);
        Lie(-1, [1], [1], first);
        Lie(first, [1], [1], first);
        Lie(0, [first + 1], [1], first);
        Lie(0, [2], [big], first);
        Lie(0, [first], [0], first * 2);
        Lie(0, [2, 2], [big, big], big);
        Lie(0, [-3], [1], first);
        Lie(0, [1], [-1], first);
        Lie(0, [first, first, first], [0, 0, 0], first);
        Lie(big, [1], [1], big + 5);
        Lie(0, [1], [1], -5);
        Lie(long.MaxValue, [2], [1], long.MaxValue);

        void Lie(long offset, long[] sizes, long[] strides, long count)
        {
            File.WriteAllBytes(Checkpoint, whole);
            CheckpointFile.Rewrite(Checkpoint, (name, bytes) => name == "data.pkl" ? PickleWriter.Dict("final_conv.bias", w => w.Tensor(offset, sizes, strides, count)) : bytes);
            var message = AssertRefused("");
            Assert.DoesNotContain("no network", message, StringComparison.Ordinal);
            Assert.DoesNotContain("final_conv.weight", message, StringComparison.Ordinal);
        }
    }

    private byte[] WriteSmall()
    {
        Write("plain", new UNetArchitecture { Levels = 2, FMaps = 4 });
        return File.ReadAllBytes(Checkpoint);
    }

    private byte[] CheckpointRecord(string wanted)
    {
        byte[] found = [];
        CheckpointFile.Rewrite(Checkpoint, (name, bytes) =>
        {
            if (name == wanted)
                found = bytes;
            return bytes;
        });
        return found;
    }

    // The network that Python's PyTorch wrote in this form, and beside it as a model.
    private void Write(string form, UNetArchitecture architecture)
    {
        using (var network = Network.Create(architecture, 3, seed: 1))
            File.WriteAllBytes(_folder.File("architecture"), network.ToBytes(null));
        Python.Run("write_checkpoint.py", _folder.File("architecture"), form, Checkpoint, _folder.File("model"));
    }

    private void AssertImported(string form, UNetArchitecture architecture, IReadOnlyList<Int3>? pool)
    {
        Write(form, architecture);
        using var imported = Network.Import(Checkpoint, pool);
        using var expected = Network.Load(_folder.File("model"));
        Assert.Equal(expected.ToBytes(null), imported.ToBytes(null));
    }

    private string AssertRefused(string says, IReadOnlyList<Int3>? pool = null)
    {
        var message = Assert.Throws<InputException>(() => Network.Import(Checkpoint, pool)).Message;
        Assert.StartsWith(Checkpoint, message, StringComparison.Ordinal);
        Assert.Contains(says, message, StringComparison.Ordinal);
        return message;
    }
}
