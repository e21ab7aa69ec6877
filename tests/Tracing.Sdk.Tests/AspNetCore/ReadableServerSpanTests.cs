using System.Diagnostics;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry;
using OpenTelemetry.Trace;
using Tracing.Sdk.Tests.Testbed;
using OpenTelemetrySdk = OpenTelemetry.Sdk;

namespace Tracing.Sdk.Tests.AspNetCore;

/// <summary>What other code reads on the Activity of a request: listeners of the application, OpenTelemetry beside this library, unit tests.</summary>
[Collection(Alone.Name)]
public sealed class ReadableServerSpanTests
{
    private const string Source = "Microsoft.AspNetCore";

    private static readonly string[] Expected =
    [
        "http.request.method=GET", "url.scheme=http", "url.path=/orders/7", "url.query=color=red", "server.address=shop", "server.port=80",
        "client.address=127.0.0.1", "network.peer.address=127.0.0.1", "network.peer.port=*", "network.protocol.version=1.1", "user_agent.original=curl/8.0",
        "envoy.attempt_count=2", "http.route=/orders/{id}", "http.response.status_code=200",
    ];

    [Fact]
    public async Task Stopped_AnotherListener_ReadsEveryAttributeAsATag()
    {
        using var reader = new Reader();
        await RequestAsync(app => app.MapGet("/orders/{id}", (int id) => "ok"));

        var read = Assert.Single(reader.Stopped);
        Assert.Equal(("GET /orders/{id}", ActivityStatusCode.Unset), (read.Name, read.Status));
        Assert.Equal(Expected, read.Tags);
    }

    [Fact]
    public async Task Stopped_EndpointThrows_ReadsErrorAndStatus()
    {
        using var reader = new Reader();
        await RequestAsync(app => app.MapGet("/orders/{id}", string (int id) => throw new InvalidOperationException("no")));

        var read = Assert.Single(reader.Stopped);
        Assert.Equal(ActivityStatusCode.Error, read.Status);
        Assert.Equal(["http.response.status_code=500", "error.type=System.InvalidOperationException"], read.Tags[^2..]);
    }

    [Fact]
    public async Task Stopped_ByTheEndpoint_ReadsWhatIsKnown()
    {
        using var reader = new Reader();
        await RequestAsync(app => app.MapGet("/orders/{id}", (int id) => Activity.Current!.Stop()));

        Assert.Equal(Expected[..^1], Assert.Single(reader.Stopped).Tags);
    }

    [Fact]
    public async Task Running_AnotherListener_EndpointReadsTheRequest()
    {
        string[] read = [];
        using var reader = new Reader();
        await RequestAsync(app => app.MapGet("/orders/{id}", (int id) => read = TagsOf(Activity.Current!)));

        Assert.Equal(Expected[..^1], read);
    }

    [Fact]
    public async Task Stopped_ListenerAddedInTheRequest_ReadsEveryAttribute()
    {
        Reader? reader = null;
        await RequestAsync(app => app.MapGet("/orders/{id}", (int id) => reader = new Reader()));

        Assert.Equal(Expected.Order(), Assert.Single(reader!.Stopped).Tags.Order());
        reader.Dispose();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Stopped_ByTheEndpoint_ListenerAddedInTheRequest_ReadsWhatIsKnown(bool hasRoute)
    {
        Reader? reader = null;
        await RequestAsync(app =>
        {
            if (hasRoute) app.MapGet("/orders/{id}", (int id) => Stop());
            else app.Run(_ => Stop());
        });

        Assert.Equal(hasRoute ? Expected[..^1].Order() : Expected[..^2].Order(), Assert.Single(reader!.Stopped).Tags.Order());
        reader.Dispose();

        Task Stop()
        {
            reader = new Reader();
            Activity.Current!.Stop();
            return Task.CompletedTask;
        }
    }

    [Fact]
    public async Task Stopped_ThroughTestServer_ReadsEveryAttribute()
    {
        using var reader = new Reader();
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "shop" });
        builder.WebHost.UseTestServer();
        builder.Services.AddRoutingCore().AddMeshTracing(o => TestService.ExportTo(new SpanSink(), o));
        await using var app = builder.Build();
        app.MapGet("/orders/{id}", (int id) => "ok");
        await app.StartAsync();
        using var client = app.GetTestClient();
        Assert.Equal("ok", await client.GetStringAsync("/orders/7"));

        Assert.Equal(
            [
                "http.request.method=GET", "url.scheme=http", "url.path=/orders/7", "server.address=localhost", "server.port=80",
                "network.protocol.version=1.1", "http.route=/orders/{id}", "http.response.status_code=200",
            ],
            Assert.Single(reader.Stopped).Tags);
    }

    [Fact]
    public async Task Exported_ByOpenTelemetryBesideUs_HasTheSameAttributes()
    {
        using var seen = new Exporter();
        using (OpenTelemetrySdk.CreateTracerProviderBuilder().AddSource(Source).AddProcessor(new SimpleActivityExportProcessor(seen)).Build())
        {
            var ours = await RequestAsync(app => app.MapGet("/orders/{id}", (int id) => "ok"));
            Assert.Equal(seen.Tags.Order(), TagsOf(ours).Order());
        }

        Assert.Equal(Expected, seen.Tags);
    }

    [Fact]
    public async Task Exported_ByOpenTelemetryInForwardMode_HasEveryAttribute()
    {
        using var seen = new Exporter();
        using (OpenTelemetrySdk.CreateTracerProviderBuilder().AddSource(Source).AddProcessor(new SimpleActivityExportProcessor(seen)).Build())
        {
            await using var service = await TestService.StartAsync(app => app.MapGet("/orders/{id}", (int id) => "ok"), o => ShowAll(o).Mode = MeshTracingMode.Forward);
            await SendAsync(service);
            await service.StopAsync();
        }

        Assert.Equal(Expected, seen.Tags);
    }

    [Fact]
    public async Task Stopped_SourceIsIgnoredByUs_ListenerReadsEveryAttribute()
    {
        using var reader = new Reader();
        await using var service = await TestService.StartAsync(app => app.MapGet("/orders/{id}", (int id) => "ok"), o => ShowAll(o).Ignore.Sources.Add(Source));
        await SendAsync(service);
        Assert.Empty(await service.StopAsync());

        Assert.Equal(Expected, Assert.Single(reader.Stopped).Tags);
    }

    // Hosting takes its source from the container, where the application may have registered one of its own.
    [Fact]
    public async Task Stopped_SourceOfTheApplication_ListenerReadsEveryAttribute()
    {
        using var shop = new ActivitySource("Shop.ReadableServerSpanTests");
        using var reader = new Reader(shop.Name);
        await RequestAsync(app => app.MapGet("/orders/{id}", (int id) => "ok"), b => b.Services.AddSingleton(shop));

        Assert.Equal(Expected, Assert.Single(reader.Stopped).Tags);
    }

    [Fact]
    public async Task Stopped_EndpointRestartsTheTrace_ListenerReadsTheNewSpan()
    {
        using var reader = new Reader("Tracing.Sdk.AspNetCore");
        await using var service = await TestService.StartAsync(app => app.MapGet("/orders/{id}", (int id) => "ok").WithTraceTrust(TraceTrust.Restart), o => ShowAll(o));
        await SendAsync(service, "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        await service.StopAsync();

        Assert.Equal(Expected.Order(), Assert.Single(reader.Stopped).Tags.Order());
    }

    [Fact]
    public async Task Activity_NoOtherListener_HasNoTagWhileItRunsNorAfterwards()
    {
        Activity? kept = null;
        string[] running = ["not run"];
        var span = await RequestAsync(app => app.MapGet("/orders/{id}", (int id) =>
        {
            kept = Activity.Current!;
            running = TagsOf(kept);
        }));

        Assert.Empty(running);
        Assert.Empty(TagsOf(kept!));
        Assert.Equal(Expected.Order(), TagsOf(span).Order());
    }

    [Theory]
    [InlineData("nothing")]
    [InlineData("adds")]
    [InlineData("replaces")]
    [InlineData("stops")]
    [InlineData("throws")]
    public async Task Exported_ByUs_IsTheSameWithAndWithoutAnotherListener(string endpoint)
    {
        var without = await RequestAsync(Map);
        using var reader = new Reader();
        var with = await RequestAsync(Map);

        Assert.Equal(TagsOf(without), TagsOf(with));
        Assert.Equal((without.Name, without.Status, without.StatusMessage, without.Events.Count), (with.Name, with.Status, with.StatusMessage, with.Events.Count));

        void Map(WebApplication app) => app.MapGet("/orders/{id}", (int id) =>
        {
            var activity = Activity.Current!;
            if (endpoint == "adds") activity.SetTag("order.id", id).SetTag("order.state", "new");
            if (endpoint == "replaces") activity.SetTag("http.route", "/mine").SetTag("url.query", "color=REDACTED");
            if (endpoint == "stops") activity.Stop();
            if (endpoint == "throws") throw new InvalidOperationException("no");
            return "ok";
        });
    }

    [Fact]
    public async Task Exported_ApplicationRemovesATagThatItReads_IsWithoutIt()
    {
        using var reader = new Reader();
        var span = await RequestAsync(app => app.MapGet("/orders/{id}", (int id) => Activity.Current!.SetTag("user_agent.original", null)));

        Assert.Null(span.Tag("user_agent.original"));
        Assert.DoesNotContain(Assert.Single(reader.Stopped).Tags, t => t.StartsWith("user_agent", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Stopped_MiddlewareReplacesThePeer_ReadsTheClient()
    {
        using var reader = new Reader();
        var span = await RequestAsync(app =>
        {
            app.Use((context, next) =>
            {
                context.Connection.RemoteIpAddress = IPAddress.Parse("203.0.113.9");
                return next(context);
            });
            app.MapGet("/orders/{id}", (int id) => "ok");
        });

        var tags = Assert.Single(reader.Stopped).Tags;
        Assert.Contains("client.address=203.0.113.9", tags);
        Assert.Contains("network.peer.address=127.0.0.1", tags);
        Assert.Equal("203.0.113.9", span.Tag("client.address"));
    }

    // Hosting stops the Activity of its feature, so a replaced one runs on, and the server uses the request's context again.
    [Fact]
    public async Task Exported_ReplacedAndStoppedInTheNextRequest_HasTheAttributesOfItsOwn()
    {
        Activity? replaced = null;
        await using var service = await TestService.StartAsync(app =>
        {
            app.MapGet("/first", (HttpContext context) =>
            {
                replaced = Activity.Current!;
                context.Features.Get<IHttpActivityFeature>()!.Activity = new Activity("mine").Start();
            });
            app.MapGet("/second", () => replaced!.Stop());
        });
        using var client = new HttpClient(new SocketsHttpHandler { ActivityHeadersPropagator = null });
        await client.GetStringAsync(new Uri(service.Address, "/first?color=red"));
        await client.GetStringAsync(new Uri(service.Address, "/second"));
        var spans = (await service.StopAsync()).Where(s => s.Kind == "server").ToList();

        Assert.Equal(["/first", "/second"], spans.Select(s => s.Tag("url.path")));
        Assert.Equal(["*", null], spans.Select(s => s.Tag("url.query")));
        Assert.Equal(["/first", "/second"], spans.Select(s => s.Tag("http.route")));
    }

    private static async Task<Span> RequestAsync(Action<WebApplication> map, Action<WebApplicationBuilder>? build = null)
    {
        await using var service = await TestService.StartAsync(map, o => ShowAll(o), build);
        await SendAsync(service);
        return (await service.StopAsync()).Server();
    }

    private static MeshTracingOptions ShowAll(MeshTracingOptions options)
    {
        (options.Http.ShowQuery, options.Http.ClientAddress) = (true, true);
        return options;
    }

    private static Task<WireMessage> SendAsync(TestService service, params string[] headers) => WireClient.SendAsync(
        service.Address, "GET /orders/7?color=red", ["Host: shop", "User-Agent: curl/8.0", "x-envoy-attempt-count: 2", .. headers]);

    private static string[] TagsOf(Activity activity) => [.. activity.TagObjects.Select(t => Text(t.Key, t.Value))];

    private static string[] TagsOf(Span span) => [.. span.Tags.Select(t => Text(t.Key, t.Value))];

    private static string Text(string key, object? value) => $"{key}={(key == "network.peer.port" ? "*" : value)}";

    private sealed class Exporter : BaseExporter<Activity>
    {
        public string[] Tags { get; private set; } = [];

        public override ExportResult Export(in Batch<Activity> batch)
        {
            foreach (var activity in batch) Tags = TagsOf(activity);
            return ExportResult.Success;
        }
    }

    /// <summary>A listener of the application's.</summary>
    private sealed class Reader : IDisposable
    {
        private readonly List<(string, ActivityStatusCode, string[])> _stopped = [];
        private readonly ActivityListener _listener;

        public Reader(string source = Source)
        {
            _listener = new ActivityListener
            {
                ShouldListenTo = s => s.Name == source,
                Sample = (ref _) => ActivitySamplingResult.AllDataAndRecorded,
                ActivityStopped = a =>
                {
                    lock (_stopped) _stopped.Add((a.DisplayName, a.Status, TagsOf(a)));
                },
            };
            ActivitySource.AddActivityListener(_listener);
        }

        public IReadOnlyList<(string Name, ActivityStatusCode Status, string[] Tags)> Stopped
        {
            get
            {
                lock (_stopped) return [.. _stopped];
            }
        }

        public void Dispose() => _listener.Dispose();
    }
}
