// SPDX-License-Identifier: Apache-2.0
using Microsoft.Playwright;

namespace Teravox.Web.Tests;

/// <summary>What is drawn on canvases.</summary>
internal static class Pixels
{
    /// <summary>How many different colours a canvas that is drawn on by hand has.</summary>
    private const string Colours =
        """
        (canvas) => {
          const { width, height } = canvas;
          if (width < 1 || height < 1) return 0;
          const pixels = new Uint32Array(canvas.getContext("2d").getImageData(0, 0, width, height).data.buffer);
          return new Set(pixels).size;
        }
        """;

    private const string Count =
        """
        (canvas, colours) => {
          const pixels = new Uint32Array(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.buffer);
          // Little endian: alpha, blue, green, red.
          const wanted = colours.map((c) => parseInt("ff" + c.slice(5, 7) + c.slice(3, 5) + c.slice(1, 3), 16));
          const found = wanted.map(() => 0);
          for (const pixel of pixels) {
            const at = wanted.indexOf(pixel);
            if (at >= 0) found[at]++;
          }
          return found;
        }
        """;

    /// <summary>How many pixels of a canvas have exactly each of the colours "#rrggbb".</summary>
    public static Task<int[]> CountAsync(ILocator canvas, params string[] colours) => canvas.EvaluateAsync<int[]>(Count, colours);

    /// <summary>Waits until a canvas has more than one colour.</summary>
    /// <exception cref="TimeoutException">It stayed empty.</exception>
    public static async Task ExpectDrawnAsync(ILocator canvas, int colours = 2)
    {
        await Assertions.Expect(canvas).ToBeVisibleAsync();
        var element = await canvas.ElementHandleAsync();
        try
        {
            await canvas.Page.WaitForFunctionAsync($"(canvas) => ({Colours})(canvas) >= {colours}", element, new() { Timeout = Chromium.Patience });
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"{canvas} has {await canvas.EvaluateAsync<int>(Colours)} colours instead of {colours} or more");
        }
    }
}
