// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Volumes.Phantom;

/// <summary>Distances to a path of straight pieces.</summary>
internal static class Tube
{
    /// <summary>Distance of p to the path, and how far along the path the nearest point lies, in nm.</summary>
    public static (double Distance, double Along) Distance(List<Point> path, Point p)
    {
        var d0 = p - path[0];
        var (best, along, walked) = (d0.Dot(d0), 0.0, 0.0);
        for (var k = 0; k + 1 < path.Count; k++)
        {
            var piece = path[k + 1] - path[k];
            var length = piece.Length;
            var t = Math.Clamp((p - path[k]).Dot(piece) / Math.Max(length * length, 1e-9), 0, 1);
            var d = p - (path[k] + (piece * t));
            var square = d.Dot(d);
            if (square < best)
                (best, along) = (square, walked + (t * length));
            walked += length;
        }

        return (Math.Sqrt(best), along);
    }
}
