// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Networks;

/// <summary>
/// ZSSR's augmentation: which part of a father image a training step sees, and how it is turned. The crop's pixel p shows the father's
/// place Centre + Turn * (p - middle of the crop), both (y, x).
/// </summary>
/// <param name="Exact">Pixels land on pixels: nothing is interpolated.</param>
/// <param name="CentreY">Row of the father in the crop's middle.</param>
/// <param name="CentreX">Column of the father in the crop's middle.</param>
/// <param name="Turn">From steps in the crop to steps in the father.</param>
internal readonly record struct CropDraw(bool Exact, double CentreY, double CentreX, Matrix2 Turn)
{
    private const ulong Purpose = 0x2a55c407;
    private const double AsIs = .05, Turned = .45;

    /// <summary>Ranges of the affine maps; MostSigma bounds what is drawn from a normal distribution.</summary>
    private const double LeastScale = .5, Anisotropy = .25, Shear = .1, MostSigma = 2;

    private const double LeastInside = .5;

    /// <summary>An interpolated pixel reads one pixel before its place and two after.</summary>
    private const double Margin = 1;

    /// <summary>
    /// Draw <paramref name="index"/> of the seed: with probability .05 the father as it is, .45 turned by quarters and mirrored, .50 by an
    /// affine map (shrunk to .5-1, small anisotropy and shear, any angle). A crop that fits lies inside the father; one that shows too
    /// little of it (a small father) gives way to an exact one.
    /// </summary>
    public static CropDraw Draw(ulong seed, ulong index, (int Y, int X) father, (int Y, int X) crop)
    {
        var random = new RandomStream(seed, index, Purpose);
        var chosen = random.Uniform(0);
        if (chosen >= AsIs + Turned)
        {
            var difference = Normal(random.NormalPair(1).First, Anisotropy);
            var (shearY, shearX) = random.NormalPair(2);
            var scale = random.Uniform(3, LeastScale, 1);
            var stretch = new Matrix2(scale * (1 - (difference / 2)), 0, 0, scale * (1 + (difference / 2)));
            var shear = new Matrix2(1, Normal(shearY, Shear), Normal(shearX, Shear), 1);
            var turn = (Matrix2.Rotation(random.Uniform(4, 0, 2 * Math.PI)) * (shear * stretch)).Inverse();
            var (halfY, halfX) = turn.HalfExtents(crop);
            var draw = new CropDraw(false, Place(halfY, father.Y, random.Uniform(5)), Place(halfX, father.X, random.Uniform(6)), turn);
            if (draw.ShareInside(father, crop) >= LeastInside)
                return draw;
        }

        return DrawExact(random, chosen < AsIs, father, crop);

        static double Normal(float normal, double sigma) => sigma * Math.Clamp(normal, -MostSigma, MostSigma);
    }

    /// <summary>
    /// Fills the crop by bicubic interpolation (Keys, a = -1/2). <paramref name="inside"/> is 1 where the father alone made the pixel, else
    /// 0: there the crop continues the father by mirroring, so that no black corner is seen, and the loss leaves it out.
    /// </summary>
    /// <returns>Number of pixels inside.</returns>
    public int Cut(Plane father, Plane crop, Plane inside)
    {
        var (middleY, middleX) = (.5 * (crop.Y - 1), .5 * (crop.X - 1));
        var count = 0;
        for (var i = 0; i < crop.Y; i++)
        {
            var row = crop.Row(i);
            var insideRow = inside.Row(i);
            for (var j = 0; j < row.Length; j++)
            {
                var (v, u) = (i - middleY, j - middleX);
                var y = CentreY + (Turn.YY * v) + (Turn.YX * u);
                var x = CentreX + (Turn.XY * v) + (Turn.XX * u);
                var within = true;
                row[j] = Exact ? father[(int)Math.Round(y), (int)Math.Round(x)] : Interpolated(father, y, x, out within);
                insideRow[j] = within ? 1 : 0;
                count += within ? 1 : 0;
            }
        }

        return count;
    }

    private static float Interpolated(Plane father, double y, double x, out bool inside)
    {
        var (cellY, cellX) = (Math.Floor(y), Math.Floor(x));
        var (firstY, firstX) = ((int)cellY - 1, (int)cellX - 1);
        Span<float> weightsY = stackalloc float[4], weightsX = stackalloc float[4];
        for (var k = 0; k < 4; k++)
        {
            weightsY[k] = (float)AxisWeights.Keys(y - cellY + 1 - k);
            weightsX[k] = (float)AxisWeights.Keys(x - cellX + 1 - k);
        }

        inside = firstY >= 0 && firstY + 3 < father.Y && firstX >= 0 && firstX + 3 < father.X;
        float sum = 0;
        for (var k = 0; k < 4; k++)
        {
            float part = 0;
            if (inside)
            {
                var four = father.Row(firstY + k).Slice(firstX, 4);
                part = (weightsX[0] * four[0]) + (weightsX[1] * four[1]) + (weightsX[2] * four[2]) + (weightsX[3] * four[3]);
            }
            else
            {
                var whole = father.Row(Mirror.AtEdge(firstY + k, father.Y));
                for (var l = 0; l < 4; l++)
                    part += weightsX[l] * whole[Mirror.AtEdge(firstX + l, father.X)];
            }

            sum += weightsY[k] * part;
        }

        return sum;
    }

    private static CropDraw DrawExact(RandomStream random, bool asIs, (int Y, int X) father, (int Y, int X) crop)
    {
        var standing = !asIs && (random.Bits(10) & 1) != 0 && crop.X <= father.Y && crop.Y <= father.X;
        var (signY, signX) = (Sign(11), Sign(12));
        var turn = standing ? new Matrix2(0, signY, signX, 0) : new Matrix2(signY, 0, 0, signX);
        var (rows, columns) = standing ? (crop.X, crop.Y) : crop;

        // The first row and column are whole numbers, so every pixel falls on one.
        var top = Math.Floor(random.Uniform(13) * (father.Y - rows + 1));
        var left = Math.Floor(random.Uniform(14) * (father.X - columns + 1));
        return new CropDraw(true, top + (.5 * (rows - 1)), left + (.5 * (columns - 1)), turn);

        double Sign(ulong i) => !asIs && (random.Bits(i) & 1) != 0 ? -1 : 1;
    }

    // A place for the crop's centre along an axis: anywhere it fits, or anywhere that shows all of a shorter father.
    private static double Place(double half, int size, double uniform)
    {
        var (a, b) = (Margin + half, size - 1 - Margin - half);
        return Math.Min(a, b) + (uniform * Math.Abs(b - a));
    }

    // Share of the crop's pixels whose place is inside, on a grid fine enough to choose by.
    private double ShareInside((int Y, int X) father, (int Y, int X) crop)
    {
        const int grid = 16;
        var inside = 0;
        for (var i = 0; i < grid; i++)
        {
            for (var j = 0; j < grid; j++)
            {
                var (v, u) = ((((i + .5) / grid) - .5) * crop.Y, (((j + .5) / grid) - .5) * crop.X);
                var y = CentreY + (Turn.YY * v) + (Turn.YX * u);
                var x = CentreX + (Turn.XY * v) + (Turn.XX * u);
                inside += y >= Margin && y <= father.Y - 1 - Margin && x >= Margin && x <= father.X - 1 - Margin ? 1 : 0;
            }
        }

        return inside / (double)(grid * grid);
    }
}

/// <summary>A map of the plane, (y, x) to (y, x): YX is what a step along x adds along y.</summary>
internal readonly record struct Matrix2(double YY, double YX, double XY, double XX)
{
    public static Matrix2 Rotation(double angle) => new(Math.Cos(angle), -Math.Sin(angle), Math.Sin(angle), Math.Cos(angle));

    public static Matrix2 operator *(Matrix2 a, Matrix2 b) => new(
        (a.YY * b.YY) + (a.YX * b.XY), (a.YY * b.YX) + (a.YX * b.XX), (a.XY * b.YY) + (a.XX * b.XY), (a.XY * b.YX) + (a.XX * b.XX));

    public Matrix2 Inverse()
    {
        var d = (YY * XX) - (YX * XY);
        return new(XX / d, -YX / d, -XY / d, YY / d);
    }

    /// <summary>How far the map takes the corners of an image from its middle, along each axis.</summary>
    public (double Y, double X) HalfExtents((int Y, int X) shape)
    {
        var (v, u) = (.5 * (shape.Y - 1), .5 * (shape.X - 1));
        return ((Math.Abs(YY) * v) + (Math.Abs(YX) * u), (Math.Abs(XY) * v) + (Math.Abs(XX) * u));
    }
}
