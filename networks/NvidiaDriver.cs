// SPDX-License-Identifier: Apache-2.0
using System.Text.RegularExpressions;

namespace Teravox.Networks;

/// <summary>NVIDIA's driver and cards, as files of the system show them: looking costs nothing and loads nothing.</summary>
/// <param name="root">The system's root folder.</param>
public sealed partial class NvidiaDriver(string root = "/")
{
    private const string NvidiaVendor = "0x10de";
    private const string DisplayClass = "0x03";

    /// <summary>The driver is loaded.</summary>
    public bool IsHere => File.Exists(VersionFile) || HasDeviceFile;

    /// <summary>Programs can reach a card: in a container, only where it was started with the cards.</summary>
    public bool HasDeviceFile => Directory.Exists(At("dev")) && Directory.EnumerateFiles(At("dev"), "nvidia*").Any(f => char.IsAsciiDigit(f[^1]));

    /// <summary>Version of the driver, as 550.54.15; null when it does not say.</summary>
    public string? Version => File.Exists(VersionFile) && Number().Match(File.ReadAllText(VersionFile)) is { Success: true } match ? match.Value : null;

    /// <summary>The machine has a card of NVIDIA, with a driver or without.</summary>
    public bool CardIsHere => HasDeviceFile || (Directory.Exists(At("sys/bus/pci/devices")) && Directory.EnumerateDirectories(At("sys/bus/pci/devices")).Any(IsCard));

    private string VersionFile => At("proc/driver/nvidia/version");

    private static bool IsCard(string device) => Text(device, "vendor") == NvidiaVendor && Text(device, "class").StartsWith(DisplayClass, StringComparison.Ordinal);

    private static string Text(string device, string name) => File.Exists(Path.Combine(device, name)) ? File.ReadAllText(Path.Combine(device, name)).Trim() : "";

    [GeneratedRegex(@"\b\d{3,}\.\d+(\.\d+)?\b")]
    private static partial Regex Number();

    private string At(string path) => Path.Combine(root, path);
}
