// SPDX-License-Identifier: Apache-2.0
using Teravox.Compute.Interop;
using Teravox.Contracts;

namespace Teravox.Compute;

/// <summary>How far a network looks.</summary>
public static class Reach
{
    /// <summary>
    /// Reach: how many voxels to each side of an output voxel, per axis, can change it. With group norm that of the
    /// convolutions only, since its statistics cover the whole tile. Grid: the product of the pool factors; tile origins,
    /// halos, tile sizes and patches are multiples of it.
    /// </summary>
    /// <exception cref="InputException">The architecture cannot be built.</exception>
    public static (Int3 Reach, Int3 Grid) Of(UNetArchitecture a)
    {
        ArgumentNullException.ThrowIfNull(a);
        NativeStatus.Check(NativeMethods.ArchReach(a.ToNative(1), out var reach, out var grid), Arguments.Users);
        return (reach.ToInt3(), grid.ToInt3());
    }
}
