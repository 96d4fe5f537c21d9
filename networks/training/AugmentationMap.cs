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
        _field.ReadRow(z, y);
        Displace(0, alongZ);
        Displace(1, alongY);
        Displace(2, alongX);
    }

    private void Displace(int axis, Span<float> positions)
    {
        foreach (var k in Axes.All)
            GreyValues.AddScaled(positions, _field!.Row[k], (float)_matrix[axis, k]);
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

    private readonly SplineAxis _z, _y, _x;
    private readonly float[][] _controls = new float[3][];  // displacement along each axis in its voxels, at the controls (z, y, x)
    private readonly float[][] _plane = new float[3][];  // the same at the controls (y, x) of the z that is being read
    private readonly float[] _line;  // and at the controls x of the row
    private readonly float[] _limit = new float[3];
    private int _planeZ = -1;

    public ElasticField(ElasticOptions o, VoxelSize spacing, ulong seed, ulong index, Int3 patch)
    {
        SplineAxis[] axes = [.. Axes.All.Select(k => new SplineAxis(patch[k], o.Spacing * spacing.XVoxelsTo(k)))];
        (_z, _y, _x) = (axes[0], axes[1], axes[2]);
        _line = new float[_x.Controls];
        var count = checked(_z.Controls * _y.Controls * _x.Controls);
        foreach (var k in Axes.All)
        {
            Row[k] = new float[patch.X];
            _plane[k] = new float[_y.Controls * _x.Controls];
            var deviation = o.Amplitude * spacing.XVoxelsTo(k);
            _limit[k] = (float)(Augmentation.DisplacementLimit * deviation);
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

    /// <summary>Displacements of the row that was read last: for each axis, in its voxels, those of the row's voxels.</summary>
    public float[][] Row { get; } = new float[3][];

    /// <summary>The spline is separable: the controls are weighed along z for a plane, along y for a row, along x for a voxel.</summary>
    public void ReadRow(int z, int y)
    {
        foreach (var k in Axes.All)
        {
            if (z != _planeZ)
                _z.Weigh(z, _controls[k], _plane[k]);
            _y.Weigh(y, _plane[k], _line);
            _x.Read(_line, Row[k]);
            foreach (ref var d in Row[k].AsSpan())
                d = float.ClampNative(d, -_limit[k], _limit[k]);
        }

        _planeZ = z;
    }

    /// <summary>Cubic B-spline weights along one axis: voxel i reads the controls _first[i] .. _first[i] + 3.</summary>
    private sealed class SplineAxis
    {
        private const int Taps = 4;

        private readonly int[] _first;
        private readonly float[] _weights;

        public SplineAxis(int voxels, double step)
        {
            _first = new int[voxels];
            _weights = new float[Taps * voxels];
            for (var i = 0; i < voxels; i++)
            {
                var t = i / step;
                var (f, g) = (t - Math.Floor(t), 1 - (t - Math.Floor(t)));
                _first[i] = (int)t;
                _weights[Taps * i] = (float)(g * g * g / 6);
                _weights[(Taps * i) + 1] = (float)((4 - (6 * f * f) + (3 * f * f * f)) / 6);
                _weights[(Taps * i) + 2] = (float)((4 - (6 * g * g) + (3 * g * g * g)) / 6);
                _weights[(Taps * i) + 3] = (float)(f * f * f / 6);
            }

            Controls = _first[^1] + Taps;
        }

        public int Controls { get; }

        /// <summary>The weighted sum of the voxel's four controls, each of which is as many numbers as <paramref name="sum"/>.</summary>
        public void Weigh(int voxel, ReadOnlySpan<float> controls, Span<float> sum)
        {
            sum.Clear();
            for (var tap = 0; tap < Taps; tap++)
                GreyValues.AddScaled(sum, controls.Slice((_first[voxel] + tap) * sum.Length, sum.Length), _weights[(Taps * voxel) + tap]);
        }

        /// <summary>The same for all voxels, of controls that are one number each.</summary>
        public void Read(ReadOnlySpan<float> controls, Span<float> values)
        {
            for (var i = 0; i < values.Length; i++)
            {
                var (c, w) = (_first[i], Taps * i);
                values[i] = (_weights[w] * controls[c]) + (_weights[w + 1] * controls[c + 1]) + (_weights[w + 2] * controls[c + 2]) + (_weights[w + 3] * controls[c + 3]);
            }
        }
    }
}
