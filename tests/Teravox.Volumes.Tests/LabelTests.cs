// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Volumes.Tests;

public sealed class LabelTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private ImageStack Stack(params SliceImage[] slices)
    {
        var folder = Directory.CreateDirectory(_folder.Path($"f{Guid.NewGuid():N}")).FullName;
        for (var z = 0; z < slices.Length; z++)
            File.WriteAllBytes(Path.Combine(folder, $"{z}.png"), ImageCodec.EncodePng(slices[z]));
        return ImageStack.Open(folder, use: StackUse.Labels);
    }

    private static SliceImage Grey(params byte[] pixels) => new(pixels.Length, 1, PixelKind.Grey8, pixels, null);

    private static ClassMap Map(string classes, string more = "") => ClassMapFile.Parse($$"""{"classes": [{{classes}}]{{more}}}""", "test map");

    private static byte[] Ids(ImageStack stack, ClassMap map, int z = 0)
    {
        var ids = new byte[stack.Shape.Y * stack.Shape.X];
        LabelReader.ReadSlice(stack, z, map, ids);
        return ids;
    }

    private const string Two = """{"id": 0, "name": "background", "values": [0, 7]}, {"id": 1, "name": "membrane", "values": [32, 64]}""";

    [Fact]
    public void ReadSlice_WhenGrey_TranslatesValues()
    {
        using var stack = Stack(Grey(0, 32, 64, 7, 9));
        Assert.Equal([0, 1, 1, 0, 255], Ids(stack, Map(Two, """, "ignore": [9]""")));
        Assert.Equal([0, 1, 1, 0, 255], Ids(stack, Map(Two, """, "unmapped": "ignore" """)));
        var error = Assert.Throws<InputException>(() => Ids(stack, Map(Two)));
        Assert.Matches("slice 0.png of .* holds value 9 in 1 voxels, which the class map lacks", error.Message);
    }

    [Fact]
    public void ReadSlice_WhenGrey16_TranslatesValues()
    {
        using var stack = Stack(new SliceImage(3, 1, PixelKind.Grey16, [0, 0, 0xe8, 3, 0, 0], null));
        Assert.Equal([0, 1, 0], Ids(stack, Map("""{"id": 0, "name": "a", "values": [0]}, {"id": 1, "name": "b", "values": [1000]}""")));
        Assert.Contains("value 1000 in 1 voxels", Assert.Throws<InputException>(() => Ids(stack, Map(Two))).Message);
    }

    [Fact]
    public void ReadSlice_WhenPalette_TakesIndexWhereTheMapHasValuesElseColour()
    {
        using var stack = Stack(new SliceImage(4, 1, PixelKind.Palette8, [0, 1, 2, 1], [0x000000, 0xff0000, 0x00ff00]));
        Assert.Equal([0, 1, 2, 1], Ids(stack, Map("""{"id": 0, "name": "a"}, {"id": 1, "name": "b"}, {"id": 2, "name": "c"}""")));
        Assert.Equal([1, 0, 2, 0], Ids(stack, Map("""{"id": 0, "name": "a", "colours": ["#FF0000"]}, {"id": 1, "name": "b", "colours": ["#000000"]}, {"id": 2, "name": "c", "values": [2]}""")));
        var error = Assert.Throws<InputException>(() => Ids(stack, Map("""{"id": 0, "name": "a"}, {"id": 1, "name": "b", "colours": ["#ff0000"]}""")));
        Assert.Contains("palette index 2 in 1 voxels", error.Message);
    }

    [Fact]
    public void ReadSlice_WhenColour_TranslatesColoursAndGreysByValue()
    {
        using var stack = Stack(new SliceImage(4, 1, PixelKind.Rgb8, [255, 0, 0, 7, 7, 7, 1, 2, 3, 255, 0, 0], null));
        var classes = """{"id": 0, "name": "a", "values": [7]}, {"id": 1, "name": "b", "colours": ["#ff0000"]}""";
        Assert.Contains("colour #010203 in 1 voxels", Assert.Throws<InputException>(() => Ids(stack, Map(classes))).Message);
        Assert.Equal([1, 0, 255, 1], Ids(stack, Map(classes, """, "unmapped": "ignore" """)));
    }

    [Fact]
    public void CheckAll_WhenMasksMix01And0255_SuggestsBothValues()
    {
        using var stack = Stack(Grey(0, 1, 1), Grey(0, 255, 255), Grey(255, 255, 255));
        var error = Assert.Throws<InputException>(() => LabelReader.CheckAll(stack, Map("""{"id": 0, "name": "a"}, {"id": 1, "name": "mito"}"""), null, TestContext.Current.CancellationToken));
        Assert.Contains("slice 1.png", error.Message);
        Assert.Contains("value 255 in 2 voxels", error.Message);
        Assert.Contains("1 other slices", error.Message);
        Assert.Contains("give class \"mito\" values: [1, 255]", error.Message);

        var steps = new List<(int, int)>();
        var map = Map("""{"id": 0, "name": "a", "values": [0]}, {"id": 1, "name": "mito", "values": [1, 255]}""");
        var check = LabelReader.CheckAll(stack, map, (done, all) => steps.Add((done, all)), TestContext.Current.CancellationToken);
        Assert.Equal([2L, 7L], check.Counts);
        Assert.Equal([2 / 9.0, 7 / 9.0], check.Shares);
        Assert.Equal([(1, 3), (2, 3), (3, 3)], steps);
        Assert.Throws<OperationCanceledException>(() => LabelReader.CheckAll(stack, map, null, new CancellationToken(true)));
    }

    [Fact]
    public void CheckAll_WhenMapHas255OnlyAndMasksAre01_SuggestsBothValues()
    {
        using var stack = Stack(Grey(0, 1, 1));
        var map = Map("""{"id": 0, "name": "a", "values": [0]}, {"id": 1, "name": "mito", "values": [255]}""");
        Assert.Contains("values: [1, 255]", Assert.Throws<InputException>(() => LabelReader.CheckAll(stack, map, null, TestContext.Current.CancellationToken)).Message);
    }

    [Theory]
    [InlineData("""{"classes": [{"id": 0, "name": "a"}]}""", "2 to 64")]
    [InlineData("""{"classes": [{"id": 0, "name": "a"}, {"id": 2, "name": "b"}]}""", @"classes\[1\].id is 2")]
    [InlineData("""{"classes": [{"id": 0, "name": "a"}, {"id": 1, "name": "A"}]}""", "also the name of class 0")]
    [InlineData("""{"classes": [{"id": 0, "name": "a b"}, {"id": 1, "name": "a-b"}]}""", "same file name")]
    [InlineData("""{"classes": [{"id": 0, "name": "a"}, {"id": 1, "name": ""}]}""", @"classes\[1\].name")]
    [InlineData("""{"classes": [{"id": 0, "name": "a"}, {"id": 1, "name": "b<"}]}""", @"classes\[1\].name")]
    [InlineData("""{"classes": [{"id": 0, "name": "a"}, {"id": 1, "name": "--"}]}""", "no ASCII letter")]
    [InlineData("""{"classes": [{"id": 0, "name": "a", "values": [1]}, {"id": 1, "name": "b"}]}""", "1 means class 0")]
    [InlineData("""{"classes": [{"id": 0, "name": "a", "values": [5, 5]}, {"id": 1, "name": "b"}]}""", "5 means class 0")]
    [InlineData("""{"classes": [{"id": 0, "name": "a", "values": [65536]}, {"id": 1, "name": "b"}]}""", "outside 0..65535")]
    [InlineData("""{"classes": [{"id": 0, "name": "a"}, {"id": 1, "name": "b"}], "ignore": [1]}""", "ignore: 1 means class 1")]
    [InlineData("""{"classes": [{"id": 0, "name": "a", "colours": ["red"]}, {"id": 1, "name": "b"}]}""", "#rrggbb")]
    [InlineData("""{"classes": [{"id": 0, "name": "a", "colours": ["#ff0000"]}, {"id": 1, "name": "b", "colours": ["#FF0000"]}]}""", "a colour means one class")]
    [InlineData("""{"classes": [{"id": 0, "name": "a", "show": "#12345"}, {"id": 1, "name": "b"}]}""", @"classes\[0\].show")]
    [InlineData("""{"classes": [{"id": 0, "name": "a"}, null]}""", @"classes\[1\] is null")]
    [InlineData("""{"classes": null}""", "0 entries")]
    [InlineData("""{"classes": [], "color": 1}""", "not a class map")]
    [InlineData("""{}""", "not a class map")]
    [InlineData("null", "null")]
    [InlineData("{", "not a class map")]
    public void Load_WhenMapIsWrong_NamesFileAndField(string json, string fault)
    {
        var path = _folder.Path("classes.json");
        File.WriteAllText(path, json);
        var error = Assert.Throws<InputException>(() => ClassMapFile.Load(path)).Message;
        Assert.Contains(path, error);
        Assert.Matches(fault, error);
    }

    [Fact]
    public void Load_WhenFileIsMissing_NamesIt() =>
        Assert.Contains("none.json", Assert.Throws<InputException>(() => ClassMapFile.Load(_folder.Path("none.json"))).Message);
}
