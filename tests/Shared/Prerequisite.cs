// SPDX-License-Identifier: Apache-2.0
namespace Teravox.Testing;

/// <summary>What a machine may lack: then a test is skipped at home and fails where CI=true.</summary>
internal static class Prerequisite
{
    public static void Require(bool present, string what)
    {
        if (present)
            return;
        if (string.Equals(Environment.GetEnvironmentVariable("CI"), "true", StringComparison.OrdinalIgnoreCase))
            Assert.Fail($"missing in CI: {what}");
        Assert.Skip($"missing: {what}");
    }
}
