// SPDX-License-Identifier: Apache-2.0
using Teravox.Volumes;

namespace Teravox.Silo.Http.Volumes;

/// <summary>
/// Keeps the sections that were looked at last, up to so many bytes: a viewer asks for many parts of one section, and a
/// section is decoded as a whole. Readers of one section share one decoding.
/// </summary>
internal sealed class SectionCache(long mostBytes)
{
    private readonly Lock gate = new();
    private readonly Dictionary<(long Volume, StackUse Use, int Z), LinkedListNode<Entry>> places = [];
    private readonly LinkedList<Entry> entries = [];
    private long held;

    private sealed class Entry((long Volume, StackUse Use, int Z) key, Func<byte[]> read)
    {
        public (long Volume, StackUse Use, int Z) Key => key;

        public Lazy<byte[]> Voxels { get; } = new(read);

        public long Bytes { get; set; }
    }

    /// <summary>The section's voxels, read when they are not kept. They are shared: nobody may change them.</summary>
    public byte[] Get(long volume, StackUse use, int z, Func<byte[]> read)
    {
        var node = Take((volume, use, z), read);
        try
        {
            var voxels = node.Value.Voxels.Value;
            Weigh(node, voxels.Length);
            return voxels;
        }
        catch
        {
            // What could not be read is tried anew the next time.
            lock (gate)
                PutOut(node);
            throw;
        }
    }

    /// <summary>The volume is gone.</summary>
    public void Forget(long volume)
    {
        lock (gate)
        {
            foreach (var node in places.Values.Where(n => n.Value.Key.Volume == volume).ToList())
                PutOut(node);
        }
    }

    private LinkedListNode<Entry> Take((long Volume, StackUse Use, int Z) key, Func<byte[]> read)
    {
        lock (gate)
        {
            if (places.TryGetValue(key, out var node))
                entries.Remove(node);
            else
                places[key] = node = new LinkedListNode<Entry>(new Entry(key, read));
            entries.AddFirst(node);
            return node;
        }
    }

    private void Weigh(LinkedListNode<Entry> node, long bytes)
    {
        lock (gate)
        {
            if (node.List is null || node.Value.Bytes > 0)
                return;
            node.Value.Bytes = bytes;
            held += bytes;
            while (held > mostBytes && entries.Last is { } last && last != entries.First)
                PutOut(last);
        }
    }

    private void PutOut(LinkedListNode<Entry> node)
    {
        if (node.List is null)
            return;
        entries.Remove(node);
        places.Remove(node.Value.Key);
        held -= node.Value.Bytes;
    }
}
