// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Volumes;

/// <summary>What a stack is opened for.</summary>
public enum StackUse
{
    /// <summary>Grey levels: every slice is 8-bit grey or every slice is 16-bit grey.</summary>
    Raw,

    /// <summary>Labels: any kind of image, also different kinds in one stack, since a class map translates each slice.</summary>
    Labels,
}

/// <summary>How much a stack may claim before it is refused; guards against archives made to fill memory or disk.</summary>
public sealed record StackLimits
{
    /// <summary>The defaults.</summary>
    public static StackLimits Default { get; } = new();

    /// <summary>Most slices.</summary>
    public int MaxSlices { get; init; } = 200_000;

    /// <summary>Most bytes of one image file, unpacked from its archive if it lies in one.</summary>
    public long MaxFileBytes { get; init; } = 2L << 30;

    /// <summary>Most bytes of all image files of an archive, unpacked.</summary>
    public long MaxArchiveBytes { get; init; } = 256L << 30;

    /// <summary>
    /// Most times that an archive may grow when it is unpacked, once that is more than <see cref="ExpansionFloor"/>.
    /// </summary>
    public double MaxExpansion { get; init; } = 500;

    /// <summary>Unpacked bytes below which any expansion is fine: empty label images shrink a thousandfold.</summary>
    public long ExpansionFloor { get; init; } = 256L << 20;
}
