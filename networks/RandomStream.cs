// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Networks;

/// <summary>
/// Counter-based random numbers: number i of a stream is a function of the stream's key and i alone, so a draw has no hidden state, can be
/// made in any order, and is the same in a resumed run. Each of seed, index and purpose is mixed in by itself, so neighbouring seeds and
/// indices give unrelated streams.
/// </summary>
internal readonly struct RandomStream(ulong seed, ulong index, ulong purpose)
{
    private const ulong Golden = 0x9e3779b97f4a7c15;

    private readonly ulong _key = Mix(Mix(Mix(seed + Golden) ^ (index * Golden)) + (purpose * 0xd1342543de82ef95));

    public ulong Bits(ulong i) => Mix(_key + ((i + 1) * Golden));

    /// <summary>In [0, 1), a multiple of 2^-53.</summary>
    public double Uniform(ulong i) => (Bits(i) >> 11) * (1.0 / (1L << 53));

    public double Uniform(ulong i, double low, double high) => low + ((high - low) * Uniform(i));

    /// <summary>Normal numbers 2 i and 2 i + 1 (Box and Muller 1958), within +-6.7 since 32 bits make the radius.</summary>
    public (float First, float Second) NormalPair(ulong i)
    {
        var bits = Bits(i);
        var u = ((bits >> 32) + .5f) * (1f / (1L << 32));
        var angle = (uint)bits * (float)(2 * Math.PI / (1L << 32));

        // u may round up to 1, and log(1) = 0 is fine; it is never 0.
        var radius = MathF.Sqrt(-2 * MathF.Log(u));
        return (radius * MathF.Cos(angle), radius * MathF.Sin(angle));
    }

    // The finaliser of SplitMix64 (Steele, Lea, Flood 2014): a bijection of 64 bits in which every input bit moves every output bit.
    private static ulong Mix(ulong x)
    {
        x ^= x >> 30;
        x *= 0xbf58476d1ce4e5b9;
        x ^= x >> 27;
        x *= 0x94d049bb133111eb;
        return x ^ (x >> 31);
    }
}
