// SPDX-License-Identifier: Apache-2.0
using System.CommandLine;
using Teravox.Contracts;
using Teravox.Grains.Report;
using Teravox.Volumes;

namespace Teravox.Cli.Commands;

/// <summary>teravox explore: what a stack is, before anything is trained on it.</summary>
internal static class ExploreCommand
{
    // Enough for the pictures of a stack of thousands of sections; histogram and shares are exact all the same.
    private const int MaxDepth = SectionReader.MaxSide;

    public static Command Make()
    {
        var raw = new Argument<string>("raw") { Description = "A folder, zip or multi-page TIFF of slices, or an OME-Zarr." };
        var labels = new Option<string?>("--labels", "-l") { Description = "Label images of the same slices." };
        var classes = new Option<string?>("--classes", "-c") { Description = "classes.json: which label value means which class." };
        var outDir = Options.Out("Folder for explore.html and the tables.");
        return new Command(
            "explore",
            """
            Looks at a stack: intensity histogram, and with labels the class shares, every class against the rest, and overlays in xy and yz.

            Example:
              ./teravox explore my-stack/raw --labels my-stack/labels --classes my-stack/classes.json --out look
            """)
        {
            raw, labels, classes, outDir,
        }.Does((r, ct) =>
        {
            using var progress = ProgressView.Make(json: false);
            using var stack = ImageStack.Open(r.GetRequiredValue(raw));
            using var truth = r.GetValue(labels) is { } path ? ImageStack.Open(path, use: StackUse.Labels) : null;
            var map = r.GetValue(classes) is { } file ? ClassMapFile.Load(file) : null;
            if ((truth is null) != (map is null))
                throw new InputException("--labels and --classes go together: label values mean nothing without a class map");
            if (truth is not null && truth.Shape != stack.Shape)
                throw new InputException($"{truth.Source}: is {truth.Shape}, but the raw slices are {stack.Shape}");

            var input = Read(stack, truth, map, progress, ct);
            var folder = Path.GetFullPath(r.GetRequiredValue(outDir));
            ExploreWriter.Write(folder, input);
            progress.Finish();
            Console.Out.WriteLine($"{stack.Shape} voxels, mean {input.Intensity.Mean:F1}, standard deviation {input.Intensity.Std:F1}: {Path.Combine(folder, "explore.html")}");
            return Task.FromResult(Guarded.Success);
        });
    }

    // One pass over the slices: counts of all, and of each slice the columns that the yz section shows.
    private static ExploreInput Read(ImageStack stack, ImageStack? truth, ClassMap? map, ProgressView progress, CancellationToken ct)
    {
        var (shape, type) = (stack.Shape, stack.Kind.VoxelType());
        var histogram = VoxelHistogram.Empty(type);
        var counts = new long[256];
        var middle = shape.Z / 2;
        var depth = Math.Min(shape.Z, MaxDepth);
        var firstZ = (shape.Z - depth) / 2;
        var voxel = stack.VoxelSize ?? VoxelSize.Unit;
        byte[] middleRaw = [], middleIds = [];
        var yzRaw = new byte[depth * shape.Y * type.Bytes()];
        var yzIds = new byte[depth * shape.Y];
        var ids = new byte[shape.Y * shape.X];
        for (var z = 0; z < shape.Z; z++)
        {
            ct.ThrowIfCancellationRequested();
            var slice = stack.ReadSlice(z).Data;
            histogram.Add(slice);
            if (truth is not null)
            {
                LabelReader.ReadSlice(truth, z, map!, ids);
                foreach (var id in ids)
                    counts[id]++;
            }

            if (z == middle)
                (middleRaw, middleIds) = (slice, ids.ToArray());
            if (z >= firstZ && z < firstZ + depth)
            {
                for (var y = 0; y < shape.Y; y++)
                {
                    var (from, to) = ((y * shape.X) + (shape.X / 2), ((z - firstZ) * shape.Y) + y);
                    slice.AsSpan(from * type.Bytes(), type.Bytes()).CopyTo(yzRaw.AsSpan(to * type.Bytes()));
                    yzIds[to] = ids[from];
                }
            }

            progress.Check("reading slices", z + 1, shape.Z);
        }

        var grey = new GreyScale(histogram);
        var labelled = truth is not null;
        return new ExploreInput
        {
            Name = Path.GetFileName(Path.TrimEndingDirectorySeparator(stack.Source)),
            Shape = shape,
            VoxelSize = voxel,
            Intensity = histogram,
            Classes = map,
            ClassCounts = labelled ? counts : null,
            Sections =
            [
                Section($"xy, z = {middle}", shape.X, shape.Y, voxel.Y / voxel.X, grey.Of(middleRaw), labelled ? middleIds : null),
                Section($"yz, x = {shape.X / 2}", shape.Y, depth, voxel.Z / voxel.Y, grey.Of(yzRaw), labelled ? yzIds : null),
            ],
        };
    }

    private static OverlaySet Section(string title, int width, int height, double aspect, byte[] raw, byte[]? ids) =>
        new() { Title = title, Width = width, Height = height, PixelAspect = aspect, Raw = raw, Truth = ids };
}
