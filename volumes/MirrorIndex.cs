// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Volumes;

/// <summary>Which voxel stands for one beyond the border.</summary>
public static class MirrorIndex
{
    /// <summary>
    /// Reflects about the border voxel without repeating it (numpy's "reflect"): with n voxels the period is 2(n - 1),
    /// so -1 becomes 1 and n becomes n - 2, as often as needed. With one voxel, that voxel everywhere.
    /// </summary>
    /// <param name="index">Any index, negative too.</param>
    /// <param name="n">Number of voxels along the axis, 1 or more.</param>
    /// <returns>0..n - 1.</returns>
    public static int Of(int index, int n)
    {
        if ((uint)index < (uint)n)
            return index;
        if (n == 1)
            return 0;
        var period = 2L * (n - 1);
        var i = index % period;
        if (i < 0)
            i += period;
        return (int)(i < n ? i : period - i);
    }
}
