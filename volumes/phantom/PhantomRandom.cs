// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Volumes.Phantom;

/// <summary>
/// Random numbers of a phantom: SplitMix64 (Steele, Lea and Flood 2014), written out here because a phantom must be
/// the same bytes on every machine and with every version of .NET.
/// </summary>
internal struct PhantomRandom(ulong seed)
{
    private ulong _state = seed;

    /// <summary>A well mixed value of a seed and up to three integers.</summary>
    public static ulong Mix(ulong seed, long a, long b = 0, long c = 0)
    {
        unchecked
        {
            var h = Scramble(seed + 0x9E3779B97F4A7C15UL);
            h = Scramble(h ^ ((ulong)a * 0xD6E8FEB86659FD93UL));
            h = Scramble(h ^ ((ulong)b * 0xA0761D6478BD642FUL));
            return Scramble(h ^ ((ulong)c * 0xE7037ED1A0B428DBUL));
        }
    }

    /// <summary>0 &lt;= value &lt; 1 from the top 53 bits.</summary>
    public static double Unit(ulong bits) => (bits >> 11) * (1.0 / (1UL << 53));

    /// <summary>The next 64 bits.</summary>
    public ulong Next()
    {
        unchecked
        {
            _state += 0x9E3779B97F4A7C15UL;
            return Scramble(_state);
        }
    }

    /// <summary>0 &lt;= value &lt; 1.</summary>
    public double NextUnit() => Unit(Next());

    /// <summary>From &lt;= value &lt; to.</summary>
    public double Range(double from, double to) => from + ((to - from) * NextUnit());

    /// <summary>0 &lt;= value &lt; n.</summary>
    public int Below(int n) => (int)(NextUnit() * n);

    private static ulong Scramble(ulong v)
    {
        unchecked
        {
            v = (v ^ (v >> 30)) * 0xBF58476D1CE4E5B9UL;
            v = (v ^ (v >> 27)) * 0x94D049BB133111EBUL;
            return v ^ (v >> 31);
        }
    }
}
