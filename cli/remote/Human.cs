// SPDX-License-Identifier: Apache-2.0
using System.Globalization;

namespace Teravox.Cli.Remote;

/// <summary>Quantities as people read them.</summary>
internal static class Human
{
    private static readonly CultureInfo Plain = CultureInfo.InvariantCulture;

    public static string Seconds(double seconds) => seconds switch
    {
        < 120 => string.Create(Plain, $"{Math.Max(0, seconds):F0} s"),
        < 7200 => string.Create(Plain, $"{seconds / 60:F0} min"),
        < 172_800 => string.Create(Plain, $"{seconds / 3600:F1} h"),
        _ => string.Create(Plain, $"{seconds / 86_400:F1} days"),
    };

    public static string Bytes(double bytes) => bytes switch
    {
        < 1000 => string.Create(Plain, $"{bytes:F0} B"),
        < 1e6 => string.Create(Plain, $"{bytes / 1e3:F0} kB"),
        < 1e9 => string.Create(Plain, $"{bytes / 1e6:F1} MB"),
        < 1e12 => string.Create(Plain, $"{bytes / 1e9:F1} GB"),
        _ => string.Create(Plain, $"{bytes / 1e12:F2} TB"),
    };

    public static string Rate(double perSecond) => perSecond switch
    {
        >= 0.95 => string.Create(Plain, $"{perSecond:G3}/s"),
        >= 1.0 / 60 => string.Create(Plain, $"{perSecond * 60:G3}/min"),
        _ => string.Create(Plain, $"{perSecond * 3600:G3}/h"),
    };

    public static string Percent(double fraction) => string.Create(Plain, $"{fraction * 100:F0} %");

    public static string Time(DateTimeOffset at) => at.ToLocalTime().ToString("yyyy-MM-dd HH:mm", Plain);

    public static string Bar(double fraction, int width)
    {
        var full = (int)Math.Round(Math.Clamp(fraction, 0, 1) * width);
        return new string('█', full) + new string('░', width - full);
    }
}
