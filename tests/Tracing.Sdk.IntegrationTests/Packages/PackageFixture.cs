using System.Globalization;
using System.Reflection;
using Tracing.Sdk.IntegrationTests.Harness;

namespace Tracing.Sdk.IntegrationTests.Packages;

/// <summary>Both libraries packed into a new folder, under a version that is in no cache.</summary>
public sealed class PackageFixture : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("tracing-sdk-packages-").FullName;
    private readonly string _suffix = "test" + DateTime.UtcNow.Ticks.ToString(CultureInfo.InvariantCulture);

    public static string RepositoryRoot { get; } =
        typeof(PackageFixture).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(metadata => metadata.Key == "RepositoryRoot").Value!;

    public string Feed => Path.Combine(_folder, "feed");

    public TestCollector Collector { get; private set; } = null!;

    /// <summary>The version that both packages got.</summary>
    public string Version { get; private set; } = "";

    public async Task InitializeAsync()
    {
        Collector = await TestCollector.StartAsync();
        await PackAsync(Feed);
        var package = Directory.GetFiles(Feed, $"Tracing.Sdk.AspNetCore.*{_suffix}.nupkg").Single();
        Version = Path.GetFileNameWithoutExtension(package)["Tracing.Sdk.AspNetCore.".Length..];
    }

    /// <summary>Builds and packs both libraries from nothing into <paramref name="output"/>.</summary>
    public async Task PackAsync(string output)
    {
        var artifacts = Path.Combine(_folder, "packing");
        if (Directory.Exists(artifacts)) Directory.Delete(artifacts, recursive: true);
        foreach (var project in (string[])["Tracing.Sdk", "Tracing.Sdk.AspNetCore"])
        {
            await DotNet.SucceedAsync(
                RepositoryRoot, [], "pack", Path.Combine("src", project), "--output", output, "--version-suffix", _suffix, "--artifacts-path", artifacts);
        }
    }

    /// <summary>A new folder that is deleted with the fixture.</summary>
    public string NewFolder(string name) => Directory.CreateDirectory(Path.Combine(_folder, name)).FullName;

    /// <summary>Builds a copy of tests/Consumers/<paramref name="name"/> against the packages and answers with its assembly.</summary>
    public async Task<string> BuildConsumerAsync(string name)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_folder, name)).FullName;
        foreach (var file in Directory.GetFiles(Path.Combine(RepositoryRoot, "tests", "Consumers", name)))
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));

        // The packages of this run go into a cache of their own; everything else comes from the cache of this machine if it is there.
        var caches = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        await File.WriteAllTextAsync(Path.Combine(folder, "nuget.config"), $"""
            <configuration>
              <packageSources><add key="fresh" value="{Feed}" /></packageSources>
              <fallbackPackageFolders><add key="machine" value="{caches}" /></fallbackPackageFolders>
            </configuration>
            """);
        await DotNet.SucceedAsync(
            folder, new() { ["NUGET_PACKAGES"] = Path.Combine(_folder, "cache") },
            "build", "--configuration", "Release", $"-p:TracingSdkVersion={Version}");
        return Path.Combine(folder, "bin", "Release", "net10.0", name + ".dll");
    }

    public async Task DisposeAsync()
    {
        await Collector.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
