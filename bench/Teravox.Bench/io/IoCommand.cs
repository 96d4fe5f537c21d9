// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using Teravox.Contracts;
using Teravox.Volumes;
using Teravox.Volumes.Phantom;

namespace Teravox.Bench.Io;

/// <summary>
/// Reading and writing of volumes and sections beside Python's zarr, tifffile and PIL, which stand on c-blosc, libtiff, libpng and
/// zlib. Both have one thread and the same data, a phantom, and take turns, so that whatever else the machine does meets both. The CPU
/// time of each process is measured, all its threads together.
/// </summary>
internal static class IoCommand
{
    public static Command Make()
    {
        var edge = new Option<int>("--edge") { Description = "Edge of the phantom in voxels.", DefaultValueFactory = _ => 256 };
        var rounds = new Option<int>("--rounds") { Description = "How often everything is done.", DefaultValueFactory = _ => 5 };
        var folder = new Option<string?>("--folder") { Description = "Where the files go; in memory when left out, since a disk would be measured instead." };
        var json = BenchCommand.JsonFile();
        return new Command("io", "Reading and writing of volumes and images beside python3-zarr, -tifffile and -pil.") { edge, rounds, folder, json }.Does(async (result, ct) =>
        {
            var parent = result.GetValue(folder) ?? (Directory.Exists("/dev/shm") ? "/dev/shm" : null);
            using var files = new BenchFolder(parent);
            var shape = new Int3(result.GetValue(edge), result.GetValue(edge), result.GetValue(edge));
            Console.WriteLine($"machine: {Machine.Describe()}; a phantom of {shape.X}^3 voxels, {result.GetValue(rounds)} rounds, one thread each");
            IoTask[] tasks = [.. IoTasks.Make(files.Path, Phantom.Generate(shape, 1, ct: ct))];
            var speeds = Measure(tasks, result.GetValue(rounds), ct);
            var table = new TextTable("", "ours, MB/s", "theirs, MB/s", "ratio");
            foreach (var s in speeds)
                table.Add(s.What, s.Measured.ToString("F0", CultureInfo.InvariantCulture), s.Aim.ToString("F0", CultureInfo.InvariantCulture), s.Ratio.ToString("F2", CultureInfo.InvariantCulture));
            table.Print();
            await BenchCommand.SaveAsync(result.GetValue(json), new { machine = Machine.Describe(), rounds = result.GetValue(rounds), speeds }, ct);
            BenchCommand.PrintRatio(speeds);
            return 0;
        });
    }

    /// <summary>The median speeds in MB of voxels for a second of CPU time, theirs as the aim.</summary>
    private static List<Target> Measure(IoTask[] tasks, int rounds, CancellationToken ct)
    {
        using var peer = new IoPeer();
        var (ours, theirs) = (tasks.ToDictionary(t => t, _ => new List<double>()), tasks.ToDictionary(t => t, _ => new List<double>()));

        // The first round warms up, and leaves the files that others read.
        for (var round = 0; round <= rounds; round++)
        {
            foreach (var task in tasks)
            {
                ct.ThrowIfCancellationRequested();
                var before = Environment.CpuUsage.TotalTime;
                task.Ours();
                var (own, other) = ((Environment.CpuUsage.TotalTime - before).TotalSeconds, peer.Do(task.Theirs));
                if (round == 0)
                    continue;
                ours[task].Add(own);
                theirs[task].Add(other);
            }
        }

        return [.. tasks.Where(t => t.IsShown).Select(t => new Target(t.What, t.Bytes / 1e6 / Quantiles.Of(ours[t], .5), t.Bytes / 1e6 / Quantiles.Of(theirs[t], .5)))];
    }
}

/// <summary>Something both sides do.</summary>
/// <param name="What">What the table calls it.</param>
/// <param name="Bytes">Bytes of voxels.</param>
/// <param name="Ours">Does it here.</param>
/// <param name="Theirs">What io_peer.py is told.</param>
/// <param name="IsShown">False when it only leaves files for another.</param>
internal sealed record IoTask(string What, long Bytes, Action Ours, object Theirs, bool IsShown = true);

/// <summary>All that is measured.</summary>
internal static class IoTasks
{
    /// <param name="folder">Where files go.</param>
    /// <param name="phantom">What they hold: grey levels, labels, and 16-bit levels made of the first.</param>
    public static IEnumerable<IoTask> Make(string folder, PhantomVolume phantom)
    {
        var deep = new byte[2 * phantom.Raw.Length];
        var words = MemoryMarshal.Cast<byte, ushort>(deep.AsSpan());
        for (var i = 0; i < words.Length; i++)
            words[i] = (ushort)((phantom.Raw[i] * 200) + (i * 7 % 97));
        (string Name, byte[] Voxels, VoxelType Type)[] volumes =
            [("grey", phantom.Raw, VoxelType.UInt8), ("labels", phantom.Labels, VoxelType.UInt8), ("16 bit", deep, VoxelType.UInt16)];
        foreach (var (name, voxels, type) in volumes)
        {
            var data = new Voxels(folder, name, voxels, phantom.Shape, type);
            foreach (var codec in (string[])["zstd", "lz4"])
                foreach (var task in Volumes(data, codec))
                    yield return task;
            foreach (var task in Sections(data))
                yield return task;
        }
    }

    private static IEnumerable<IoTask> Volumes(Voxels data, string codec)
    {
        var (ours, theirs) = (data.Path($"{codec}-ours.zarr"), data.Path($"{codec}-theirs.zarr"));
        var options = new OmeOptions { Shape = data.Shape, Type = data.Type, Compressor = Compressor.Blosc(codec) };
        yield return data.Task($"Zarr, blosc {codec}: write", () =>
        {
            if (Directory.Exists(ours))
                Directory.Delete(ours, recursive: true);
            OmeVolume.Create(ours, options).Write(Box3.Whole(data.Shape), data.Bytes);
        }, "write-zarr", theirs, codec);
        yield return data.Task($"Zarr, blosc {codec}: read", () => OmeVolume.Open(ours).Read(Box3.Whole(data.Shape), new byte[data.Bytes.Length]), "read-zarr", ours + "/s0");
    }

    private static IEnumerable<IoTask> Sections(Voxels data)
    {
        var kind = data.Type.Bytes() == 2 ? PixelKind.Grey16 : PixelKind.Grey8;
        (string Name, string Ending, Func<SliceImage, byte[]> Encode, string Write, string Read)[] formats =
        [
            ("TIFF", "tif", static i => ImageCodec.EncodeTiff(i, deflate: false), "write-tiff-none", "read-tiff"),
            ("TIFF, Deflate", "tif", static i => ImageCodec.EncodeTiff(i), "write-tiff-deflate", "read-tiff"),
            ("PNG", "png", ImageCodec.EncodePng, "write-png", "read-pil"),
        ];
        foreach (var (name, ending, encode, write, read) in formats)
        {
            var (ours, theirs) = (data.Path(write + "-ours"), data.Path(write + "-theirs"));
            Directory.CreateDirectory(ours);
            yield return data.Task($"{name}: write", () => data.EachSection((z, bytes) => File.WriteAllBytes(
                Path.Combine(ours, $"{z:D4}.{ending}"), encode(new SliceImage(data.Shape.X, data.Shape.Y, kind, bytes, null)))), write, theirs, ending: ending);
            yield return data.Task($"{name}: read", () => ReadAll(ours), read, ours);
        }

        var lzw = data.Path("lzw");
        yield return data.Task("", static () => { }, "write-tiff-lzw", lzw, ending: "tif") with { IsShown = false };
        yield return data.Task("TIFF, LZW: read", () => ReadAll(lzw), "read-pil", lzw);
    }

    private static void ReadAll(string folder)
    {
        foreach (var file in Directory.GetFiles(folder))
            ImageCodec.Decode(File.ReadAllBytes(file), file);
    }

    /// <summary>A volume, also as a file that the other side reads.</summary>
    private sealed class Voxels
    {
        private readonly string _folder;
        private readonly string _name;

        public Voxels(string folder, string name, byte[] bytes, Int3 shape, VoxelType type)
        {
            (_folder, _name, Bytes, Shape, Type) = (folder, name, bytes, shape, type);
            File.WriteAllBytes(Path("raw"), bytes);
        }

        public byte[] Bytes { get; }

        public Int3 Shape { get; }

        public VoxelType Type { get; }

        public string Path(string what) => System.IO.Path.Combine(_folder, $"{_name}-{what}".Replace(' ', '-'));

        public IoTask Task(string what, Action ours, string task, string path, string codec = "", string ending = "") => new($"{_name}, {what}", Bytes.Length, ours, new
        {
            @do = task,
            raw = Path("raw"),
            dtype = Type.Bytes() == 2 ? "<u2" : "|u1",
            shape = (int[])[Shape.Z, Shape.Y, Shape.X],
            path,
            codec,
            ending,
        });

        public void EachSection(Action<int, byte[]> work)
        {
            var section = new byte[Bytes.Length / Shape.Z];
            for (var z = 0; z < Shape.Z; z++)
            {
                Bytes.AsSpan(z * section.Length, section.Length).CopyTo(section);
                work(z, section);
            }
        }
    }
}
