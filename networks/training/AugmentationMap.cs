// SPDX-License-Identifier: Apache-2.0
using Teravox.Contracts;

namespace Teravox.Networks;

/// <summary>Where the voxels of a patch come from: flips, turns, scale and elastic deformation as positions in the source block, in voxels.</summary>
internal sealed class AugmentationMap
{
    private readonly double[,] _matrix = new double[3, 3];  // patch offset in voxels to source offset in voxels
    private readonly double[] _origin = new double[3];  // where the patch's voxel (0, 0, 0) comes from, without deformation
    private readonly ElasticField? _field;

    /// <summary>Options and draw of a patch; the source has the shape that <see cref="Augmentation.SourceShape"/> gives.</summary>
    public AugmentationMap(AugmentationOptions o, VoxelSize spacing, AugmentationDraw draw, ulong seed, ulong index, Int3 patch, Int3 source)
    {
        (Patch, Source, Flip) = (patch, source, draw.Flip);
        Interpolates = draw.Elastic || draw.Scale != 1 || draw.Angle.Any(a => a != 0);
        var (turn, sizes) = (Turn(draw.Angle), spacing.Sizes());
        foreach (var i in Axes.All)
        {
            _origin[i] = 0.5 * (source[i] - 1);
            foreach (var j in Axes.All)
            {
                _matrix[i, j] = (draw.Flip[i] ? -1 : 1) * turn[i, j] / draw.Scale * sizes[j] / sizes[i];
                _origin[i] -= _matrix[i, j] * 0.5 * (patch[j] - 1);
            }
        }

        if (draw.Elastic)
            _field = new ElasticField(o.Elastic, spacing, seed, index, patch);
    }

    /// <summary>Shape of the patch.</summary>
    public Int3 Patch { get; }

    /// <summary>Shape of the block.</summary>
    public Int3 Source { get; }

    /// <summary>Whether the axes are flipped.</summary>
    public IReadOnlyList<bool> Flip { get; }

    /// <summary>False: every position is a whole number, since only flips are drawn.</summary>
    public bool Interpolates { get; }

    /// <summary>Source positions along z, y and x of the row (z, y, 0 .. width - 1) of the patch.</summary>
    public void Row(int z, int y, Span<float> alongZ, Span<float> alongY, Span<float> alongX)
    {
        Line(0, z, y, alongZ);
        Line(1, z, y, alongY);
        Line(2, z, y, alongX);
        if (_field is null)
            return;

        // Displacements are those of the patch, so they turn and scale with it.
        _field.BeginRow(z, y);
        for (var x = 0; x < Patch.X; x++)
        {
            var (dz, dy, dx) = _field.At(x);
            alongZ[x] += ((float)_matrix[0, 0] * dz) + ((float)_matrix[0, 1] * dy) + ((float)_matrix[0, 2] * dx);
            alongY[x] += ((float)_matrix[1, 0] * dz) + ((float)_matrix[1, 1] * dy) + ((float)_matrix[1, 2] * dx);
            alongX[x] += ((float)_matrix[2, 0] * dz) + ((float)_matrix[2, 1] * dy) + ((float)_matrix[2, 2] * dx);
        }
    }

    private void Line(int axis, int z, int y, Span<float> positions)
    {
        var start = (float)(_origin[axis] + (_matrix[axis, 0] * z) + (_matrix[axis, 1] * y));
        var step = (float)_matrix[axis, 2];
        for (var x = 0; x < Patch.X; x++)
            positions[x] = start + (step * x);
    }

    private static double[,] Turn(IReadOnlyList<double> angle)
    {
        var m = new double[3, 3] { { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0, 1 } };
        foreach (var about in Axes.All.Where(k => angle[k] != 0))
        {
            var (sin, cos) = Math.SinCos(angle[about]);
            var (a, b) = Axes.Plane(about);
            foreach (var j in Axes.All)
                (m[a, j], m[b, j]) = ((cos * m[a, j]) - (sin * m[b, j]), (sin * m[a, j]) + (cos * m[b, j]));
        }

        return m;
    }
}

/// <summary>Elastic displacements of a patch's voxels: a cubic B-spline through random control points. Rows are read one after the other.</summary>
internal sealed class ElasticField
{
    // Interpolation averages independent controls: the mean square of cubic B-spline weights is 151/315 per axis, so controls are drawn
    // that much wider for the displacement itself to have the asked deviation.
    private static readonly double Widen = Math.Pow(315.0 / 151, 1.5);

    private readonly SplineAxis[] _axes;
    private readonly float[][] _controls = new float[3][];  // displacement along each axis in its voxels, at the controls (z, y, x)
    private readonly float[][] _line = new float[3][];  // the same along the row that is being read
    private readonly float[] _limit = new float[3];

    public ElasticField(ElasticOptions o, VoxelSize spacing, ulong seed, ulong index, Int3 patch)
    {
        _axes = [.. Axes.All.Select(k => new SplineAxis(patch[k], o.Spacing * spacing.XVoxelsTo(k)))];
        var count = _axes.Aggregate(1, (product, axis) => checked(product * axis.Controls));
        foreach (var k in Axes.All)
        {
            var deviation = o.Amplitude * spacing.XVoxelsTo(k);
            _limit[k] = (float)(Augmentation.DisplacementLimit * deviation);
            _line[k] = new float[_axes[2].Controls];
            _controls[k] = new float[count];
            var stream = AugmentationDraw.Stream(seed, index, DrawPurpose.ElasticControls, k);
            for (var i = 0; i < count; i += 2)
            {
                var (first, second) = stream.NormalPair((ulong)i / 2);
                _controls[k][i] = (float)(Widen * deviation * first);
                if (i + 1 < count)
                    _controls[k][i + 1] = (float)(Widen * deviation * second);
            }
        }
    }

    /// <summary>The spline is separable: along a row only the weights of x change.</summary>
    public void BeginRow(int z, int y)
    {
        foreach (var line in _line)
            Array.Clear(line);
        var width = _axes[2].Controls;
        for (var a = 0; a < SplineAxis.Taps; a++)
        {
            for (var b = 0; b < SplineAxis.Taps; b++)
            {
                var weight = _axes[0].Weights[z][a] * _axes[1].Weights[y][b];
                var from = (((_axes[0].First[z] + a) * _axes[1].Controls) + _axes[1].First[y] + b) * width;
                foreach (var k in Axes.All)
                    GreyValues.AddScaled(_line[k], _controls[k].AsSpan(from, width), weight);
            }
        }
    }

    /// <summary>Displacement (z, y, x) of the row's voxel, in voxels of each axis.</summary>
    public (float Z, float Y, float X) At(int x)
    {
        var (weights, first) = (_axes[2].Weights[x], _axes[2].First[x]);
        return (Along(0), Along(1), Along(2));

        float Along(int k)
        {
            var c = _line[k].AsSpan(first, SplineAxis.Taps);
            var d = (weights[0] * c[0]) + (weights[1] * c[1]) + (weights[2] * c[2]) + (weights[3] * c[3]);
            return Math.Clamp(d, -_limit[k], _limit[k]);
        }
    }

    /// <summary>Cubic B-spline weights along one axis: voxel i reads the controls First[i] .. First[i] + 3.</summary>
    private sealed class SplineAxis
    {
        public const int Taps = 4;

        public SplineAxis(int voxels, double step)
        {
            First = new int[voxels];
            Weights = new float[voxels][];
            for (var i = 0; i < voxels; i++)
            {
                var t = i / step;
                var (f, g) = (t - Math.Floor(t), 1 - (t - Math.Floor(t)));
                First[i] = (int)t;
                Weights[i] =
                [
                    (float)(g * g * g / 6),
                    (float)((4 - (6 * f * f) + (3 * f * f * f)) / 6),
                    (float)((4 - (6 * g * g) + (3 * g * g * g)) / 6),
                    (float)(f * f * f / 6),
                ];
            }

            Controls = First[^1] + Taps;
        }

        public int[] First { get; }

        public float[][] Weights { get; }

        public int Controls { get; }
    }
}
