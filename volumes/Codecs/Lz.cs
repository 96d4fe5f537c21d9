// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Volumes;

/// <summary>What the formats of the Lempel-Ziv family share.</summary>
internal static class Lz
{
    /// <summary>
    /// Repeats what was written <paramref name="distance"/> bytes before; a match longer than its distance repeats itself. False
    /// when it reaches back before the start or does not fit.
    /// </summary>
    /// <param name="bytes">What is unpacked.</param>
    /// <param name="at">Where the match goes; moves behind it.</param>
    /// <param name="distance">Bytes to go back.</param>
    /// <param name="length">Bytes to repeat, 0 or more.</param>
    public static bool TryCopyMatch(Span<byte> bytes, ref int at, int distance, int length)
    {
        if (distance < 1 || distance > at || length > bytes.Length - at)
            return false;
        var from = at - distance;
        while (length > 0)
        {
            // Each round doubles what can be copied at once.
            var part = Math.Min(at - from, length);
            bytes.Slice(from, part).CopyTo(bytes[at..]);
            at += part;
            length -= part;
        }

        return true;
    }

    /// <summary>Copies bytes that stand in the packed stream as they are; false when either side is too short.</summary>
    public static bool TryCopyLiteral(ReadOnlySpan<byte> packed, ref int from, Span<byte> bytes, ref int at, int length)
    {
        if (length < 0 || length > packed.Length - from || length > bytes.Length - at)
            return false;
        packed.Slice(from, length).CopyTo(bytes[at..]);
        from += length;
        at += length;
        return true;
    }
}
