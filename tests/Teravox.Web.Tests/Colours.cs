// SPDX-License-Identifier: Apache-2.0
using System.Diagnostics;
using System.Globalization;
using Microsoft.Playwright;
using Teravox.Volumes;

namespace Teravox.Web.Tests;

/// <summary>Finds a class's colour in what is drawn, however light or dark the light makes it.</summary>
internal static class Colours
{
    /// <summary>Waits until at least so many pixels are of this colour and none of the other one.</summary>
    public static async Task ExpectInsteadAsync(ILocator part, string colour, int least, string other, string what)
    {
        var since = Stopwatch.StartNew();
        for (; ; )
        {
            var picture = await TakeAsync(part);
            var (found, left) = (Count(picture, colour), Count(picture, other));
            if (found >= least && left == 0)
                return;
            Assert.True(since.ElapsedMilliseconds < Chromium.Patience, string.Create(CultureInfo.InvariantCulture, $"{found} pixels instead of {least} have the colour {colour} of {what}, and {left} the colour {other} that was taken away"));
            await NextFrameAsync(part.Page);
        }
    }

    /// <summary>Pixels that are of this colour, between a third of its brightness and all of it.</summary>
    public static async Task<int> CountAsync(ILocator part, string colour) => Count(await TakeAsync(part), colour);

    private static async Task<SliceImage> TakeAsync(ILocator part)
    {
        var picture = ImageCodec.Decode(await part.ScreenshotAsync(), "the screenshot");
        Assert.Equal(PixelKind.Rgb8, picture.Kind);
        return picture;
    }

    private static int Count(SliceImage picture, string colour)
    {
        var rgb = Convert.FromHexString(colour.AsSpan(1));
        var found = 0;
        for (var i = 0; i < picture.Data.Length; i += 3)
        {
            if (IsOf(picture.Data.AsSpan(i, 3), rgb))
                found++;
        }

        return found;
    }

    /// <summary>Waits until at least so many pixels are of this colour.</summary>
    public static async Task ExpectAsync(ILocator part, string colour, int least, string what)
    {
        var since = Stopwatch.StartNew();
        int found;
        while ((found = await CountAsync(part, colour)) < least)
        {
            Assert.True(since.ElapsedMilliseconds < Chromium.Patience, string.Create(CultureInfo.InvariantCulture, $"{found} pixels instead of {least} have the colour {colour} of {what}"));
            await NextFrameAsync(part.Page);
        }
    }

    /// <summary>Waits until no pixel is of any of these colours.</summary>
    public static async Task ExpectNoneAsync(ILocator part, IReadOnlyList<string> colours, string what)
    {
        var since = Stopwatch.StartNew();
        for (; ; )
        {
            var picture = await TakeAsync(part);
            if (colours.FirstOrDefault(colour => Count(picture, colour) > 0) is not { } left)
                return;
            Assert.True(since.ElapsedMilliseconds < Chromium.Patience, $"{Count(picture, left)} pixels have the colour {left} of {what}");
            await NextFrameAsync(part.Page);
        }
    }

    /// <summary>The colours "#rrggbb" of a legend's swatches.</summary>
    public static Task<string[]> OfSwatchesAsync(ILocator swatches) => swatches.EvaluateAllAsync<string[]>(
        "(swatches) => swatches.map((s) => '#' + getComputedStyle(s).backgroundColor.match(/\\d+/g).slice(0, 3).map((n) => Number(n).toString(16).padStart(2, '0')).join(''))");

    private static bool IsOf(ReadOnlySpan<byte> pixel, byte[] rgb)
    {
        double own = (rgb[0] * rgb[0]) + (rgb[1] * rgb[1]) + (rgb[2] * rgb[2]);
        var share = ((pixel[0] * rgb[0]) + (pixel[1] * rgb[1]) + (pixel[2] * rgb[2])) / own;
        if (share is < 0.33 or > 1.02)
            return false;
        var (r, g, b) = (pixel[0] - (share * rgb[0]), pixel[1] - (share * rgb[1]), pixel[2] - (share * rgb[2]));
        return Math.Sqrt((r * r) + (g * g) + (b * b)) < 6;
    }

    private static Task NextFrameAsync(IPage page) => page.EvaluateAsync("() => new Promise((done) => requestAnimationFrame(() => done()))");
}
