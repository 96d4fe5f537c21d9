// SPDX-License-Identifier: Apache-2.0
using System.Text;
using Teravox.Contracts;

namespace Teravox.Networks.Tests;

public sealed class PickleTests
{
    public static TheoryData<string, string> Calls => new()
    {
        { "cos\nsystem\n(X\x02\0\0\0lstR.", "os.system" },
        { "cbuiltins\neval\n(X\x01\0\0\01tR.", "builtins.eval" },
        { "cbuiltins\ngetattr\n.", "builtins.getattr" },
        { "cposix\nsystem\n.", "posix.system" },
        { "ctorch\nload\n.", "torch.load" },
        { "ctorch.storage\n_load_from_bytes\n.", "torch.storage._load_from_bytes" },
        { "ctorch.FloatStorage.mro\nStorage\n.", "torch.FloatStorage.mro.Storage" },
        { "ctorch\nStorage\n.", "torch.Storage" },
        { "X\x02\0\0\0osX\x06\0\0\0system\u0093.", "os.system" },

        // Instructions that would make objects in other ways.
        { "(ios\nsystem\n.", "instruction 105" },
        { "(cos\nsystem\no.", "os.system" },
        { "(o.", "instruction 111" },
        { "P0\n.", "instruction 80" },
        { "\u0082\x01.", "instruction 130" },
        { "\u0083\x01\0.", "instruction 131" },
        { "N)}\u0092.", "instruction 146" },
        { "}\u0097.", "instruction 151" },
        { "I1\n.", "instruction 73" },
    };

    [Theory]
    [MemberData(nameof(Calls))]
    public void Load_OfAnythingButPlainValues_Refuses(string pickle, string names) =>
        Assert.Contains(names, Assert.Throws<InputException>(() => Pickle.Load(Bytes(pickle))).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("0.")]
    [InlineData("2.")]
    [InlineData("a.")]
    [InlineData("N")]
    [InlineData("NN\u0087.")]
    [InlineData("N(\u0085.")]
    [InlineData("t.")]
    [InlineData("(.")]
    [InlineData("NNs.")]
    [InlineData("}(Nu.")]
    [InlineData("]N(e.")]
    [InlineData(")(Ne.")]
    [InlineData("h\x05.")]
    [InlineData("NQ.")]
    [InlineData("NNR.")]
    [InlineData("ctorch\nFloatStorage\n)R.")]
    [InlineData("ctorch._utils\n_rebuild_tensor_v2\n)R.")]
    [InlineData("ccollections\nOrderedDict\n](N\u0085e\u0085R.")]
    [InlineData("Nb.")]
    [InlineData("X\u00ff\u00ff\u00ff\u007fabc.")]
    [InlineData("\u008d\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff.")]
    [InlineData("X\x01\0\0\0\u00ff.")]
    [InlineData("\u0080\x06N.")]
    [InlineData("ccollections")]
    public void Load_OfADamagedPickle_Refuses(string pickle) =>
        Assert.StartsWith("its pickle is ", Assert.Throws<InputException>(() => Pickle.Load(Bytes(pickle))).Message, StringComparison.Ordinal);

    [Fact]
    public void Load_OfPlainValues_GivesThem()
    {
        var dict = Assert.IsType<PickledDict>(Pickle.Load(Bytes("}(X\x01\0\0\0aK\x07X\x01\0\0\0bJ\u00fe\u00ff\u00ff\u00ffX\x01\0\0\0c\u008a\x01\u0080X\x01\0\0\0d(N\u0088M\x01\x02tX\x01\0\0\0aK\x08u.")));
        Assert.Equal(8L, dict.Find("a"));
        Assert.Equal(-2L, dict.Find("b"));
        Assert.Equal(-128L, dict.Find("c"));
        Assert.Equal([null, true, 513L], Assert.IsType<PickledList>(dict.Find("d")).Items);
        Assert.Null(dict.Find("z"));
    }

    /// <summary>A list that holds itself, and lists a million deep.</summary>
    [Fact]
    public void Load_OfLoopsAndDepth_DoesNoHarm()
    {
        var loop = Assert.IsType<PickledList>(Pickle.Load(Bytes("]q\0h\0a.")));
        Assert.Same(loop, loop.Items[0]);
        var deep = new string(']', 1_000_000) + new string('a', 999_999) + ".";
        Assert.IsType<PickledList>(Pickle.Load(Bytes(deep)));
    }

    /// <summary>Every call copies the entries of the one before it: without a bound, 16 MB would ask for days.</summary>
    [Fact]
    public void Load_WhenItCopiesWithoutEnd_Refuses()
    {
        var pairs = new StringBuilder("](");
        pairs.Insert(pairs.Length, "NN\u0086", 100_000).Append("eq\0");
        pairs.Insert(pairs.Length, "ccollections\nOrderedDict\nh\0\u0085R", 1_000).Append('.');
        Assert.Contains("items", Assert.Throws<InputException>(() => Pickle.Load(Bytes(pairs.ToString()))).Message, StringComparison.Ordinal);
    }

    private static byte[] Bytes(string latin1) => Encoding.Latin1.GetBytes(latin1);
}
