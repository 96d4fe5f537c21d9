// SPDX-License-Identifier: Apache-2.0
using Microsoft.Playwright;
using Teravox.Testing;

// A browser that draws volumes without a graphics card and a silo that trains share this machine's cores.
[assembly: CollectionBehavior(MaxParallelThreads = 2)]

namespace Teravox.Web.Tests;

/// <summary>Debian's Chromium, started once for all tests; every visit is a clean profile in it.</summary>
internal sealed class Chromium : IAsyncDisposable
{
    private const string Program = "/usr/bin/chromium";

    // Drawn by the processor, so that machines without a graphics card draw the same; and without the requests that a
    // browser makes of its own accord.
    private static readonly string[] Arguments =
    [
        "--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-background-networking", "--disable-quic",
        "--no-first-run", "--disable-component-update", "--disable-sync",
    ];

    private const int MostShown = 1500;

    private readonly IPlaywright _playwright;
    private readonly IBrowser _browser;

    private Chromium(IPlaywright playwright, IBrowser browser) => (_playwright, _browser) = (playwright, browser);

    /// <summary>Milliseconds that a test waits for what the page must come to; machines with two cores are slow.</summary>
    public const float Patience = 60_000;

    /// <summary>The page as it was built beside the program.</summary>
    public static string PageFolder => Path.Combine(Path.GetDirectoryName(TeravoxProgram.Path)!, "page");

    /// <summary>True when browser and page are on this machine.</summary>
    public static bool IsThere => File.Exists(Program) && File.Exists(Path.Combine(PageFolder, "index.html"));

    public static async Task<Chromium> StartAsync()
    {
        Assertions.SetDefaultExpectTimeout(Patience);
        var playwright = await Playwright.CreateAsync();
        return new Chromium(playwright, await playwright.Chromium.LaunchAsync(new() { ExecutablePath = Program, Args = Arguments }));
    }

    /// <summary>Skips the test, or fails it where CI=true, when it cannot run here.</summary>
    public static void Require()
    {
        Prerequisite.Require(File.Exists(Program), $"{Program}; apt-get install chromium");
        Prerequisite.Require(File.Exists(Path.Combine(PageFolder, "index.html")), $"the page in {PageFolder}; run ./teravox build");
    }

    /// <summary>Opens a page of a silo in a clean profile, lets the test look at it, and fails when it was not quiet.</summary>
    /// <param name="silo">Address of the silo.</param>
    /// <param name="place">What follows the address, as "#/experiments/3".</param>
    /// <param name="look">The test.</param>
    /// <param name="options">Size, colours and the like.</param>
    /// <param name="expected">Console lines that the test brings about itself, as those of requests to a silo that it has killed.</param>
    public async Task VisitAsync(
        Uri silo, string place, Func<IPage, Task> look, BrowserNewContextOptions? options = null, Func<string, bool>? expected = null)
    {
        var context = await _browser.NewContextAsync(options ?? Sized(1280, 900));
        await using var _ = context;
        context.SetDefaultTimeout(Patience);
        var witness = new Witness(context, silo, expected ?? (_ => false));
        var page = await context.NewPageAsync();
        try
        {
            await page.GotoAsync(new Uri(silo, place).ToString());
            await look(page);
        }
        catch (Exception e) when (e is PlaywrightException or TimeoutException)
        {
            throw new InvalidOperationException($"{e.Message}\nat {page.Url}; the page said:\n{witness.Said}\nand showed:\n{await ShownAsync(page)}", e);
        }

        Assert.True(witness.Faults.Count == 0, $"The page at {page.Url} was not quiet:\n{string.Join('\n', witness.Faults)}");
    }

    public static BrowserNewContextOptions Sized(int width, int height) => new() { ViewportSize = new() { Width = width, Height = height }, ReducedMotion = ReducedMotion.Reduce };

    public async ValueTask DisposeAsync()
    {
        await _browser.DisposeAsync();
        _playwright.Dispose();
    }

    private static async Task<string> ShownAsync(IPage page)
    {
        try
        {
            var text = await page.Locator("main").InnerTextAsync(new() { Timeout = 2000 });
            return text.Length <= MostShown ? text : text[..MostShown] + " …";
        }
        catch (Exception e) when (e is PlaywrightException or TimeoutException)
        {
            return $"nothing ({e.Message})";
        }
    }
}
