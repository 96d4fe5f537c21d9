// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Teravox.Testing;

namespace Teravox.Orleans.Tests;

/// <summary>Makes every silo that a test of this assembly starts one on Orleans, those of the shared tests too.</summary>
internal static class ThisHost
{
    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255", Justification = "The shared tests know nothing of hosts.")]
    public static void Choose()
    {
        TeravoxProgram.Project = ("orleans", "teravox-orleans.dll");
        TeravoxProgram.SiloArguments = ["--host", "orleans"];
    }
}
