// SPDX-License-Identifier: Apache-2.0
using Teravox.Volumes;

namespace Teravox.Grains;

/// <summary>Temporary files and folders that killed writers left.</summary>
public static class OrphanedFiles
{
    /// <summary>
    /// Removes them under a folder, those inside of one another too. What vanishes meanwhile, or comes anew, is a late
    /// writer's: its item is done by another, and what it still writes has the bytes that are there already.
    /// </summary>
    public static void Delete(string root)
    {
        var options = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint };

        // A folder may go with what it holds before that has its turn.
        foreach (var left in Directory.EnumerateFileSystemEntries(root, "*" + AtomicFile.TemporaryPrefix + "*", options).ToList())
        {
            try
            {
                if (Directory.Exists(left))
                    Directory.Delete(left, recursive: true);
                else if (File.Exists(left))
                    File.Delete(left);
            }
            catch (Exception e) when (e is DirectoryNotFoundException or FileNotFoundException)
            {
                // Gone, as it should be.
            }
        }
    }
}
