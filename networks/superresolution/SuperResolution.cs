// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Networks;

/// <summary>How far training is. Errors: how the section differs from what is made of its own reduction.</summary>
/// <param name="Iterations">Made so far, of all steps.</param>
/// <param name="LearningRate">As it is now; the run ends when it falls below the least.</param>
/// <param name="BicubicError">By plain bicubic: root mean square in grey levels.</param>
/// <param name="Error">By the network, when last measured: root mean square in grey levels.</param>
/// <param name="Step">From 1; 0 when there was nothing to learn because all pixels are equal.</param>
/// <param name="Steps">More than 1 for the gradual way.</param>
/// <param name="FellBack">True when the network was no better than bicubic, which was taken in its place.</param>
public sealed record ZssrState(
    long Iterations, double LearningRate, double BicubicError, double Error, int Step, int Steps, bool FellBack);

/// <summary>Told after every iteration, and after every output of the ensemble.</summary>
/// <param name="Fraction">0..1; it jumps when the learning-rate rule ends a step before its last iteration.</param>
/// <param name="State">How far training is.</param>
public sealed record ZssrProgress(double Fraction, ZssrState State);

/// <summary>An enlarged section.</summary>
/// <param name="Voxels">Its pixels, x fastest, of the section's own type.</param>
/// <param name="Y">Rows: the section's times the scale, rounded up.</param>
/// <param name="X">Columns, likewise.</param>
/// <param name="State">How training ended.</param>
/// <param name="Time">From the call to its end.</param>
public sealed record SuperResolution(byte[] Voxels, int Y, int X, ZssrState State, TimeSpan Time);
