// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Binary;
using System.Text;
using System.Text.RegularExpressions;

namespace Teravox.Volumes.Tests;

/// <summary>Random changes of files.</summary>
internal static partial class Changes
{
    private static readonly uint[] Interesting = [0, 1, 7, 255, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff];

    private static readonly string[] Values =
        ["null", "true", "0", "-1", "1.5", "1e99", "7", "255", "65536", "2147483647", "2147483648", "\"x\"", "\"/\"", "[]", "[1]", "[0, 0, 0]", "{}", "[[1]]", "\"\\ud800\"", "\"../../s0\""];

    /// <summary>One to four changes: bytes, numbers that programs trip over, cuts, parts repeated or left out; most of them near an end.</summary>
    public static byte[] OfBytes(byte[] file, Random random)
    {
        var bytes = new List<byte>(file);
        for (var change = random.Next(1, 5); change > 0 && bytes.Count > 8; change--)
        {
            var at = random.Next(3) switch
            {
                0 => random.Next(Math.Min(bytes.Count, 64)),
                1 => Math.Max(0, bytes.Count - 1 - random.Next(256)),
                _ => random.Next(bytes.Count),
            };
            var rest = bytes.Count - at;
            switch (random.Next(7))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 2:
                case 3:
                    var number = new byte[4];
                    if (random.Next(2) == 0)
                        BinaryPrimitives.WriteUInt32LittleEndian(number, Interesting[random.Next(Interesting.Length)]);
                    else
                        BinaryPrimitives.WriteUInt32BigEndian(number, Interesting[random.Next(Interesting.Length)]);
                    for (var k = 0; k < Math.Min(rest, random.Next(2) == 0 ? 2 : 4); k++)
                        bytes[at + k] = number[k];
                    break;
                case 4:
                    bytes.RemoveRange(at, Math.Min(rest, random.Next(1, 32)));
                    break;
                case 5:
                    bytes.InsertRange(at, bytes.GetRange(at, Math.Min(rest, random.Next(1, 32))));
                    break;
                default:
                    if (random.Next(4) == 0)
                        bytes.RemoveRange(at, rest);
                    break;
            }
        }

        return [.. bytes];
    }

    /// <summary>JSON with one to three other values or names, or, once in four, changed as bytes are.</summary>
    public static byte[] OfJson(byte[] file, Random random)
    {
        if (random.Next(4) == 0)
            return OfBytes(file, random);
        var text = Encoding.UTF8.GetString(file);
        for (var change = random.Next(1, 4); change > 0; change--)
        {
            var parts = JsonPart().Matches(text);
            if (parts.Count == 0)
                break;
            var part = parts[random.Next(parts.Count)];
            var other = random.Next(3) == 0 ? parts[random.Next(parts.Count)].Value : Values[random.Next(Values.Length)];
            text = text[..part.Index] + other + text[(part.Index + part.Length)..];
        }

        return Encoding.UTF8.GetBytes(text);
    }

    /// <summary>Numbers, texts, words, and lists and objects without others in them.</summary>
    [GeneratedRegex("""-?[0-9][0-9.eE+-]*|"[^"]*"|null|true|false|\[[^\[\]]*\]|\{[^{}]*\}""")]
    private static partial Regex JsonPart();
}
