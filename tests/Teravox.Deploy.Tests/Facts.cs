// SPDX-License-Identifier: Apache-2.0
using System.Globalization;
using System.Text.RegularExpressions;
using Teravox.Contracts;

namespace Teravox.Deploy.Tests;

/// <summary>How long a silo is given, against how long its host waits before it kills.</summary>
internal static class Grace
{
    /// <summary>Seconds that a silo needs after --grace: to stop what runs, give it back, and sign off.</summary>
    public const int ToGiveBack = 30;

    /// <summary>The seconds of --grace among a silo's arguments; far too many where there is none, so that a check against it fails.</summary>
    public static int Of(IEnumerable<string>? arguments) =>
        int.TryParse(Arguments.After(arguments, "--grace"), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) ? seconds : 1_000_000;
}

/// <summary>Command lines as lists.</summary>
internal static class Arguments
{
    /// <summary>What follows an option, or null.</summary>
    public static string? After(IEnumerable<string>? arguments, string option)
    {
        var all = arguments?.ToList() ?? [];
        var at = all.IndexOf(option);
        return at >= 0 && at + 1 < all.Count ? all[at + 1] : null;
    }
}

/// <summary>The certificates that silos prove with that they are one cluster.</summary>
internal static class Certificates
{
    /// <summary>Files that a silo needs; the authority's key is none of them.</summary>
    public static IReadOnlyList<string> Files { get; } = [ClusterCertificate.AuthorityFile, ClusterCertificate.MemberFile, ClusterCertificate.KeyFile];
}

/// <summary>Names of images.</summary>
internal static partial class Images
{
    /// <summary>The version that this repository builds.</summary>
    public static string Own { get; } = VersionElement().Match(Tool.Text("Directory.Build.props")).Groups[1].Value;

    /// <summary>Why a name does not say exactly which image; null when it does.</summary>
    public static string? WhyNotPinned(string image)
    {
        if (Pinned().Match(image) is not { Success: true } pinned)
            return $"image {image} is not pinned by a version of at least two numbers";
        if (pinned.Groups["name"].Value == "teravox" && pinned.Groups["version"].Value != Own)
            return $"image {image} is not of this version, {Own}";
        return null;
    }

    [GeneratedRegex("<Version>([0-9.]+)</Version>")]
    private static partial Regex VersionElement();

    [GeneratedRegex("^(?<name>[a-z0-9./-]+):(?<version>[0-9]+\\.[0-9]+(\\.[0-9]+)?)(-[a-z0-9.-]+)?$")]
    private static partial Regex Pinned();
}
