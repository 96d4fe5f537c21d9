// SPDX-License-Identifier: Apache-2.0
using Teravox.Volumes;

namespace Teravox.Silo.Http.Volumes;

/// <summary>
/// Keeps the stacks that were looked at last open: opening one reads the header of every slice. A stack that is put out
/// while somebody reads it is closed by its last reader.
/// </summary>
internal sealed class StackCache : IDisposable
{
    private const int Kept = 4;
    private readonly Lock gate = new();
    private readonly LinkedList<Entry> entries = [];

    private sealed class Entry(long volume, StackUse use, Func<ImageStack> open)
    {
        public long Volume => volume;

        public StackUse Use => use;

        public Lazy<ImageStack> Stack { get; } = new(open);

        public int Readers { get; set; }

        public bool Out { get; set; }

        public void Close()
        {
            if (Stack.IsValueCreated)
                Stack.Value.Dispose();
        }
    }

    /// <summary>Reads from the stack, opening it when it is not open.</summary>
    public T Read<T>(long volume, StackUse use, Func<ImageStack> open, Func<ImageStack, T> read)
    {
        var entry = Take(volume, use, open);
        try
        {
            return read(entry.Stack.Value);
        }
        catch
        {
            // What could not be opened or read is tried anew the next time.
            lock (gate)
            {
                entry.Out = true;
                entries.Remove(entry);
            }

            throw;
        }
        finally
        {
            Return(entry);
        }
    }

    /// <summary>The volume is gone.</summary>
    public void Forget(long volume)
    {
        lock (gate)
        {
            foreach (var entry in entries.Where(e => e.Volume == volume).ToList())
                PutOut(entry);
        }
    }

    public void Dispose()
    {
        lock (gate)
        {
            foreach (var entry in entries.ToList())
                PutOut(entry);
        }
    }

    private Entry Take(long volume, StackUse use, Func<ImageStack> open)
    {
        lock (gate)
        {
            var entry = entries.FirstOrDefault(e => e.Volume == volume && e.Use == use);
            if (entry is not null)
                entries.Remove(entry);
            else
                entry = new Entry(volume, use, open);
            entries.AddFirst(entry);
            entry.Readers++;
            while (entries.Count > Kept)
                PutOut(entries.Last!.Value);
            return entry;
        }
    }

    private void Return(Entry entry)
    {
        lock (gate)
        {
            entry.Readers--;
            if (entry is { Out: true, Readers: 0 })
                entry.Close();
        }
    }

    private void PutOut(Entry entry)
    {
        entries.Remove(entry);
        entry.Out = true;
        if (entry.Readers == 0)
            entry.Close();
    }
}
