// SPDX-License-Identifier: Apache-2.0
using System.Text;
using Teravox.Contracts;

namespace Teravox.Networks.Tests;

public sealed class SafetensorsTests
{
    private static readonly Safetensors Small = new(
        [new StoredTensor("a", "F32", [2, 3], new byte[24]), new StoredTensor("b", "I64", [], new byte[] { 1, 2, 3, 4, 5, 6, 7, 8 })],
        new Dictionary<string, string> { ["k"] = "\u00fcber", ["a"] = "b" });

    [Fact]
    public void Parse_OfWhatWasWritten_GivesItBack()
    {
        var read = Safetensors.Parse("x", Small.ToBytes());
        Assert.Equal(Small.Metadata, read.Metadata.OrderByDescending(m => m.Key).ToDictionary());
        Assert.Equal(["a", "b"], read.Tensors.Select(t => t.Name));
        Assert.Equal([2, 3], read.Tensors[0].Shape);
        Assert.Equal(Small.Tensors[1].Bytes.ToArray(), read.Tensors[1].Bytes.ToArray());
        Assert.Equal(Small.ToBytes(), read.ToBytes());
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", "damaged")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}}""", "do not fit its shape")]
    [InlineData("""{"a":{"dtype":"F99","shape":[1],"data_offsets":[0,4]}}""", "unknown type F99")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-1,-1],"data_offsets":[0,4]}}""", "axis below 0")]
    [InlineData("""{"a":{"dtype":"U8","shape":[2147483647,2147483647,2147483647,2147483647,2147483647],"data_offsets":[0,4]}}""", "damaged")]
    [InlineData("""{"a":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}""", "leaves a hole")]
    [InlineData("""{"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}}""", "truncated")]
    [InlineData("""{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}""", "4 bytes of tensors")]
    [InlineData("""{"a":[]}""", "damaged")]
    [InlineData("[]", "damaged")]
    [InlineData("nonsense", "damaged")]
    public void Parse_OfADamagedHeader_SaysWhat(string header, string says)
    {
        var text = Encoding.UTF8.GetBytes(header);
        byte[] file = [.. BitConverter.GetBytes((long)text.Length), .. text, 0, 0, 0, 0];
        var e = Assert.Throws<InputException>(() => Safetensors.Parse("model.safetensors", file));
        Assert.StartsWith("model.safetensors", e.Message, StringComparison.Ordinal);
        Assert.Contains(says, e.Message, StringComparison.Ordinal);
    }

    /// <summary>10 000 files with bytes changed, cut off or put in: nothing but an error that names the file comes out.</summary>
    [Fact]
    public void Parse_OfMutants_RefusesOrReads()
    {
        var random = new Random(11);
        var whole = Small.ToBytes();
        for (var n = 0; n < 10_000; n++)
        {
            var bytes = whole.ToList();
            for (var changes = random.Next(1, 4); changes > 0; changes--)
            {
                var at = random.Next(bytes.Count);
                switch (random.Next(3))
                {
                    case 0:
                        bytes[at] = (byte)random.Next(256);
                        break;
                    case 1:
                        bytes.RemoveRange(at, bytes.Count - at);
                        bytes.Add(0);
                        break;
                    default:
                        bytes.Insert(at, (byte)random.Next(256));
                        break;
                }
            }

            try
            {
                Safetensors.Parse("x", bytes.ToArray());
            }
            catch (InputException e)
            {
                Assert.StartsWith("x ", e.Message, StringComparison.Ordinal);
            }
        }
    }
}
