// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Teravox.Contracts;
using Teravox.Volumes;
using Teravox.Volumes.Phantom;

namespace Teravox.Cli.Commands;

/// <summary>teravox phantom: a generated tissue as a labelled stack of images.</summary>
internal static class PhantomCommand
{
    public static Command Make()
    {
        var shape = new Option<string>("--shape") { Description = "Shape Z,Y,X in voxels.", DefaultValueFactory = _ => "32,256,256" };
        var seed = new Option<ulong>("--seed") { Description = "The seed it grows from.", DefaultValueFactory = _ => 1 };
        var outDir = Options.Out("Folder to write; must not exist or be empty.");
        return new Command(
            "phantom",
            """
            Writes a phantom: raw/*.tif, labels/*.png and classes.json, as a labelled stack of one's own would lie. It is generated data and proves nothing about real tissue.

            Example:
              ./teravox phantom --shape 32,256,256 --seed 1 --out phantom
            """)
        {
            shape, seed, outDir,
        }.Does((r, ct) =>
        {
            var folder = Path.GetFullPath(r.GetRequiredValue(outDir));
            if (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any())
                throw new InputException($"--out {folder}: the folder is not empty; name another.");
            var size = Options.ParseShape(r.GetRequiredValue(shape), "--shape");
            if (size is not { Z: >= 8, Y: >= 8, X: >= 8 })
                throw new InputException($"--shape {size}: must be at least 8,8,8.");
            var grown = Phantom.Generate(size, r.GetValue(seed), ct: ct);

            // The whole folder appears at once or not at all.
            var temporary = folder + ".tmp-" + Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
            Directory.CreateDirectory(Path.Combine(temporary, "raw"));
            Directory.CreateDirectory(Path.Combine(temporary, "labels"));
            try
            {
                var slice = size.Y * size.X;
                for (var z = 0; z < size.Z; z++)
                {
                    ct.ThrowIfCancellationRequested();
                    var name = z.ToString("D4", CultureInfo.InvariantCulture);
                    var raw = new SliceImage(size.X, size.Y, PixelKind.Grey8, grown.Raw.AsSpan(z * slice, slice).ToArray(), null);
                    var labels = raw with { Data = grown.Labels.AsSpan(z * slice, slice).ToArray() };
                    File.WriteAllBytes(Path.Combine(temporary, "raw", name + ".tif"), ImageCodec.EncodeTiff(raw));
                    File.WriteAllBytes(Path.Combine(temporary, "labels", name + ".png"), ImageCodec.EncodePng(labels));
                }

                File.WriteAllText(Path.Combine(temporary, "classes.json"), JsonSerializer.Serialize(Phantom.Classes, TeravoxJson.Indented) + "\n");
                if (Directory.Exists(folder))
                    Directory.Delete(folder);
                Directory.Move(temporary, folder);
            }
            finally
            {
                if (Directory.Exists(temporary))
                    Directory.Delete(temporary, recursive: true);
            }

            Console.Out.WriteLine($"Phantom {size}: {folder}");
            return Task.FromResult(Guarded.Success);
        });
    }
}
