// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Silo.Http;

/// <summary>Names of volumes, models, campaigns and keys; they become names of files and folders.</summary>
internal static class Names
{
    /// <summary>Gives the name back when it is one.</summary>
    public static string Check(string name, string field) =>
        name.Length is > 0 and <= 64 && name.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.') && name[0] != '.'
            ? name
            : throw new ProblemException(422, $"{field}: a name is 1..64 letters, digits, '-', '_' or '.', and does not begin with '.'.", field);
}
