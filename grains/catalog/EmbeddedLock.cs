// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using Teravox.Contracts;

namespace Teravox.Grains.Catalog;

/// <summary>
/// The proof that no other process works in a directory: an exclusive lock on its file <c>teravox.lock</c>. The kernel
/// frees it when the process ends, be it by kill -9, so a lock is never stale. The file stays, and beside it
/// <c>teravox.pid</c>, which names the holder: .NET can not read a file that another has locked.
/// </summary>
public sealed class EmbeddedLock : IDisposable
{
    private const string LockName = "teravox.lock";
    private const string PidName = "teravox.pid";
    private readonly FileStream _file;

    private EmbeddedLock(FileStream file) => _file = file;

    /// <summary>Takes the lock of an existing directory.</summary>
    /// <exception cref="InputException">Another process has it, or the directory can not be written.</exception>
    public static EmbeddedLock Acquire(string directory)
    {
        var pid = Path.Combine(directory, PidName);
        FileStream file;
        try
        {
            file = new FileStream(Path.Combine(directory, LockName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or DirectoryNotFoundException)
        {
            throw new InputException($"Directory {directory} can not be used; it must exist and be writable.", e);
        }
        catch (IOException e)
        {
            throw new InputException(
                $"Another teravox works in {directory} ({ReadHolder(pid)}); wait for it, stop it, or use another directory.", e);
        }

        File.WriteAllText(pid, Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
        return new EmbeddedLock(file);
    }

    /// <summary>Frees the lock.</summary>
    public void Dispose() => _file.Dispose();

    private static string ReadHolder(string path)
    {
        try
        {
            return $"pid {File.ReadAllText(path)}";
        }
        catch (IOException)
        {
            return "pid unknown";
        }
    }
}
