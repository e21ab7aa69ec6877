using System.Diagnostics;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Tracing.Sdk.Logging;
using Tracing.Sdk.Tests.Testbed;
using SourceFilter = Tracing.Sdk.Recording.SourceFilter;

namespace Tracing.Sdk.Tests.Recording;

/// <summary>Which sources are recorded by default, and what Sources and Ignore:Sources change.</summary>
[Collection(Alone.Name)]
public sealed class SourceTests
{
    [Theory]
    [InlineData("", "", "Shop", true)]
    [InlineData("", "", "Microsoft.AspNetCore", true)]
    [InlineData("", "", "Experimental.Microsoft.Extensions.AI", true)]
    [InlineData("", "", "Experimental.System.Net.Http.Connections", false)]
    [InlineData("", "", "Experimental.System.Net.NameResolution", false)]
    [InlineData("", "", "Experimental.System.Net.Security", false)]
    [InlineData("", "", "Experimental.System.Net.Sockets", false)]
    [InlineData("", "", "Grpc.Net.Client", true)]
    // Sources adds to the platform's sources.
    [InlineData("Shop", "", "Shop", true)]
    [InlineData("Shop", "", "Other", false)]
    [InlineData("Shop", "", "Microsoft.AspNetCore", true)]
    [InlineData("Shop", "", "System.Net.Http", true)]
    [InlineData("Shop", "", "Tracing.Sdk.Http", true)]
    [InlineData("Shop", "", "Grpc.Net.Client", true)]
    [InlineData("Shop", "", "Tracing.Sdk.AspNetCore", true)]
    [InlineData("Shop", "", "Microsoft.AspNetCore.SignalR.Server", false)]
    [InlineData("none", "", "Microsoft.AspNetCore", true)]
    // Only Ignore:Sources leaves them out.
    [InlineData("Shop", "System.Net.Http", "System.Net.Http", false)]
    [InlineData("Grpc.Net.Client", "Grpc.*", "Grpc.Net.Client", false)]
    [InlineData("Shop", "System.Net.Http", "Tracing.Sdk.Http", false)]
    [InlineData("System.Net.Http", "System.Net.Http", "System.Net.Http", false)]
    [InlineData("", "Microsoft.*", "Microsoft.AspNetCore", false)]
    [InlineData("", "Microsoft.*", "Tracing.Sdk.AspNetCore", false)]
    [InlineData("", "Experimental.Microsoft.*", "Experimental.Microsoft.Extensions.AI", false)]
    // The platform's connection spans are left out unless Sources names them.
    [InlineData("", "Shop", "Experimental.System.Net.Http.Connections", false)]
    [InlineData("*", "", "Experimental.System.Net.Http.Connections", false)]
    [InlineData("Exp*", "", "Experimental.System.Net.Http.Connections", false)]
    [InlineData("Experimental.*", "", "Experimental.System.Net.Http.Connections", false)]
    [InlineData("Experimental.*", "", "Experimental.Microsoft.Extensions.AI", true)]
    [InlineData("*,Experimental.System.Net.Http.Connections", "", "Experimental.System.Net.Http.Connections", true)]
    [InlineData("*,experimental.system.net.*", "", "Experimental.System.Net.Sockets", true)]
    [InlineData("Experimental.System.Net.Http.*", "", "Experimental.System.Net.Http.Connections", true)]
    [InlineData("Experimental.System.Net.Http.*", "", "Experimental.System.Net.Sockets", false)]
    // So are the spans of libraries that double those of the platform.
    [InlineData("", "", "Yarp.ReverseProxy", false)]
    [InlineData("*,Yarp.ReverseProxy", "", "Yarp.ReverseProxy", true)]
    [InlineData("*,Yarp.ReverseProxy", "Yarp.*", "Yarp.ReverseProxy", false)]
    [InlineData("", "", "Azure.Core.Http", false)]
    [InlineData("Azure.*", "", "Azure.Core.Http", false)]
    [InlineData("Azure.*", "", "Azure.Storage.Blobs.BlobClient", true)]
    [InlineData("*,Azure.Core.Http", "", "Azure.Core.Http", true)]
    public void Accepts_Name_FollowsTheLists(string sources, string ignored, string name, bool accepted)
    {
        var options = new MeshTracingOptions();
        if (sources.Length > 0) options.Sources.Clear();
        foreach (var pattern in sources.Split(',', StringSplitOptions.RemoveEmptyEntries)) options.Sources.Add(pattern);
        foreach (var pattern in ignored.Split(',', StringSplitOptions.RemoveEmptyEntries)) options.Ignore.Sources.Add(pattern);
        using var source = new ActivitySource(name);
        var filter = new SourceFilter([.. options.Sources], [.. options.Ignore.Sources]);

        Assert.Equal((accepted, accepted), (filter.Accepts(name), filter.Accepts(source)));
    }

    [Fact]
    public async Task Section_NamesOneSource_HttpSpansStay()
    {
        await using var server = new WireServer();
        var spans = await Traced.RunAsync(
            async services =>
            {
                using var shop = new ActivitySource("Shop");
                using var other = new ActivitySource("Other");
                shop.StartActivity("recorded")?.Dispose();
                other.StartActivity("left out")?.Dispose();
                using var plain = new HttpClient();
                (await plain.GetAsync(server.Address)).Dispose();
                using var made = services.GetRequiredService<IHttpClientFactory>().CreateClient();
                (await made.GetAsync(server.Address)).Dispose();
            },
            build: builder =>
            {
                builder.Services.AddHttpClient();
                builder.Configuration.AddInMemoryCollection([new("MeshTracing:Sources:0", "Shop")]);
            });

        Assert.Equal("GET /", spans.Server().Name);
        Assert.Equal(2, spans.Clients().Count);
        Assert.Equal("recorded", Assert.Single(spans, s => s.Kind == "internal").Name);
    }

    [Fact]
    public async Task Section_IgnoresOneSource_ConnectionsStayLeftOut()
    {
        await using var server = new WireServer();
        var (host, sink, _) = Start([new("MeshTracing:Ignore:Sources:0", "Other")]);
        using (var client = new HttpClient()) (await client.GetAsync(server.Address)).Dispose();
        await StopAsync(host);

        Assert.Equal("client", Assert.Single(sink.Spans).Kind);
    }

    [Fact]
    public async Task Section_NamesTheConnections_RecordsThem()
    {
        await using var server = new WireServer();
        var (host, sink, _) = Start([new("MeshTracing:Sources", "*,Experimental.System.Net.Http.Connections")]);
        using (var client = new HttpClient()) (await client.GetAsync(server.Address)).Dispose();
        await StopAsync(host);

        Assert.Contains(sink.Spans, s => s.Scope == "Experimental.System.Net.Http.Connections");
    }

    [Fact]
    public async Task Log_SourceNotAmongSources_IsNamedOnce()
    {
        var name = $"Left.Out.{Guid.NewGuid():n}";
        using var before = new ActivitySource(name);
        var (host, _, log) = Start([new("MeshTracing:Sources", "Shop")]);
        using var after = new ActivitySource(name);
        using var accepted = new ActivitySource("Shop");
        await StopAsync(host);

        Assert.Equal(
            (LogLevel.Information, $"Spans of the source {name} are not recorded, because MeshTracing:Sources leaves it out."),
            Assert.Single(log.Lines.Where(l => l.Message.Contains(name, StringComparison.Ordinal)).Select(l => (l.Level, l.Message))));
        Assert.DoesNotContain(log.OfTracing, l => l.Contains("source Shop ", StringComparison.Ordinal));
        Assert.DoesNotContain(log.OfTracing, l => l.Contains("source System.Net.Http ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Log_IgnoredSource_IsNamedOnceForOursAndThePlatforms()
    {
        var (host, _, log) = Start([new("MeshTracing:Ignore:Sources", "System.Net.Http")]);
        using var platforms = new ActivitySource("System.Net.Http");
        using var ours = new ActivitySource("Tracing.Sdk.Http");
        await StopAsync(host);

        Assert.Equal(
            "Spans of the source System.Net.Http are not recorded, because MeshTracing:Ignore:Sources leaves it out.",
            Assert.Single(log.OfTracing, l => l.Contains("not recorded", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Log_WhatIsLeftOutByDefault_IsNotNamed()
    {
        var (host, _, log) = Start([]);
        using var connections = new ActivitySource("Experimental.System.Net.Sockets");
        await StopAsync(host);

        Assert.DoesNotContain(log.OfTracing, l => l.Contains("not recorded", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Log_ManySourcesLeftOut_IsBounded()
    {
        var (host, _, log) = Start([new("MeshTracing:Ignore:Sources", "Many.*")]);
        var sources = Enumerable.Range(0, 1000).Select(i => new ActivitySource($"Many.{i}")).ToList();
        await StopAsync(host);
        sources.ForEach(s => s.Dispose());

        Assert.Equal(32, log.OfTracing.Count(l => l.Contains("source Many.", StringComparison.Ordinal)));
    }

    // The line is written while the application constructs its source, mostly in a static initializer.
    [Fact]
    public void Log_LoggerThrows_DoesNotReachTheApplication()
    {
        var filter = new SourceFilter(["Shop"], [], new SafeLogger(new ThrowingLogger()));
        using var source = new ActivitySource("Other");

        Assert.False(filter.ShouldListenTo(source));
    }

    private static (IHost Host, SpanSink Sink, LogCollector Log) Start(KeyValuePair<string, string?>[] configuration)
    {
        var (sink, log) = (new SpanSink(), new LogCollector());
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Configuration.AddInMemoryCollection(configuration);
        builder.Logging.AddProvider(log);
        builder.Services.AddMeshTracing(o => TestService.ExportTo(sink, o));
        var host = builder.Build();
        host.Start();
        return (host, sink, log);
    }

    private static async Task StopAsync(IHost host)
    {
        await host.StopAsync();
        host.Dispose();
    }

    private sealed class ThrowingLogger : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            throw new InvalidOperationException("a provider that is closed");
    }
}
