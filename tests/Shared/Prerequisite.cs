// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Testing;

/// <summary>What a machine may lack: then a test is skipped at home and fails where CI=true.</summary>
internal static class Prerequisite
{
    public static void Require(bool present, string what) => Require(present ? null : "missing: " + what);

    /// <param name="why">Why it can not run here, or null.</param>
    public static void Require(string? why)
    {
        if (why is null)
            return;
        if (string.Equals(Environment.GetEnvironmentVariable("CI"), "true", StringComparison.OrdinalIgnoreCase))
            Assert.Fail(why);
        Assert.Skip(why);
    }
}
