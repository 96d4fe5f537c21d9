// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Grains.Tests;

public sealed class OrphanedFilesTests
{
    [Fact]
    public void Delete_WhenATemporaryFolderHoldsTemporaryFiles_RemovesBothAndNothingElse()
    {
        using var folder = new TestFolder();
        Directory.CreateDirectory(folder[".teravox/.tmp-volume/0"]);
        File.WriteAllText(folder[".teravox/.tmp-volume/.tmp-metadata"], "");
        File.WriteAllText(folder[".teravox/.tmp-volume/0/.tmp-chunk"], "");
        File.WriteAllText(folder["model.safetensors.tmp-1"], "");
        File.WriteAllText(folder["kept"], "");
        OrphanedFiles.Delete(folder["."]);
        Assert.Equal(["kept"], Directory.EnumerateFiles(folder["."], "*", SearchOption.AllDirectories).Select(Path.GetFileName));
        Assert.Empty(Directory.EnumerateDirectories(folder[".teravox"]));
    }
}
