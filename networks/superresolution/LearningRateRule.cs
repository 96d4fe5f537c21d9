// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Networks;

/// <summary>
/// ZSSR's learning rate. The reconstruction error is reported every <see cref="TestEvery"/> iterations; every <see cref="CheckEvery"/>, and
/// at least <see cref="LeastBetween"/> after the last change, a line is fitted to the last <see cref="Fitted"/> errors. When the error no
/// longer falls clearly (-1.5 slope &lt; standard error of the slope) the rate is divided by ten; below the minimum the run ends.
/// </summary>
/// <param name="rate">The first rate.</param>
/// <param name="minimum">The rate below which there is nothing more to learn.</param>
internal sealed class LearningRateRule(double rate, double minimum)
{
    public const int TestEvery = 50, CheckEvery = 60, LeastBetween = 256, Fitted = 5;

    private const double SlopeRatio = 1.5;

    private readonly Queue<(double Iteration, double Error)> _errors = new();
    private int _changed;

    public double Rate { get; private set; } = rate;

    public bool Ended => Rate < minimum;

    /// <summary>The error measured in iteration <paramref name="iteration"/> (from 0).</summary>
    public void Report(int iteration, double error)
    {
        _errors.Enqueue((iteration, error));
        if (_errors.Count > Fitted)
            _errors.Dequeue();
    }

    /// <summary>To be called at the end of every iteration.</summary>
    public void Consider(int iteration)
    {
        if ((iteration + 1) % CheckEvery != 0 || iteration - _changed <= LeastBetween || _errors.Count < Fitted)
            return;
        var (slope, spread) = Fit();

        // An error that stands still to the last bit has slope and spread 0, and has ended as well.
        if (-SlopeRatio * slope < spread || (slope == 0 && spread == 0))
            Lower(iteration);
    }

    /// <summary>Divides the rate whatever the errors say.</summary>
    public void Lower(int iteration)
    {
        Rate /= 10;
        _changed = iteration;
    }

    // Least squares of error = slope * iteration + c: the slope and its standard error (n - 2 degrees of freedom).
    private (double Slope, double Spread) Fit()
    {
        var (x, y) = (_errors.Average(e => e.Iteration), _errors.Average(e => e.Error));
        var xx = _errors.Sum(e => (e.Iteration - x) * (e.Iteration - x));
        var slope = _errors.Sum(e => (e.Iteration - x) * (e.Error - y)) / xx;
        var residual = _errors.Sum(e => Math.Pow(e.Error - y - (slope * (e.Iteration - x)), 2));
        return (slope, Math.Sqrt(residual / (_errors.Count - 2) / xx));
    }
}
