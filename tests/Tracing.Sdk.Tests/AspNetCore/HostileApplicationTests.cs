using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.Extensions.DependencyInjection;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.AspNetCore;

/// <summary>Code of the application that throws, or changes the request, where a server span reads it: the request is served and the span is kept.</summary>
public sealed class HostileApplicationTests
{
    [Fact]
    public async Task Exception_WhoseTextThrows_IsAnErrorOfItsType()
    {
        await using var service = await TestService.StartAsync(app => app.Run(_ => throw new MuteException()));
        var response = await service.GetAsync("/");
        var span = (await service.StopAsync()).Server();

        Assert.Equal(500, response.Status);
        Assert.Equal(("error", typeof(MuteException).FullName, 500L), (span.Status, span.Tag("error.type"), span.Tag("http.response.status_code")));
        Assert.Equal(typeof(MuteException).FullName, Assert.Single(span.Events).Tags["exception.type"]);
    }

    [Fact]
    public async Task Exception_WhoseTextThrowsBehindAnErrorPage_DoesNotChangeTheResponse()
    {
        await using var service = await TestService.StartAsync(app =>
        {
            app.UseExceptionHandler(handler => handler.Run(context => context.Response.WriteAsync("sorry")));
            app.Run(_ => throw new MuteException());
        });
        var response = await service.GetAsync("/");
        var span = (await service.StopAsync()).Server();

        Assert.Equal("chunked", response["Transfer-Encoding"]);
        Assert.Equal(("error", typeof(MuteException).FullName), (span.Status, span.Tag("error.type")));
        Assert.Single(span.Events);
    }

    [Fact]
    public async Task Exception_WithCredentialsInItsText_IsRecordedWithoutThem()
    {
        await using var service = await TestService.StartAsync(app => app.Run(_ =>
            throw new InvalidOperationException("No answer from amqp://shop:s3cr3t@mq:5672/orders, nor from 'http://:s3cr3t@b', see http://docs/a@b.")));
        await service.GetAsync("/");
        var span = (await service.StopAsync()).Server();
        const string Expected = "No answer from amqp://mq:5672/orders, nor from 'http://b', see http://docs/a@b.";

        Assert.Equal(Expected, span.StatusMessage);
        Assert.Equal(Expected, span.Events[0].Tags["exception.message"]);
        Assert.StartsWith("System.InvalidOperationException: " + Expected, (string)span.Events[0].Tags["exception.stacktrace"]);
        Assert.DoesNotContain("s3cr3t", (string)span.Events[0].Tags["exception.stacktrace"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Exception_RecordedByTheApplicationWithCredentials_IsRecordedWithoutThem()
    {
        await using var service = await TestService.StartAsync(app => app.Run(_ =>
        {
            Activity.Current!.AddException(new InvalidOperationException("http://shop:s3cr3t@data/"));
            return Task.CompletedTask;
        }));
        await service.GetAsync("/");
        var recorded = Assert.Single((await service.StopAsync()).Server().Events);

        Assert.Equal("http://data/", recorded.Tags["exception.message"]);
        Assert.DoesNotContain("s3cr3t", (string)recorded.Tags["exception.stacktrace"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Exception_RecordedByTheApplicationWithTextsOfItsOwn_KeepsThem()
    {
        await using var service = await TestService.StartAsync(app => app.Run(_ =>
        {
            Activity.Current!.AddException(
                new InvalidOperationException("raw"), new TagList { { "exception.message", "own" }, { "exception.stacktrace", "none" }, { "attempt", 2 } });
            return Task.CompletedTask;
        }));
        await service.GetAsync("/");
        var recorded = Assert.Single((await service.StopAsync()).Server().Events);

        Assert.Equal(
            [("attempt", 2L), ("exception.message", "own"), ("exception.stacktrace", "none"), ("exception.type", "System.InvalidOperationException")],
            recorded.Tags.OrderBy(t => t.Key).Select(t => (t.Key, t.Value)));
    }

    [Fact]
    public async Task Endpoint_WhoseRouteMetadataThrows_IsServed()
    {
        await using var service = await TestService.StartAsync(app => app.MapGet("/orders", () => Results.StatusCode(202)).WithMetadata(new BrokenRoute()));
        var response = await service.GetAsync("/orders");
        var span = (await service.StopAsync()).Server();

        Assert.Equal((202, "/orders", 202L), (response.Status, span.Tag("url.path"), span.Tag("http.response.status_code")));
    }

    [Theory]
    [InlineData(typeof(IHttpConnectionFeature))]
    [InlineData(typeof(IHttpRequestLifetimeFeature))]
    [InlineData(typeof(IEndpointFeature))]
    [InlineData(typeof(IExceptionHandlerFeature))]
    [InlineData(typeof(IHttpActivityFeature))]
    public async Task Feature_ThatThrows_CostsNeitherRequestNorSpan(Type feature)
    {
        await using var service = await TestService.StartAsync(
            app => app.Run(context =>
            {
                context.Response.StatusCode = 503;
                return Task.CompletedTask;
            }),
            o => o.Http.ResponseHeader = TraceResponseHeader.TraceId,
            b => b.Services.AddSingleton<IHttpContextFactory>(new BrokenContextFactory(feature)));
        var response = await service.GetAsync("/");
        var spans = await service.StopAsync();

        Assert.Equal(503, response.Status);
        Assert.Single(spans, s => s is { Kind: "server", Scope: "Microsoft.AspNetCore" });
    }

    // A host's own filter that writes before the application does.
    [Fact]
    public async Task Response_StartedBeforeTheMiddleware_IsLeftAlone()
    {
        var sink = new SpanSink();
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "shop" });
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        builder.Services.AddRoutingCore().AddMeshTracing(o =>
        {
            TestService.ExportTo(sink, o);
            o.Http.ResponseHeader = TraceResponseHeader.TraceId;
        });
        builder.Services.Insert(0, ServiceDescriptor.Singleton<IStartupFilter>(new EarlyFilter()));
        await using var app = builder.Build();
        app.Run(context => context.Response.WriteAsync("late"));
        await app.StartAsync();
        var response = await WireClient.SendAsync(new Uri(app.Urls.First()), "GET /");
        await app.StopAsync();

        Assert.Equal(202, response.Status);
        Assert.Contains(sink.Spans, s => s.Tag("http.response.status_code") is 202L && s.Status == "unset");
    }

    [Theory]
    [InlineData("shop:99999999999999")]
    [InlineData("shop:70000")]
    [InlineData("shop:0")]
    public async Task Host_WithAPortThatIsNone_HasNoPort(string host)
    {
        await using var service = await TestService.StartAsync(app => app.Run(_ => Task.CompletedTask));
        await service.GetAsync("/", $"Host: {host}");
        var span = (await service.StopAsync()).Server();

        Assert.Equal(("shop", null), (span.Tag("server.address"), span.Tag("server.port")));
    }

    // Kestrel rejects it; another server, or the application, may not.
    [Theory]
    [InlineData("user:pass@shop:8080")]
    [InlineData("user@shop:8080")]
    [InlineData("us@er:p@ss@shop:8080")]
    public async Task Host_WithUserInfo_IsRecordedWithout(string host)
    {
        await using var service = await TestService.StartAsync(app => app.Run(context =>
        {
            context.Request.Headers.Host = host;
            return Task.CompletedTask;
        }));
        await service.GetAsync("/");
        var span = (await service.StopAsync()).Server();

        Assert.Equal(("shop", 8080L), (span.Tag("server.address"), span.Tag("server.port")));
    }

    [Theory]
    [InlineData("a@")]
    [InlineData("@")]
    [InlineData("[")]
    [InlineData("]")]
    [InlineData("[::1")]
    [InlineData(":")]
    [InlineData(":80")]
    [InlineData("a:b:c")]
    [InlineData("\ud800")]
    public async Task Host_ThatIsNone_CostsNoSpan(string host)
    {
        await using var service = await TestService.StartAsync(app => app.Run(context =>
        {
            context.Request.Headers.Host = host;
            return Task.CompletedTask;
        }));
        var response = await service.GetAsync("/");

        Assert.Equal(200, response.Status);
        Assert.Equal(200L, (await service.StopAsync()).Server().Tag("http.response.status_code"));
    }

    [Fact]
    public async Task Request_EverythingLong_IsRecordedWhole()
    {
        var (path, query, agent) = ("/" + new string('p', 3000), new string('q', 4000), "\u00c3\u00a4" + new string('a', 8000));
        await using var service = await TestService.StartAsync(app => app.MapGet("/{rest}", () => "ok").WithMetadata(new LongRoute()), o => o.Http.ShowQuery = true);
        await service.GetAsync($"{path}?{query}", $"User-Agent: {agent}", $"Host: {new string('h', 2000)}");
        var span = (await service.StopAsync()).Server();

        Assert.Equal((path, query, 2000), (span.Tag("url.path"), span.Tag("url.query"), ((string)span.Tag("server.address")!).Length));
        Assert.Equal("\u00e4" + new string('a', 8000), span.Tag("user_agent.original"));
        Assert.Equal(new LongRoute().Route, span.Tag("http.route"));
        Assert.Equal("GET " + new LongRoute().Route, span.Name);
    }

    [Fact]
    public async Task Endpoint_ThatLetsGoOfTheCurrentActivity_IsRecordedWhole()
    {
        await using var service = await TestService.StartAsync(app => app.MapGet("/orders", () =>
        {
            Activity.Current = null;
            return Results.StatusCode(503);
        }));
        await service.GetAsync("/orders");
        var span = (await service.StopAsync()).Server();

        Assert.Equal(("GET /orders", 503L, "error"), (span.Name, span.Tag("http.response.status_code"), span.Status));
    }

    [Fact]
    public async Task Endpoint_ThatStartsAServerSpanOfItsOwn_IsOneSpanWithTheRequestsAttributes()
    {
        using var source = new ActivitySource("Shop.Inner");
        await using var service = await TestService.StartAsync(app => app.MapGet("/orders", () =>
        {
            using var own = source.StartActivity("inner", ActivityKind.Server);
            return "ok";
        }));
        await service.GetAsync("/orders");
        var spans = await service.StopAsync();

        Assert.Equal([("inner", null), ("GET /orders", "/orders")], spans.Select(s => (s.Name, (string?)s.Tag("url.path"))));
        Assert.Equal(spans[1].SpanId, spans[0].ParentId);
    }

    [Fact]
    public async Task Middleware_ThatReplacesTheResponseStream_LeavesTheStatus()
    {
        await using var service = await TestService.StartAsync(app =>
        {
            app.Use(async (context, next) =>
            {
                var body = context.Response.Body;
                context.Response.Body = new MemoryStream();
                await next(context);
                context.Response.Body = body;
            });
            app.Run(context =>
            {
                context.Response.StatusCode = 202;
                return context.Response.WriteAsync("ok");
            });
        });
        await service.GetAsync("/");

        Assert.Equal(202L, (await service.StopAsync()).Server().Tag("http.response.status_code"));
    }

    private sealed class EarlyFilter : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Use(async (context, inner) =>
            {
                context.Response.StatusCode = 202;
                await context.Response.WriteAsync("early");
                await inner(context);
            });
            next(app);
        };
    }

    private sealed class LongRoute : IRouteDiagnosticsMetadata
    {
        public string Route { get; } = "/" + new string('r', 8000);
    }

    private sealed class MuteException : Exception
    {
        public override string Message => throw new InvalidOperationException("no text");

        public override string ToString() => throw new InvalidOperationException("no text");
    }

    private sealed class BrokenRoute : IRouteDiagnosticsMetadata
    {
        public string Route => throw new InvalidOperationException("no route");
    }

    // Gives the middleware a context in which reading one feature throws.
    private sealed class BrokenContextFactory(Type broken) : IHttpContextFactory
    {
        public HttpContext Create(IFeatureCollection featureCollection) => new DefaultHttpContext(new BrokenFeatures(featureCollection, broken));

        public void Dispose(HttpContext httpContext)
        {
        }
    }

    private sealed class BrokenFeatures(IFeatureCollection features, Type broken) : IFeatureCollection
    {
        public bool IsReadOnly => features.IsReadOnly;

        public int Revision => features.Revision;

        public object? this[Type key]
        {
            get => key == broken ? throw new InvalidOperationException("no feature") : features[key];
            set => features[key] = value;
        }

        public TFeature? Get<TFeature>() => typeof(TFeature) == broken ? throw new InvalidOperationException("no feature") : features.Get<TFeature>();

        public void Set<TFeature>(TFeature? instance) => features.Set(instance);

        public IEnumerator<KeyValuePair<Type, object>> GetEnumerator() => features.GetEnumerator();

        System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
