// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Volumes.Tests;

/// <summary>The ways to give a file a name that nobody has, each of which stands for the one before it on some file systems.</summary>
public sealed class AtomicFileTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public static TheoryData<string> Ways => ["link", "rename", "guard"];

    private static bool? Place(string way, string temporary, string path) => way switch
    {
        "link" => AtomicFile.TryLink(temporary, path),
        "rename" => AtomicFile.TryRename(temporary, path),
        _ => AtomicFile.RenameGuarded(temporary, path, Patience),
    };

    [Fact]
    public void TryCreate_WhenTheFileIsThere_KeepsItAndSaysSo()
    {
        var path = _folder.Path("a");
        Assert.True(AtomicFile.TryCreate(path, [1, 2]));
        Assert.False(AtomicFile.TryCreate(path, [3]));
        Assert.Equal([1, 2], File.ReadAllBytes(path));
        Assert.Equal([path], Directory.GetFiles(_folder.Root));
        Assert.Contains("none", Assert.Throws<IOException>(() => AtomicFile.TryCreate(_folder.Path("none", "a"), [1])).Message);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Place_WhenManyWantOneName_LetsOneHaveIt(string way)
    {
        for (var round = 0; round < 40; round++)
        {
            var path = _folder.Path($"{way}-{round}");
            var got = await Together.RunAsync(6, i =>
            {
                var temporary = AtomicFile.TemporaryBeside(path);
                File.WriteAllBytes(temporary, [(byte)i]);
                var placed = Place(way, temporary, path);
                File.Delete(temporary);
                return placed;
            });
            Prerequisite.Require(!got.Contains(null), $"a file system and a system that can {way}");
            Assert.Single(got, true);
            Assert.Equal([(byte)Array.IndexOf(got, true)], File.ReadAllBytes(path));
            Assert.Empty(Directory.GetFiles(_folder.Root, AtomicFile.TemporaryPrefix + "*"));
        }
    }

    [Fact]
    public void RenameGuarded_WhenADeadWritersGuardStays_NamesItAndStoresNothing()
    {
        var path = _folder.Path("3");
        var guard = _folder.Path(AtomicFile.TemporaryPrefix + "guard-3");
        var temporary = AtomicFile.TemporaryBeside(path);
        File.WriteAllBytes(guard, []);
        File.WriteAllBytes(temporary, [1]);
        Assert.Contains(guard, Assert.Throws<IOException>(() => AtomicFile.RenameGuarded(temporary, path, TimeSpan.Zero)).Message);
        Assert.False(File.Exists(path));

        // It may have died after its rename: then the file is there, guard or not.
        File.WriteAllBytes(path, [2]);
        Assert.False(AtomicFile.RenameGuarded(temporary, path, TimeSpan.Zero));
        File.Delete(guard);
        Assert.False(AtomicFile.RenameGuarded(temporary, path, TimeSpan.Zero));
        Assert.Equal([2], File.ReadAllBytes(path));
        File.Delete(path);
        Assert.True(AtomicFile.RenameGuarded(temporary, path, TimeSpan.Zero));
        Assert.False(File.Exists(guard));
    }

    [Fact]
    public void TryLink_WhenTheTemporaryFileIsGone_Throws()
    {
        // Only an error that means "not possible here" leads to the next way; after any other the name may be given.
        var error = Assert.Throws<IOException>(() => AtomicFile.TryLink(_folder.Path("none"), _folder.Path("a")));
        Assert.Equal(2, error.HResult);
    }

    [Fact]
    public void TryLink_WhenTheSystemHasNoSuchLinks_LeadsToTheNextWay()
    {
        // A directory stands for a file system without hard links: Linux answers both with EPERM.
        var directory = Directory.CreateDirectory(_folder.Path("d")).FullName;
        Assert.Null(AtomicFile.TryLink(directory, _folder.Path("e")));
    }
}
