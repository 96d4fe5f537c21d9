// SPDX-License-Identifier: Apache-2.0
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Teravox.Contracts;

namespace Teravox.Grains.Catalog;

/// <summary>
/// Secrets of API keys. A secret has 256 random bits, so its plain SHA-256 is enough: there is nothing to guess that a
/// slow hash would protect, and the HTTP API looks a key up with every request.
/// </summary>
public static class KeySecret
{
    /// <summary>Begins every secret, so that one that leaked is found by searching for it.</summary>
    public const string Prefix = "tvx_";

    private const int RandomBytes = 32;

    /// <summary>A new secret: the prefix and 32 random bytes in base64url. Nobody can make it again: show it to its owner now.</summary>
    public static string Make() => Prefix + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(RandomBytes));

    /// <summary>What the catalog keeps of a secret: SHA-256 of its UTF-8 bytes, 64 lower-case hex digits.</summary>
    public static string Hash(string secret)
    {
        ArgumentNullException.ThrowIfNull(secret);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(secret)));
    }

    /// <summary>Checks the name of a key to be.</summary>
    /// <exception cref="InputException">Not 1..64 letters, digits, '-', '_', '.' or '@'.</exception>
    public static void CheckName(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (name.Length is < 1 or > 64 || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '@'))
        {
            throw new InputException($"Key \"{name}\": a name must be 1..64 letters, digits, '-', '_', '.' or '@'.");
        }
    }
}
