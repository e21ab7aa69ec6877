using MeshDemo.Collecting;
using Microsoft.AspNetCore.Builder;
using Microsoft.Playwright;

namespace Tracing.Sdk.IntegrationTests.Page;

/// <summary>The demo's collector, and a Chromium to look at its page with.</summary>
public sealed class BrowserFixture : IAsyncLifetime
{
    public const string NoBrowser = "There is no Chromium here: install one (apt-get install chromium) or say where it is in CHROMIUM_PATH.";

    private WebApplication? _collector;
    private IPlaywright? _playwright;

    /// <summary>Null when there is none on this machine.</summary>
    public IBrowser? Browser { get; private set; }

    public Uri Collector { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        if (FindChromium() is not { } chromium)
            return;
        _collector = await CollectorServer.StartAsync("http://127.0.0.1:0");
        Collector = new Uri(_collector.Urls.Single());
        _playwright = await Playwright.CreateAsync();
        Browser = await _playwright.Chromium.LaunchAsync(new()
        {
            ExecutablePath = chromium,
            // A container has no user namespaces for the sandbox, and the page needs nothing from outside.
            Args = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--no-first-run"],
        });
    }

    public async Task DisposeAsync()
    {
        if (Browser is not null)
            await Browser.DisposeAsync();
        _playwright?.Dispose();
        if (_collector is not null)
            await _collector.DisposeAsync();
    }

    private static string? FindChromium()
    {
        if (Environment.GetEnvironmentVariable("CHROMIUM_PATH") is { Length: > 0 } path)
            return path;
        string[] names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
        return (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .SelectMany(folder => names.Select(name => Path.Combine(folder, name)))
            .FirstOrDefault(File.Exists);
    }
}
