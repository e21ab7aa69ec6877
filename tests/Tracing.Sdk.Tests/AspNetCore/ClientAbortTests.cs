using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.AspNetCore;

// A client that closes the connection is no error of the service: https://opentelemetry.io/docs/specs/semconv/http/http-spans/#status
public sealed class ClientAbortTests
{
    public static TheoryData<bool> Versions => [false, true];

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Abort_NothingSetAStatus_Is499AndNoError(bool http2) =>
        AssertNoError(499L, await AbortAsync(http2, app => app.Run(AbortedAsync)));

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Abort_EndpointIsCancelled_Is499AndNoError(bool http2) =>
        AssertNoError(499L, await AbortAsync(http2, app => app.Run(CancelledAsync)));

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Abort_ConnectionFailsInTheEndpoint_Is499AndNoError(bool http2) =>
        AssertNoError(499L, await AbortAsync(http2, app => app.Run(async context =>
        {
            await AbortedAsync(context);
            throw new IOException("The client reset the request stream.");
        })));

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Abort_RequestBodyIsCutOff_Is499AndNoError(bool http2) =>
        AssertNoError(499L, await AbortAsync(http2, app => app.Run(async context =>
        {
            Arrived(context).SetResult();
            await context.Request.Body.CopyToAsync(Stream.Null);
        }), "Content-Length: 10"));

    [Theory]
    [InlineData(false, 404)]
    [InlineData(false, 408)]
    [InlineData(false, 499)]
    [InlineData(true, 404)]
    [InlineData(true, 408)]
    [InlineData(true, 499)]
    public async Task Abort_EndpointSetsAStatusBelow500_HasItAndNoError(bool http2, int status) =>
        AssertNoError(status, await AbortAsync(http2, app => app.Run(context => AbortedAsync(context, status))));

    [Theory]
    [InlineData(false, 500)]
    [InlineData(false, 503)]
    [InlineData(true, 500)]
    [InlineData(true, 503)]
    public async Task Abort_EndpointSetsAServerError_IsAnErrorWithThatStatus(bool http2, int status)
    {
        var span = await AbortAsync(http2, app => app.Run(context => AbortedAsync(context, status)));

        Assert.Equal(((long)status, $"{status}", "error"), (span.Tag("http.response.status_code"), span.Tag("error.type"), span.Status));
        Assert.Empty(span.Events);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Abort_EndpointIsCancelledAfterItSetAServerError_Is499AndNoError(bool http2) =>
        AssertNoError(499L, await AbortAsync(http2, app => app.Run(context =>
        {
            context.Response.StatusCode = 503;
            return CancelledAsync(context);
        })));

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Abort_EndpointThrowsSomethingElse_IsAnErrorOfThatKind(bool http2)
    {
        var span = await AbortAsync(http2, app => app.Run(async context =>
        {
            await AbortedAsync(context);
            throw new InvalidOperationException("no such table");
        }));

        Assert.Equal((499L, "System.InvalidOperationException", "error"), (span.Tag("http.response.status_code"), span.Tag("error.type"), span.Status));
        Assert.Single(span.Events);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Abort_ResponseHasStarted_HasTheStatusThatWasSent(bool http2) =>
        AssertNoError(202L, await AbortAsync(http2, app => app.Run(async context =>
        {
            context.Response.StatusCode = 202;
            await context.Response.StartAsync();
            await CancelledAsync(context);
        })));

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task Abort_ServerErrorHasBeenSent_IsAnError(bool http2, bool isCancelled)
    {
        var span = await AbortAsync(http2, app => app.Run(async context =>
        {
            context.Response.StatusCode = 503;
            await context.Response.StartAsync();
            await (isCancelled ? CancelledAsync(context) : AbortedAsync(context));
        }));

        Assert.Equal((503L, "503", "error"), (span.Tag("http.response.status_code"), span.Tag("error.type"), span.Status));
        Assert.Empty(span.Events);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Abort_EndpointThrowsAfterTheStart_IsAnErrorWithTheStatusThatWasSent(bool http2)
    {
        var span = await AbortAsync(http2, app => app.Run(async context =>
        {
            await context.Response.StartAsync();
            await AbortedAsync(context);
            throw new InvalidOperationException("no such table");
        }));

        Assert.Equal((200L, "System.InvalidOperationException", "error"), (span.Tag("http.response.status_code"), span.Tag("error.type"), span.Status));
        Assert.Single(span.Events);
    }

    [Theory]
    [InlineData(false, "handler")]
    [InlineData(false, "IExceptionHandler")]
    [InlineData(false, "developer page")]
    [InlineData(true, "handler")]
    [InlineData(true, "IExceptionHandler")]
    [InlineData(true, "developer page")]
    public async Task Abort_CancelledBelowAnErrorPage_Is499AndNoError(bool http2, string page) =>
        AssertNoError(499L, await AbortAsync(http2, app => UsePage(app, page).Run(CancelledAsync)));

    [Theory]
    [InlineData(false, "handler", 500L)]
    [InlineData(false, "IExceptionHandler", 503L)]
    [InlineData(false, "developer page", 500L)]
    [InlineData(true, "handler", 500L)]
    [InlineData(true, "IExceptionHandler", 503L)]
    [InlineData(true, "developer page", 500L)]
    public async Task Abort_SomethingElseBelowAnErrorPage_IsAnErrorWithThePagesStatus(bool http2, string page, long status)
    {
        var span = await AbortAsync(http2, app => UsePage(app, page).Run(async context =>
        {
            await AbortedAsync(context);
            throw new InvalidOperationException("no such table");
        }));

        Assert.Equal((status, "System.InvalidOperationException", "error"), (span.Tag("http.response.status_code"), span.Tag("error.type"), span.Status));
        Assert.Single(span.Events);
    }

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Abort_StatusCodePages_HasTheStatusThatWasSet(bool http2) =>
        AssertNoError(404L, await AbortAsync(http2, app => app.UseStatusCodePages().Run(context => AbortedAsync(context, 404))));

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Abort_ByTheApplication_Is499AndNoError(bool http2) =>
        AssertNoError(499L, await AbortAsync(http2, app => app.Run(context =>
        {
            Arrived(context).SetResult();
            context.Abort();
            return Task.CompletedTask;
        })));

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task Abort_ServerSentEvents_HasTheStatusThatWasSent(bool http2) =>
        AssertNoError(200L, await AbortAsync(http2, app => app.MapGet("/", (HttpContext context) =>
        {
            async IAsyncEnumerable<string> Ticks()
            {
                yield return "tick";
                await CancelledAsync(context);
            }

            return TypedResults.ServerSentEvents(Ticks());
        })));

    [Fact]
    public async Task Abort_WebSocket_IsASwitchOfProtocolsAndNoError() =>
        AssertNoError(101L, await AbortAsync(
            http2: false,
            app => app.UseWebSockets().Run(async context =>
            {
                using var socket = await context.WebSockets.AcceptWebSocketAsync();
                Arrived(context).SetResult();
                await socket.ReceiveAsync(new byte[10], CancellationToken.None);
            }),
            "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="));

    [Fact]
    public async Task WebSocket_EndpointBreaksTheProtocol_IsAnError()
    {
        await using var service = await TestService.StartAsync(app =>
            app.UseWebSockets().Run(_ => throw new WebSocketException(WebSocketError.InvalidState)));
        await service.GetAsync("/");

        Assert.Equal("error", (await service.StopAsync()).Server().Status);
    }

    [Fact]
    public async Task Cancelled_WhileTheClientWaits_IsAnError()
    {
        await using var service = await TestService.StartAsync(app => app.Run(_ => throw new TaskCanceledException("The query took too long.")));
        var response = await service.GetAsync("/");
        var span = (await service.StopAsync()).Server();

        Assert.Equal(500, response.Status);
        Assert.Equal((500L, "System.Threading.Tasks.TaskCanceledException", "error"), (span.Tag("http.response.status_code"), span.Tag("error.type"), span.Status));
    }

    [Fact]
    public async Task Abort_ServerThatReportsNoStatus_Is499AndNoError()
    {
        var (sink, arrived, contexts) = (new SpanSink(), new TaskCompletionSource(), new ContextFactory());
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "shop" });
        builder.WebHost.UseTestServer();
        builder.Services.AddRoutingCore().AddSingleton<IHttpContextFactory>(contexts).AddMeshTracing(o => TestService.ExportTo(sink, o));
        await using var app = builder.Build();
        var traceId = "";
        app.Run(context =>
        {
            traceId = System.Diagnostics.Activity.Current!.TraceId.ToHexString();
            context.Items[nameof(Arrived)] = arrived;
            return AbortedAsync(context);
        });
        await app.StartAsync();
        using (var cancellation = new CancellationTokenSource())
        {
            var call = app.GetTestClient().GetAsync(new Uri("/", UriKind.Relative), cancellation.Token);
            await arrived.Task;
            await cancellation.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        }

        await contexts.Disposed;
        await app.StopAsync();

        AssertNoError(499L, sink.Spans.Where(s => s.TraceId == traceId).Server());
    }

    // The client closes the connection as soon as the endpoint has the request.
    private static async Task<Span> AbortAsync(bool http2, Action<WebApplication> map, params string[] headers)
    {
        var arrived = new TaskCompletionSource();
        await using var service = await TestService.StartAsync(
            app =>
            {
                app.Use((context, next) =>
                {
                    context.Items[nameof(Arrived)] = arrived;
                    return next(context);
                });
                map(app);
            },
            build: b =>
            {
                b.Services.AddSingleton<IExceptionHandler, UnavailableHandler>();
                if (http2) b.WebHost.ConfigureKestrel(k => k.ConfigureEndpointDefaults(e => e.Protocols = HttpProtocols.Http2));
            });
        if (http2) await ResetAsync(service.Address, arrived.Task, hasBody: headers.Length > 0);
        else await HangUpAsync(service.Address, arrived.Task, headers);
        return (await service.StopAsync()).Server();
    }

    private static async Task HangUpAsync(Uri address, Task arrived, string[] headers)
    {
        using var socket = await WireClient.ConnectAsync(address);
        await socket.SendAsync(System.Text.Encoding.ASCII.GetBytes(WireClient.Request(address, headers is ["Content-Length: 10"] ? "POST /" : "GET /", headers)));
        await arrived;
        socket.LingerState = new LingerOption(true, 0);
    }

    // RST_STREAM: the connection stays.
    private static async Task ResetAsync(Uri address, Task arrived, bool hasBody)
    {
        using var client = new HttpClient(new SocketsHttpHandler { ActivityHeadersPropagator = null });
        using var cancellation = new CancellationTokenSource();
        using var request = new HttpRequestMessage(hasBody ? HttpMethod.Post : HttpMethod.Get, address)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = hasBody ? new EndlessContent() : null,
        };
        var call = client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation.Token);
        await arrived;
        await cancellation.CancelAsync();
        // A response that has started exists; the client does not wait for its end.
        var ended = await Task.WhenAny(call);
        if (ended.IsCompletedSuccessfully) (await ended).Dispose();
    }

    private static WebApplication UsePage(WebApplication app, string page)
    {
        if (page == "handler") app.UseExceptionHandler(handler => handler.Run(context => context.Response.WriteAsync("sorry")));
        else if (page == "IExceptionHandler")
        {
            app.UseExceptionHandler(new ExceptionHandlerOptions { ExceptionHandler = _ => Task.CompletedTask });
            app.Use((context, next) =>
            {
                context.Items[nameof(UnavailableHandler)] = true;
                return next(context);
            });
        }
        else app.UseDeveloperExceptionPage();
        return app;
    }

    private static TaskCompletionSource Arrived(HttpContext context) => (TaskCompletionSource)context.Items[nameof(Arrived)]!;

    private static Task CancelledAsync(HttpContext context)
    {
        Arrived(context).SetResult();
        return Task.Delay(Timeout.Infinite, context.RequestAborted);
    }

    private static async Task AbortedAsync(HttpContext context)
    {
        var aborted = new TaskCompletionSource();
        await using var registration = context.RequestAborted.Register(aborted.SetResult);
        Arrived(context).SetResult();
        await aborted.Task;
    }

    private static async Task AbortedAsync(HttpContext context, int status)
    {
        await AbortedAsync(context);
        context.Response.StatusCode = status;
    }

    private static void AssertNoError(long status, Span span)
    {
        Assert.Equal((status, null, "unset"), (span.Tag("http.response.status_code"), span.Tag("error.type"), span.Status));
        Assert.Empty(span.Events);
    }

    // Disposes of a context once the span of its request has stopped; the test server stops without waiting for either.
    private sealed class ContextFactory : IHttpContextFactory
    {
        private readonly TaskCompletionSource _disposed = new();

        public Task Disposed => _disposed.Task;

        public HttpContext Create(IFeatureCollection featureCollection) => new DefaultHttpContext(featureCollection);

        public void Dispose(HttpContext httpContext) => _disposed.SetResult();
    }

    private sealed class UnavailableHandler : IExceptionHandler
    {
        // Returns false for the other error pages, which then handle the exception.
        public ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
        {
            if (httpContext.Items[nameof(UnavailableHandler)] is null) return new ValueTask<bool>(false);
            httpContext.Response.StatusCode = 503;
            return new ValueTask<bool>(true);
        }
    }

    private sealed class EndlessContent : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
            SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            await stream.WriteAsync(new byte[1], cancellationToken);
            await stream.FlushAsync(cancellationToken);
            await Task.Delay(Timeout.Infinite, cancellationToken);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
