// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Networks.Tests;

/// <summary>A folder of a test, with what is in it gone afterwards.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("teravox-networks-");

    public string File(string name) => Path.Combine(_folder.FullName, name);

    public void Dispose() => _folder.Delete(recursive: true);
}
