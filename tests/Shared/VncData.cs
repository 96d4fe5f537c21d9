// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Testing;

/// <summary>
/// The Drosophila ventral nerve cord (figshare 10.6084/m9.figshare.856713): big-endian TIFF and label PNGs. Its licence
/// keeps it out of the repository; TERAVOX_VNC names the folder with raw/ and labels/, or it lies in
/// shared/data/drosophila-vnc in one of the folders above the repository.
/// </summary>
internal static class VncData
{
    /// <summary>The folder, or null where the data is not.</summary>
    public static string? Folder { get; } = Find();

    /// <summary>The folder; skips the test where the data is not.</summary>
    public static string Require()
    {
        // Not a prerequisite of CI: the data may not be copied to where CI runs.
        Assert.SkipWhen(Folder is null, "the Drosophila VNC data is not here; TERAVOX_VNC names its folder");
        return Folder!;
    }

    private static string? Find()
    {
        if (Environment.GetEnvironmentVariable("TERAVOX_VNC") is { Length: > 0 } named)
            return named;
        for (var up = new DirectoryInfo(AppContext.BaseDirectory); up is not null; up = up.Parent)
        {
            var candidate = Path.Combine(up.FullName, "shared", "data", "drosophila-vnc");
            if (Directory.Exists(candidate))
                return candidate;
        }

        return null;
    }
}
