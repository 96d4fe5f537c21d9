// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Networks;

/// <summary>
/// Random numbers by counter: number i is a function of (seed, index, purpose, i) alone. So a draw has no hidden state, can be made in any
/// order and on any thread, and is the same in a resumed run.
/// </summary>
internal readonly struct RandomStream(ulong seed, ulong index, ulong purpose)
{
    private const ulong Golden = 0x9e3779b97f4a7c15;
    private const float TwoToMinus32 = 1f / (1UL << 32);
    private const float Turn = (float)(2 * Math.PI / (1UL << 32));

    // Each is mixed in by itself, so neighbouring seeds and indices give unrelated streams.
    private readonly ulong _key = Mix(Mix(Mix(seed + Golden) ^ (index * Golden)) + (purpose * 0xd1342543de82ef95));

    /// <summary>64 random bits.</summary>
    public ulong Bits(ulong i) => Mix(_key + ((i + 1) * Golden));

    /// <summary>In [0, 1), a multiple of 2^-53.</summary>
    public double Uniform(ulong i) => (Bits(i) >> 11) * (1.0 / (1UL << 53));

    /// <summary>Drawn evenly from low to high.</summary>
    public double Uniform(ulong i, double low, double high) => low + ((high - low) * Uniform(i));

    /// <summary>Standard normal numbers 2 i and 2 i + 1 (Box and Muller 1958), within +-6.7 since 32 bits make the radius.</summary>
    public (float First, float Second) NormalPair(ulong i)
    {
        var bits = Bits(i);

        // It may round up to 1, and log(1) = 0 is fine; it is never 0.
        var even = ((uint)(bits >> 32) + 0.5f) * TwoToMinus32;
        var radius = MathF.Sqrt(-2 * MathF.Log(even));
        var (sin, cos) = MathF.SinCos((uint)bits * Turn);
        return (radius * cos, radius * sin);
    }

    // The finaliser of SplitMix64 (Steele, Lea, Flood 2014): a bijection in which every input bit moves every output bit.
    private static ulong Mix(ulong x)
    {
        x ^= x >> 30;
        x *= 0xbf58476d1ce4e5b9;
        x ^= x >> 27;
        x *= 0x94d049bb133111eb;
        return x ^ (x >> 31);
    }
}
