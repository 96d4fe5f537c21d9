// SPDX-License-Identifier: Apache-2.0
using Teravox.Grains.Resolution;
using Teravox.Testing;
using Teravox.Volumes;

namespace Teravox.Grains.Tests;

/// <summary>Super-resolution against the truth: real sections reduced by a known kernel and restored, all by the preset's own stages.</summary>
public sealed class RealEmTests(ITestOutputHelper output)
{
    private const int Side = 160;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Table5_WhenTheSectionIsRealEm_IsNearerThanBicubicAndMostSoByTheRightKernel()
    {
        using var folder = new TestFolder();
        Crop(Path.Combine(VncData.Require(), "raw"), folder["vnc/raw"]);
        Crop(Path.Combine(VncData.Require(), "labels"), folder["vnc/labels"]);
        var matched = await QualityAsync("");
        var mismatched = await QualityAsync(", \"kernel\": \"bicubic\"");
        output.WriteLine($"matched {matched}\nmismatched {mismatched}");

        // A tenth of a full run's work: +1.7 dB and SSIM .836 to .897, against +1.5 dB and .891 by the wrong kernel.
        Assert.True(matched.Boosted.Psnr > matched.Lr.Psnr + 1, matched.ToString());
        Assert.True(matched.Boosted.Ssim > matched.Lr.Ssim + .03, matched.ToString());

        // Bicubic enlargement knows nothing of the kernel that is undone; super-resolution by the wrong one is worse.
        Assert.Equal(matched.Lr, mismatched.Lr);
        Assert.True(mismatched.Boosted.Psnr < matched.Boosted.Psnr - .05, mismatched.ToString());
        Assert.True(mismatched.Boosted.Ssim < matched.Boosted.Ssim, mismatched.ToString());

        async Task<CompareGrain.SectionQuality> QualityAsync(string kernel)
        {
            await using var run = await SmallRun.SubmitAsync(
                $$"""
                {
                  "name": "em", "preset": "table5", "seed": 1, "data": "vnc", "split": { "train": [0, 1], "test": [1, 2] },
                  "classes": [{ "id": 0, "name": "inside", "values": [255] }, { "id": 1, "name": "rest", "values": [0, 32, 64, 96, 128, 159, 191, 223] }],
                  "network": { "levels": 2, "fMaps": 4, "pool": [[1, 2, 2]] }, "training": { "iterations": 1, "patch": [1, 16, 16] },
                  "degrade": { "kernel": "gaussian" }, "superResolve": { "maxIterations": 240, "crop": 40, "ensemble": false{{kernel}} }
                }
                """,
                Path.GetDirectoryName(folder["vnc"])!);
            await run.FinishAsync();
            return Assert.Single(await run.Store.ResultsAsync<CompareGrain.SectionQuality>(run.Id, StageNames.Compare, Ct)).Value;
        }
    }

    /// <summary>The middle of sections 4 and 5: one to train on, which is not looked at, and one to restore.</summary>
    private static void Crop(string stack, string into)
    {
        Directory.CreateDirectory(into);
        using var sections = ImageStack.Open(stack);
        var (top, left) = ((sections.Shape.Y - Side) / 2, (sections.Shape.X - Side) / 2);
        foreach (var z in (int[])[4, 5])
        {
            var whole = sections.ReadSlice(z);
            Assert.Equal(PixelKind.Grey8, whole.Kind);
            var middle = Enumerable.Range(top, Side).SelectMany(y => whole.Data.Skip((y * whole.Width) + left).Take(Side)).ToArray();
            File.WriteAllBytes(Path.Combine(into, $"{z}.png"), ImageCodec.EncodePng(new SliceImage(Side, Side, PixelKind.Grey8, middle, null)));
        }
    }
}
