// SPDX-License-Identifier: Apache-2.0
// The side of ours in bench/train_networks.py. "step": for each line on standard input one training step, answered by its seconds, the
// seconds of all threads together, and the loss. "augmentation": milliseconds to cut a patch, by what is drawn.
using System.Diagnostics;
using System.Globalization;
using Teravox.Contracts;
using Teravox.Networks;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
var patch = new Int3(int.Parse(args[1]), int.Parse(args[2]), int.Parse(args[3]));
if (args[0] == "step")
    Steps(args[4], args[5], args[6], int.Parse(args[7]));
else
    Augmentations();

void Steps(string model, string voxels, string labels, int threads)
{
    using var network = Network.Load(model);
    var options = new TrainingOptions { Patch = patch, Augmentation = AugmentationOptions.None };
    int? target = network.OutChannels == 1 ? 1 : null;
    using var trainer = Trainer.Start(network, options, seed: 0, target, VoxelSize.Unit, Devices.Choose(null), threads);
    var (v, l) = (File.ReadAllBytes(voxels), File.ReadAllBytes(labels));
    Console.WriteLine(Devices.BuildInfo);
    while (Console.ReadLine() is not null)
    {
        var (clock, before) = (Stopwatch.StartNew(), Cpu());
        var loss = trainer.Step(new TrainingBlock { Voxels = v, Labels = l, Type = VoxelType.UInt8, Shape = patch, Mean = 127.5f, Std = 73.9f }, CancellationToken.None);
        Console.WriteLine($"{clock.Elapsed.TotalSeconds:F4} {(Cpu() - before).TotalSeconds:F4} {loss:F6}");
    }
}

void Augmentations()
{
    var (none, usual) = (AugmentationOptions.None, new AugmentationOptions());
    var all = new AugmentationOptions
    {
        Rotation = usual.Rotation with { Probability = 1 },
        Scaling = usual.Scaling with { Probability = 1 },
        Elastic = usual.Elastic with { Probability = 1 },
        Contrast = usual.Contrast with { Probability = 1 },
        Noise = usual.Noise with { Probability = 1 },
        Blur = usual.Blur with { Probability = 1 },
        Sharpen = usual.Sharpen with { Probability = 1 },
    };
    Time("nothing", none);
    Time("flip", none with { Flip = all.Flip });
    Time("rotation", none with { Rotation = all.Rotation });
    Time("scaling", none with { Scaling = all.Scaling });
    Time("elastic", none with { Elastic = all.Elastic });
    Time("contrast", none with { Contrast = all.Contrast });
    Time("noise", none with { Noise = all.Noise });
    Time("blur", none with { Blur = all.Blur });
    Time("sharpen", none with { Sharpen = all.Sharpen });
    Time("everything", all);
    Time("the defaults", usual);
}

void Time(string name, AugmentationOptions o)
{
    const int Draws = 60;
    var source = Augmentation.SourceShape(o, patch, VoxelSize.Unit);
    var voxels = new byte[source.Count];
    new Random(0).NextBytes(voxels);
    var block = new TrainingBlock { Voxels = voxels, Labels = voxels, Type = VoxelType.UInt8, Shape = source, Mean = 127.5f, Std = 73.9f };
    var (raw, labels, before) = (new float[patch.Count], new byte[patch.Count], TimeSpan.Zero);
    for (var index = 0; index < 2 * Draws; index++)
    {
        // The first half is for the compiler.
        if (index == Draws)
            before = Cpu();
        Augmentation.Apply(o, VoxelSize.Unit, 0, (ulong)(index % Draws), block, patch, raw, labels);
    }

    Console.WriteLine($"  {name,-13} {(Cpu() - before).TotalMilliseconds / Draws,7:F2} ms a patch, cut from {source}");
}

static TimeSpan Cpu()
{
    using var me = Process.GetCurrentProcess();
    return me.TotalProcessorTime;
}
