// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Compute.Interop;

/// <summary>The enums and defines of teravox.h, TVX_BAD_SHAPE as BadShape.</summary>
internal static class NativeConstants
{
    public const int AbiVersion = 1;

    public const int Ok = 0;
    public const int BadArgument = 100;
    public const int BadShape = 101;
    public const int Io = 200;
    public const int BadFormat = 201;
    public const int Mismatch = 202;
    public const int NoMemory = 300;
    public const int NoDevice = 301;
    public const int Aborted = 400;
    public const int Internal = 900;

    public const int MaxLevels = 8;
    public const int OrderCbr = 0;
    public const int OrderGcr = 1;
    public const int UpsampleNearest = 0;
    public const int UpsampleTransposed = 1;
    public const int UpsampleTransposed3 = 2;

    public const int Uint8 = 0;
    public const int Uint16 = 1;

    public const int Multiclass = -1;

    public const int ReduceBicubic = 0;
    public const int ReduceGaussian = 1;
    public const int ReduceKernel = 2;
}
