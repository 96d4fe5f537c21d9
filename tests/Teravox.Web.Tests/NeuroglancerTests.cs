// SPDX-License-Identifier: Apache-2.0
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using Teravox.Contracts;
using Teravox.Contracts.Api;
using Teravox.Volumes;

namespace Teravox.Web.Tests;

/// <summary>The viewer beside the page, as the page's links open it.</summary>
public sealed class NeuroglancerTests(Site site)
{
    /// <summary>Pixels of a class, and those of the viewer's own words that may be of any colour.</summary>
    private const int Some = 200, Few = 20;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public Task Link_OfAVolume_OpensItWithItsLabels() => OpenAsync($"#/volumes/{Site.Volume}", $"volumes/{Site.Volume}", [1]);

    [Fact]
    public Task Link_OfAnExperiment_OpensItWithWhatWasPredicted()
    {
        var id = site.FirstId.ToString(CultureInfo.InvariantCulture);
        return OpenAsync($"#/experiments/{id}/files", $"experiments/{id}", InTheMiddle(site.Silo.Experiment(site.FirstId).Labels("multiclass")));
    }

    /// <summary>Follows the link, and looks at the layers, at where their chunks come from, and at what is drawn of the classes.</summary>
    /// <param name="place">The page that has the link.</param>
    /// <param name="of">What the views are of, in the API.</param>
    /// <param name="classes">The classes that are to be seen.</param>
    private async Task OpenAsync(string place, string of, IReadOnlyList<int> classes)
    {
        using var http = new HttpClient { BaseAddress = site.Silo.Url };
        var views = JsonSerializer.Deserialize<ViewsInfo>(await http.GetStringAsync($"/api/v1/{of}/views", Ct), TeravoxJson.Compact)!;
        var image = views.Views.First(v => v.Kind == "image");
        var overlay = views.Views.FirstOrDefault(v => v is { Kind: "labels", Prediction: not null }) ?? views.Views.First(v => v.Kind == "labels");
        await site.VisitAsync(place, async page =>
        {
            var fetched = new ConcurrentBag<string>();
            page.Context.Response += (_, response) =>
            {
                if (response.Status == 200)
                    fetched.Add(new Uri(response.Url).AbsolutePath);
            };
            // The worker that fetches chunks comes last, as on slow machines: nothing that it was told before may be lost.
            var layered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await page.Context.RouteAsync("**/chunk_worker*", async route =>
            {
                await layered.Task;
                await route.ContinueAsync();
            });
            var viewer = await page.Context.RunAndWaitForPageAsync(
                () => page.GetByRole(AriaRole.Link, new() { Name = "Open in Neuroglancer" }).ClickAsync());
            await viewer.WaitForFunctionAsync("() => { const layers = window.viewer?.layerManager.managedLayers ?? []; return layers.length > 0 && layers.every((l) => l.isReady()); }");
            // Panels that are made once all layers are there speak of all of them in one breath.
            foreach (var layout in (string[])["xy", "4panel"])
                await viewer.EvaluateAsync("async (layout) => { viewer.layout.restoreState(layout); for (let i = 0; i < 3; i++) await new Promise(requestAnimationFrame); }", layout);
            layered.SetResult();
            await viewer.WaitForFunctionAsync("() => window.viewer.isReady()");
            Assert.StartsWith(new Uri(site.Silo.Url, "neuroglancer/#!").ToString(), viewer.Url, StringComparison.Ordinal);

            // Each view is a layer of its own; one image and one of the labels are shown.
            var layers = await viewer.EvaluateAsync<JsonElement>("viewer.layerManager.managedLayers.map((l) => [l.name, l.layer.constructor.type, l.visible])");
            Assert.Equal(
                views.Views.Where(v => v.Kind != "probabilities").OrderBy(v => v.Kind == "image" ? 0 : 1)
                    .Select(v => (v.Name, v.Kind == "image" ? "image" : "segmentation", v == image || v == overlay)),
                layers.EnumerateArray().Select(l => (l[0].GetString()!, l[1].GetString()!, l[2].GetBoolean())));

            foreach (var id in classes)
                await ExpectAsync(viewer, views.Classes[id], (found, _) => found >= Some, $"{Some} or more");
            foreach (var view in (ViewInfo[])[image, overlay])
                Assert.Contains(fetched, path => Regex.IsMatch(path, $"^{Regex.Escape(view.Url)}/s\\d+/\\d+/\\d+/\\d+$"));

            // Without the labels their colours are gone, and the grey levels below them are left.
            await viewer.Locator(".neuroglancer-layer-item-label").GetByText(overlay.Name, new() { Exact = true }).ClickAsync();
            foreach (var id in classes)
                await ExpectAsync(viewer, views.Classes[id], (found, greys) => found <= Few && greys >= 50, $"{Few} at most, and 50 or more grey levels,");
        });
    }

    /// <summary>The classes that the section in the middle, which the viewer opens at, has enough of to be seen.</summary>
    private static IReadOnlyList<int> InTheMiddle(string path)
    {
        var labels = OmeVolume.Open(path);
        var section = new byte[labels.Shape.Y * labels.Shape.X];
        labels.Read(new Box3(new Int3(labels.Shape.Z / 2, 0, 0), labels.Shape with { Z = 1 }), section);
        var classes = section.CountBy(label => (int)label).Where(c => c.Key > 0 && c.Value >= 40).Select(c => c.Key).ToList();
        Assert.NotEmpty(classes);
        return classes;
    }

    /// <summary>Waits until what is drawn is as it should be: the pixels of a class, and the number of different grey levels.</summary>
    private static async Task ExpectAsync(IPage viewer, ViewClass of, Func<int, int, bool> enough, string wanted)
    {
        var colour = Convert.FromHexString(of.Colour.AsSpan(1));
        Assert.True(colour.Max() - colour.Min() > 50, $"{of.Colour} of {of.Name} is grey, so that it cannot be told from the image");
        var since = Stopwatch.StartNew();
        for (; ; )
        {
            var picture = ImageCodec.Decode(await viewer.ScreenshotAsync(), "the screenshot");
            var (found, greys) = Count(picture.Data, colour);
            if (enough(found, greys))
                return;
            Assert.True(since.ElapsedMilliseconds < Chromium.Patience, string.Create(CultureInfo.InvariantCulture,
                $"{found} pixels are of {of.Name} ({of.Colour}) and there are {greys} grey levels, instead of {wanted}"));
            await viewer.EvaluateAsync("() => new Promise((done) => requestAnimationFrame(() => done()))");
        }
    }

    /// <summary>Counts pixels that a half transparent colour over any grey gives, and the different grey levels.</summary>
    private static (int Found, int Greys) Count(ReadOnlySpan<byte> pixels, ReadOnlySpan<byte> colour)
    {
        var found = 0;
        var greys = new bool[256];
        for (var i = 0; i < pixels.Length; i += 3)
        {
            var (r, g, b) = (pixels[i], pixels[i + 1], pixels[i + 2]);
            if (r == g && g == b)
                greys[r] = true;
            var (least, most) = (int.MaxValue, int.MinValue);
            for (var channel = 0; channel < 3; channel++)
            {
                var below = (2 * pixels[i + channel]) - colour[channel];
                (least, most) = (Math.Min(least, below), Math.Max(most, below));
            }

            // Two roundings of half a level, doubled.
            if (least >= -4 && most <= 259 && most - least <= 4)
                found++;
        }

        return (found, greys.Count(there => there));
    }
}
