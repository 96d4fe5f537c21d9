// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Volumes.Phantom;

/// <summary>A position or direction in nanometres, (z, y, x).</summary>
internal readonly record struct Point(double Z, double Y, double X)
{
    public static Point operator +(Point a, Point b) => new(a.Z + b.Z, a.Y + b.Y, a.X + b.X);

    public static Point operator -(Point a, Point b) => new(a.Z - b.Z, a.Y - b.Y, a.X - b.X);

    public static Point operator *(Point a, double s) => new(a.Z * s, a.Y * s, a.X * s);

    public double Length => Math.Sqrt(Dot(this));

    public double Dot(Point b) => (Z * b.Z) + (Y * b.Y) + (X * b.X);

    public Point Cross(Point b) => new((Y * b.X) - (X * b.Y), (X * b.Z) - (Z * b.X), (Z * b.Y) - (Y * b.Z));

    public Point Unit()
    {
        var length = Length;
        return length > 1e-9 ? this * (1 / length) : new Point(1, 0, 0);
    }

    /// <summary>Two unit vectors that make a right-angled frame with this unit vector.</summary>
    public (Point U, Point V) Frame()
    {
        var other = Math.Abs(X) < .7 ? new Point(0, 0, 1) : new Point(0, 1, 0);
        var u = Cross(other).Unit();
        return (u, Cross(u));
    }
}

/// <summary>Shapes blended from distances.</summary>
internal static class Blend
{
    /// <summary>Smooth minimum: like the minimum, rounded where a and b differ by less than k.</summary>
    public static double Min(double a, double b, double k)
    {
        var h = Math.Max(k - Math.Abs(a - b), 0) / k;
        return Math.Min(a, b) - (h * h * k / 4);
    }

    /// <summary>Smooth maximum.</summary>
    public static double Max(double a, double b, double k) => -Min(-a, -b, k);

    /// <summary>0 below -half, 1 above half, a straight ramp between.</summary>
    public static double Ramp(double v, double half) => Math.Clamp((v / (2 * half)) + .5, 0, 1);

    /// <summary>A wave of period 1 that goes 0, 1, 0 along a parabola.</summary>
    public static double Wave(double t)
    {
        t -= Math.Floor(t);
        return 4 * t * (1 - t);
    }

    /// <summary>From a to b.</summary>
    public static double Lerp(double a, double b, double t) => a + (t * (b - a));
}
