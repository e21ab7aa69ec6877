using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.Configuration;

/// <summary>A configuration that is reloaded while a service runs.</summary>
public sealed class ReloadTests
{
    [Fact]
    public async Task File_RulesChanged_AreInForceForTheNextRequest()
    {
        using var file = new SettingsFile("""{ "MeshTracing": { "Sampling": { "Rules": [ "never path=/a" ] } } }""");
        await using var service = await StartAsync(file);
        await service.GetAsync("/a");
        file.Change(service, """{ "MeshTracing": { "Sampling": { "Rules": [ "never path=/b" ] }, "Ignore": { "Paths": [ "/c" ] } } }""");
        foreach (var path in new[] { "/a", "/b", "/c" }) await service.GetAsync(path);

        Assert.Equal("/a", (await service.StopAsync()).Server().Tag("url.path"));
        Assert.Contains("Tracing options reloaded: Ignore:Paths /c (MeshTracing), Sampling:Rules never path=/b (MeshTracing).", service.Log.OfTracing);
    }

    [Fact]
    public async Task File_WrongRule_KeepsTheLastGoodOnesAndSaysWhy()
    {
        using var file = new SettingsFile("""{ "MeshTracing": { "Sampling": { "Rules": [ "never path=/a" ] } } }""");
        await using var service = await StartAsync(file);
        file.Change(service, """{ "MeshTracing": { "Sampling": { "Ratio": 0, "Rules": [ "sometimes path=/b" ] } } }""");
        await service.GetAsync("/a");
        await service.GetAsync("/b");

        Assert.Equal("/b", (await service.StopAsync()).Server().Tag("url.path"));
        Assert.StartsWith(
            "The configuration has changed, but the options stay as they were: MeshTracing:Sampling:Rules has a wrong rule: \"sometimes\" in \"sometimes path=/b\" is neither",
            Assert.Single(service.Log.Lines, l => l is { Category: "Tracing.Sdk", Level: LogLevel.Warning }).Message,
            StringComparison.Ordinal);
        Assert.Contains(service.Log.OfTracing, l => l.EndsWith("a condition is path, method, host, route, header, source or span with = and a text.", StringComparison.Ordinal));
        Assert.DoesNotContain(service.Log.OfTracing, l => l.StartsWith("Tracing options reloaded", StringComparison.Ordinal));
    }

    [Fact]
    public async Task File_OptionsOfTheStartChanged_AreNamed()
    {
        using var file = new SettingsFile("{}");
        await using var service = await StartAsync(file);
        file.Change(service, """{ "MeshTracing": { "Sampling": { "Ratio": 0.5 }, "ServiceName": "other", "Limits": { "MaxEvents": 3 } } }""");

        Assert.Contains("Tracing options reloaded: Sampling:Ratio 0.5 (MeshTracing).", service.Log.OfTracing);
        Assert.Equal(
            "The configuration has changed, but these options count at the next start only: ServiceName, Limits:MaxEvents.",
            Assert.Single(service.Log.Lines, l => l is { Category: "Tracing.Sdk", Level: LogLevel.Warning }).Message);

        file.Change(service, "{}");
        Assert.Contains("Tracing options reloaded: Sampling:Ratio 1 (default).", service.Log.OfTracing);
        Assert.Single(service.Log.Lines, l => l is { Category: "Tracing.Sdk", Level: LogLevel.Warning });
    }

    [Fact]
    public async Task File_NothingChanged_IsSilent()
    {
        using var file = new SettingsFile("""{ "MeshTracing": { "Sampling": { "Ratio": 0.5 } } }""");
        await using var service = await StartAsync(file);
        var before = service.Log.OfTracing.Count;
        file.Change(service, """{ "MeshTracing": { "Sampling": { "Ratio": 0.5 } }, "Other": 1 }""");

        Assert.Equal(before, service.Log.OfTracing.Count);
    }

    [Fact]
    public async Task File_DeferUnsampledParentTurnedOn_IsInForceForTheNextRequest()
    {
        using var file = new SettingsFile("{}");
        await using var service = await StartAsync(file);
        var unsampled = $"traceparent: 00-{ActivityTraceId.CreateRandom()}-{ActivitySpanId.CreateRandom()}-00";
        await service.GetAsync("/a", unsampled);
        file.Change(service, """{ "MeshTracing": { "Sampling": { "DeferUnsampledParent": true } } }""");
        await service.GetAsync("/b", unsampled);

        Assert.Equal("/b", (await service.StopAsync()).Server().Tag("url.path"));
    }

    private static Task<TestService> StartAsync(SettingsFile file) => TestService.StartAsync(
        app => app.MapGet("/{name}", (string name) => name), build: b => b.Configuration.AddJsonFile(file.Path, optional: false, reloadOnChange: false));

    // Reloaded by the test, because a watcher of files has a clock of its own.
    private sealed class SettingsFile : IDisposable
    {
        public SettingsFile(string json) => File.WriteAllText(Path, json);

        public string Path { get; } = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"{Guid.NewGuid():N}.json");

        public void Change(TestService service, string json)
        {
            File.WriteAllText(Path, json);
            ((IConfigurationRoot)service.Services.GetRequiredService<IConfiguration>()).Reload();
        }

        public void Dispose() => File.Delete(Path);
    }
}

/// <summary>The same in a process without a host.</summary>
[Collection(Alone.Name)]
public sealed class ReloadWithoutHostTests
{
    [Fact]
    public void Start_ConfigurationReloaded_ChangesTheSampler()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection([new("MeshTracing:Sampling:Ratio", "1")]).Build();
        var (sink, log) = (new SpanSink(), new LogCollector());
        using var loggers = LoggerFactory.Create(l => l.AddProvider(log));
        using var source = new ActivitySource("Orders");
        var tracing = MeshTracing.Start(o => TestService.ExportTo(sink, o), configuration, loggers);
        source.StartActivity("before")?.Dispose();
        Change("0");
        source.StartActivity("after")?.Dispose();
        Change("x");
        source.StartActivity("refused")?.Dispose();
        tracing.Dispose();
        Change("0.5");

        Assert.Equal("before", Assert.Single(sink.Spans).Name);
        Assert.Equal("Tracing options reloaded: Sampling:Ratio 0 (MeshTracing).", Assert.Single(log.OfTracing, l => l.StartsWith("Tracing options", StringComparison.Ordinal)));
        Assert.Contains(log.OfTracing, l => l.StartsWith("The configuration has changed, but the options stay as they were: MeshTracing:Sampling:Ratio is \"x\"", StringComparison.Ordinal));

        void Change(string ratio)
        {
            configuration["MeshTracing:Sampling:Ratio"] = ratio;
            configuration.Reload();
        }
    }
}
