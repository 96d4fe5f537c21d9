// SPDX-License-Identifier: Apache-2.0
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Teravox.Networks;

/// <summary>
/// Features of a box of a level: (z, y, x, channels), contiguous. A voxel's channels lie next to each other, as the fast kernels of
/// processors and GPUs want them, and a part of the box is a view.
/// </summary>
internal readonly record struct Feature(Tensor Values, Region Box)
{
    /// <summary>A part of the box, as a view.</summary>
    public Tensor Part(Region part)
    {
        var values = Values;
        for (var axis = 0; axis < 3; axis++)
            values = values.narrow(axis, part[axis].From - Box[axis].From, part[axis].Size);
        return values;
    }

    /// <summary>A region that may reach beyond the box: there, it is zero.</summary>
    public Tensor WithZeros(Region region)
    {
        var box = Box;
        var inside = region.Map((interval, axis) => new Interval(Math.Max(interval.From, box[axis].From), Math.Min(interval.To, box[axis].To)));
        var part = Part(inside);
        if (inside == region)
            return part;
        long Low(int axis) => inside[axis].From - region[axis].From;
        long High(int axis) => region[axis].To - inside[axis].To;
        return functional.pad(part, [0, 0, Low(2), High(2), Low(1), High(1), Low(0), High(0)]);
    }

    /// <summary>PyTorch's view (1, channels, z, y, x) of values (z, y, x, channels); nothing moves in memory.</summary>
    public static Tensor ToTorch(Tensor values) => values.unsqueeze(0).permute(0, 4, 1, 2, 3);

    /// <summary>The way back; moves what is not in order.</summary>
    public static Tensor OfTorch(Tensor values) => values.permute(0, 2, 3, 4, 1).squeeze(0).contiguous();
}
