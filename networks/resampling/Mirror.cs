// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Networks;

/// <summary>Which pixel a mirror shows in the place of one beyond the border, however far it lies. n: pixels of the axis, 1 or more.</summary>
internal static class Mirror
{
    /// <summary>The mirror stands at the image's edge, so the edge pixel is repeated: 2 1 0 | 0 1 2.</summary>
    public static int AtEdge(int i, int n)
    {
        i = Modulo(i, 2 * n);
        return i < n ? i : 2 * n - 1 - i;
    }

    /// <summary>It stands at the edge pixel's centre, so that is not: 2 1 | 0 1 2.</summary>
    public static int AtCentre(int i, int n)
    {
        if (n == 1)
            return 0;
        var period = 2 * (n - 1);
        i = Modulo(i, period);
        return i < n ? i : period - i;
    }

    private static int Modulo(int i, int period) => ((i % period) + period) % period;
}
