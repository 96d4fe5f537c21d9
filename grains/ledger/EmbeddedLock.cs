// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text;
using Teravox.Contracts;

namespace Teravox.Grains.Ledger;

/// <summary>
/// The proof that no other process works in a directory: an exclusive lock on its file <c>teravox.lock</c>. The kernel
/// frees it when the process ends, be it by kill -9, so a lock is never stale. The file stays.
/// </summary>
public sealed class EmbeddedLock : IDisposable
{
    private const string FileName = "teravox.lock";
    private readonly FileStream _file;

    private EmbeddedLock(FileStream file) => _file = file;

    /// <summary>Takes the lock of an existing directory.</summary>
    /// <exception cref="InputException">Another process has it, or the directory can not be written.</exception>
    public static EmbeddedLock Acquire(string directory)
    {
        var path = Path.Combine(directory, FileName);
        FileStream file;
        try
        {
            file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or DirectoryNotFoundException)
        {
            throw new InputException($"Directory {directory} can not be used; it must exist and be writable.", e);
        }
        catch (IOException e)
        {
            throw new InputException($"Another teravox works in {directory} ({ReadHolder(path)}); wait for it, stop it, or use another directory.", e);
        }

        file.SetLength(0);
        file.Write(Encoding.ASCII.GetBytes(Environment.ProcessId.ToString(CultureInfo.InvariantCulture)));
        file.Flush();
        return new EmbeddedLock(file);
    }

    /// <summary>Frees the lock.</summary>
    public void Dispose() => _file.Dispose();

    private static string ReadHolder(string path)
    {
        try
        {
            // Sharing everything asks for no lock, so the holder's file can be read.
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var reader = new StreamReader(file, Encoding.ASCII);
            return $"pid {reader.ReadToEnd()}";
        }
        catch (IOException)
        {
            return "pid unknown";
        }
    }
}
