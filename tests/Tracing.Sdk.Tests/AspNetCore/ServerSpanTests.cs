using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Tracing.Sdk.Tests.Testbed;
using BadHttpRequestException = Microsoft.AspNetCore.Http.BadHttpRequestException;

namespace Tracing.Sdk.Tests.AspNetCore;

// https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-server-span
public sealed class ServerSpanTests
{
    [Fact]
    public async Task Request_MatchedRoute_HasExactlyTheAttributesOfTheConvention()
    {
        await using var service = await TestService.StartAsync(app => app.MapGet("/orders/{id}", (int id) => Results.Text($"{id}")));
        await service.GetAsync("/orders/7?color=red", "User-Agent: curl/8.0");
        var span = (await service.StopAsync()).Server();

        Assert.Equal("GET /orders/{id}", span.Name);
        Assert.Equal("Microsoft.AspNetCore", span.Scope);
        Assert.Equal("unset", span.Status);
        Assert.Empty(span.Events);
        AssertTags(
            span,
            ("http.request.method", "GET"),
            ("url.scheme", "http"),
            ("url.path", "/orders/7"),
            ("url.query", "*"),
            ("server.address", "127.0.0.1"),
            ("server.port", (long)service.Address.Port),
            ("network.protocol.version", "1.1"),
            ("user_agent.original", "curl/8.0"),
            ("http.route", "/orders/{id}"),
            ("http.response.status_code", 200L));
    }

    // Hosting takes its source from the container, where the application may have registered one of its own.
    [Fact]
    public async Task Request_ApplicationRegistersAnActivitySource_HasItsAttributes()
    {
        using var shop = new ActivitySource("Shop");
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/orders/{id}", (int id) => "ok"),
            build: b => b.Services.AddSingleton(shop));
        await service.GetAsync("/orders/7");
        var span = (await service.StopAsync()).Server();

        Assert.Equal(("Shop", "GET /orders/{id}", "/orders/7"), (span.Scope, span.Name, span.Tag("url.path")));
        Assert.Null(span.Tag("tracing.sdk.details"));
    }

    [Fact]
    public async Task Request_NoRoute_IsNamedByItsMethodAndHasNoRoute()
    {
        await using var service = await TestService.StartAsync(app => app.MapGet("/orders", () => "ok"));
        var response = await service.GetAsync("/nowhere");
        var span = (await service.StopAsync()).Server();

        Assert.Equal(404, response.Status);
        Assert.Equal("GET", span.Name);
        Assert.Null(span.Tag("http.route"));
        Assert.Equal(404L, span.Tag("http.response.status_code"));
        Assert.Equal("unset", span.Status);
        Assert.Null(span.Tag("error.type"));
    }

    [Fact]
    public async Task Request_UnderPathBase_HasItInPathAndRoute()
    {
        await using var service = await TestService.StartAsync(app =>
        {
            app.UsePathBase("/shop");
            app.UseRouting();
            app.MapGet("/orders/{id}", () => "ok");
        });
        await service.GetAsync("/shop/orders/7");
        var span = (await service.StopAsync()).Server();

        Assert.Equal("GET /shop/orders/{id}", span.Name);
        Assert.Equal("/shop/orders/{id}", span.Tag("http.route"));
        Assert.Equal("/shop/orders/7", span.Tag("url.path"));
    }

    [Fact]
    public async Task Request_PathRewrittenByTheApplication_HasThePathThatWasAskedFor()
    {
        await using var service = await TestService.StartAsync(
            app =>
            {
                app.Use((context, next) =>
                {
                    (context.Request.Path, context.Request.QueryString) = ("/new", QueryString.Empty);
                    return next(context);
                });
                app.UseRouting();
                app.MapGet("/new", () => "ok");
            },
            ShowQuery);
        await service.GetAsync("/old?a=1");
        var span = (await service.StopAsync()).Server();

        Assert.Equal("/old", span.Tag("url.path"));
        Assert.Equal("a=1", span.Tag("url.query"));
        Assert.Equal("GET /new", span.Name);
    }

    [Theory]
    [InlineData("GET /all/a%2Fb%20c/%E2%82%AC", "/all/a%2Fb%20c/%E2%82%AC", null)]
    [InlineData("GET /all/a%2Fb?x=%20%zz&y", "/all/a%2Fb", "x=%20%zz&y")]
    [InlineData("GET /a/../b/./c", "/a/../b/./c", null)]
    [InlineData("GET //a//b", "//a//b", null)]
    [InlineData("GET /%zz", "/%zz", null)]
    [InlineData("GET /a?b=/c?d", "/a", "b=/c?d")]
    [InlineData("GET /%68ello", "/%68ello", null)]
    [InlineData("GET http://shop/all/a%20b?c=%20", "/all/a%20b", "c=%20")]
    [InlineData("GET http://user:pass@shop/all", "/all", null)]
    [InlineData("GET http://shop", "/", null)]
    [InlineData("GET http://shop?a=/b", "/", "a=/b")]
    [InlineData("OPTIONS *", "/", null)]
    [InlineData("CONNECT shop:80", "/", null)]
    public async Task Request_Target_IsRecordedAsItWasSent(string startLine, string path, string? query)
    {
        await using var service = await TestService.StartAsync(app => app.Run(_ => Task.CompletedTask), ShowQuery);
        await WireClient.SendAsync(service.Address, startLine, startLine.StartsWith("CONNECT", StringComparison.Ordinal) ? "Host: shop:80" : "Host: shop");
        var span = (await service.StopAsync()).Server();

        Assert.Equal((path, query), (span.Tag("url.path"), span.Tag("url.query")));
    }

    [Fact]
    public async Task Request_EncodedPathUnderPathBase_IsRecordedAsItWasSent()
    {
        await using var service = await TestService.StartAsync(app =>
        {
            app.UsePathBase("/my shop");
            app.UseRouting();
            app.MapGet("/orders/{id}", () => "ok");
        });
        await service.GetAsync("/my%20shop/orders/a%2Fb");

        Assert.Equal("/my%20shop/orders/a%2Fb", (await service.StopAsync()).Server().Tag("url.path"));
    }

    [Fact]
    public async Task Request_EncodedPathRewrittenByTheApplication_IsRecordedAsItWasSent()
    {
        await using var service = await TestService.StartAsync(app =>
        {
            app.Use((context, next) =>
            {
                context.Request.Path = "/new";
                return next(context);
            });
            app.UseRouting();
            app.MapGet("/new", () => "ok");
        });
        await service.GetAsync("/o%6Cd");

        Assert.Equal("/o%6Cd", (await service.StopAsync()).Server().Tag("url.path"));
    }

    // Some servers do not keep the target.
    [Theory]
    [InlineData(null)]
    [InlineData("")]
    public async Task Request_ServerWithoutTheTarget_HasThePathEncodedAgain(string? rawTarget)
    {
        await using var service = await TestService.StartAsync(
            app => app.Run(_ => Task.CompletedTask),
            build: b => b.Services.Insert(0, ServiceDescriptor.Singleton<IStartupFilter>(new TargetFilter(rawTarget!))));
        await service.GetAsync("/all/a%2Fb%20c/%E2%82%AC");

        Assert.Equal("/all/a%2Fb%20c/%E2%82%AC", (await service.StopAsync()).Server().Tag("url.path"));
    }

    [Fact]
    public async Task Request_RootPath_IsASlash()
    {
        await using var service = await TestService.StartAsync(app => app.MapGet("/", () => "ok"));
        await service.GetAsync("/");
        var span = (await service.StopAsync()).Server();

        Assert.Equal("GET /", span.Name);
        Assert.Equal("/", span.Tag("url.path"));
        Assert.Null(span.Tag("url.query"));
    }

    [Theory]
    [InlineData("shop", "shop", 80L)]
    [InlineData("shop:8080", "shop", 8080L)]
    [InlineData("[::1]:8080", "::1", 8080L)]
    [InlineData("xn--mnchen-3ya.de", "xn--mnchen-3ya.de", 80L)]
    [InlineData("xn--a", "xn--a", 80L)]
    public async Task Request_Host_IsTheServersAddressAsItWasSent(string host, string address, long port)
    {
        // Hosting's own log line about a request decodes Punycode and, with ICU, throws when it is invalid.
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/", () => "ok"), build: builder => builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning));
        await service.GetAsync("/", $"Host: {host}");
        var span = (await service.StopAsync()).Server();

        Assert.Equal((address, port), (span.Tag("server.address"), span.Tag("server.port")));
    }

    [Fact]
    public async Task Request_UnknownMethod_IsOtherAndKeepsTheOriginal()
    {
        await using var service = await TestService.StartAsync(app => app.Map("/orders", () => "ok"));
        await WireClient.SendAsync(service.Address, "BREW /orders");
        var span = (await service.StopAsync()).Server();

        Assert.Equal("HTTP /orders", span.Name);
        Assert.Equal("_OTHER", span.Tag("http.request.method"));
        Assert.Equal("BREW", span.Tag("http.request.method_original"));
    }

    [Fact]
    public async Task Request_LowerCaseMethod_IsNotTheKnownOne()
    {
        await using var service = await TestService.StartAsync(app => app.Run(_ => Task.CompletedTask));
        await WireClient.SendAsync(service.Address, "get /orders");
        var span = (await service.StopAsync()).Server();

        Assert.Equal("HTTP", span.Name);
        Assert.Equal("get", span.Tag("http.request.method_original"));
    }

    [Fact]
    public async Task Request_Answered500_IsAnErrorWithoutDescription()
    {
        await using var service = await TestService.StartAsync(app => app.MapGet("/", () => Results.StatusCode(503)));
        await service.GetAsync("/");
        var span = (await service.StopAsync()).Server();

        Assert.Equal("error", span.Status);
        Assert.Null(span.StatusMessage);
        Assert.Equal("503", span.Tag("error.type"));
        Assert.Equal(503L, span.Tag("http.response.status_code"));
        Assert.Empty(span.Events);
    }

    [Fact]
    public async Task Request_UnhandledException_IsAnErrorWithTheException()
    {
        await using var service = await TestService.StartAsync(app => app.MapGet("/orders/{id}", string (int id) => throw new InvalidOperationException("no such table")));
        var response = await service.GetAsync("/orders/1");
        var span = (await service.StopAsync()).Server();

        Assert.Equal(500, response.Status);
        Assert.Equal("GET /orders/{id}", span.Name);
        Assert.Equal(500L, span.Tag("http.response.status_code"));
        Assert.Equal("System.InvalidOperationException", span.Tag("error.type"));
        Assert.Equal("error", span.Status);
        Assert.Equal("no such table", span.StatusMessage);
        var exception = Assert.Single(span.Events);
        Assert.Equal("exception", exception.Name);
        Assert.Equal("System.InvalidOperationException", exception.Tags["exception.type"]);
        Assert.Equal("no such table", exception.Tags["exception.message"]);
        Assert.Contains(nameof(Request_UnhandledException_IsAnErrorWithTheException), (string)exception.Tags["exception.stacktrace"]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Request_ExceptionOfACallBelow_IsOnRecordOnce(bool ours)
    {
        var nobody = new WireServer();
        await nobody.DisposeAsync();
        await using var service = await TestService.StartAsync(app => app.MapGet("/", async () =>
        {
            using var client = ours
                ? new HttpClient(new Tracing.Sdk.Http.MeshTracingHandler(new SocketsHttpHandler { ActivityHeadersPropagator = null }))
                : new HttpClient();
            return await client.GetStringAsync(nobody.Address);
        }));
        await service.GetAsync("/");
        var spans = await service.StopAsync();

        Assert.Equal("exception", Assert.Single(spans.Client().Events).Name);
        Assert.Empty(spans.Server().Events);
        Assert.Equal(("error", "System.Net.Http.HttpRequestException"), (spans.Server().Status, spans.Server().Tag("error.type")));
    }

    [Fact]
    public async Task Request_ExceptionThatTheApplicationRecorded_IsOnRecordOnce()
    {
        await using var service = await TestService.StartAsync(app => app.MapGet("/", () =>
        {
            var e = new InvalidOperationException("no such table");
            Activity.Current!.AddException(e);
            throw e;
        }));
        await service.GetAsync("/");

        Assert.Single((await service.StopAsync()).Server().Events);
    }

    [Fact]
    public async Task Request_SameExceptionObjectInTwoTraces_IsOnRecordInBoth()
    {
        var e = new InvalidOperationException("kept by somebody");
        await using var service = await TestService.StartAsync(app => app.Run(_ => throw e));
        await service.GetAsync("/");
        await service.GetAsync("/");

        Assert.All(await service.StopAsync(), s => Assert.Single(s.Events));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Request_UseExceptionHandler_KeepsTheRouteAndTheExceptionOnce(bool byPath)
    {
        await using var service = await TestService.StartAsync(
            app =>
            {
                if (byPath) app.UseExceptionHandler("/error");
                else app.UseExceptionHandler(handler => handler.Run(context => context.Response.WriteAsync("sorry")));
                app.UseRouting();
                app.MapGet("/orders/{id}", string (int id) => throw new InvalidOperationException("no such table"));
                app.MapGet("/error", () => Results.Text("sorry", statusCode: 500));
            });
        var response = await service.GetAsync("/orders/1");
        var span = (await service.StopAsync()).Server();

        Assert.Equal(500, response.Status);
        Assert.Equal("GET /orders/{id}", span.Name);
        Assert.Equal("/orders/{id}", span.Tag("http.route"));
        Assert.Equal("/orders/1", span.Tag("url.path"));
        Assert.Equal("System.InvalidOperationException", span.Tag("error.type"));
        Assert.Equal("error", span.Status);
        Assert.Single(span.Events);
    }

    [Fact]
    public async Task Request_ExceptionBeforeRoutingWithErrorPage_HasNoRoute()
    {
        await using var service = await TestService.StartAsync(app =>
        {
            app.UseExceptionHandler("/error");
            app.Use((context, next) => context.Request.Path == "/orders" ? throw new InvalidOperationException("early") : next(context));
            app.UseRouting();
            app.MapGet("/error", () => Results.Text("sorry", statusCode: 500));
        });
        await service.GetAsync("/orders");
        var span = (await service.StopAsync()).Server();

        Assert.Equal("GET", span.Name);
        Assert.Null(span.Tag("http.route"));
    }

    [Fact]
    public async Task Request_ExceptionTurnedInto400_IsNoError()
    {
        await using var service = await TestService.StartAsync(app =>
        {
            app.UseExceptionHandler(handler => handler.Run(context =>
            {
                context.Response.StatusCode = 400;
                return Task.CompletedTask;
            }));
            app.MapGet("/", string () => throw new ArgumentException("bad"));
        });
        await service.GetAsync("/");
        var span = (await service.StopAsync()).Server();

        Assert.Equal("unset", span.Status);
        Assert.Equal(400L, span.Tag("http.response.status_code"));
        Assert.Null(span.Tag("error.type"));
        Assert.Empty(span.Events);
    }

    [Fact]
    public async Task Request_DeveloperExceptionPage_KeepsRouteAndException()
    {
        await using var service = await TestService.StartAsync(app =>
        {
            app.UseDeveloperExceptionPage();
            app.UseRouting();
            app.MapGet("/orders/{id}", string (int id) => throw new InvalidOperationException("no such table"));
        });
        await service.GetAsync("/orders/1", "Accept: text/plain");
        var span = (await service.StopAsync()).Server();

        Assert.Equal("GET /orders/{id}", span.Name);
        Assert.Equal("System.InvalidOperationException", span.Tag("error.type"));
        Assert.Single(span.Events);
    }

    [Fact]
    public async Task Request_BadHttpRequestException_Is400AndNoError()
    {
        await using var service = await TestService.StartAsync(app => app.Run(_ => throw new BadHttpRequestException("no number", 400)));
        var response = await service.GetAsync("/");
        var span = (await service.StopAsync()).Server();

        Assert.Equal(400, response.Status);
        Assert.Equal(400L, span.Tag("http.response.status_code"));
        Assert.Equal("unset", span.Status);
        Assert.Null(span.Tag("error.type"));
    }

    [Fact]
    public async Task Request_ClientHangsUp_IsNoError()
    {
        var arrived = new TaskCompletionSource();
        await using var service = await TestService.StartAsync(app => app.MapGet("/slow", async (CancellationToken aborted) =>
        {
            arrived.SetResult();
            await Task.Delay(Timeout.Infinite, aborted);
        }));
        using (var socket = await WireClient.ConnectAsync(service.Address))
        {
            await socket.SendAsync(System.Text.Encoding.ASCII.GetBytes(WireClient.Request(service.Address, "GET /slow")));
            await arrived.Task;
            socket.LingerState = new LingerOption(true, 0);
        }

        var span = (await service.StopAsync()).Server();
        Assert.Equal("unset", span.Status);
        Assert.Null(span.Tag("error.type"));
        Assert.Empty(span.Events);
    }

    [Theory]
    [InlineData("/orders/{id:int}", "/orders/1", "GET /orders/{id:int}")]
    [InlineData("/orders/{id:int}", "/orders/x", "GET")]
    public async Task Request_StatusCodePagesWithReExecute_KeepsTheRouteThatWasAskedFor(string route, string target, string name)
    {
        await using var service = await TestService.StartAsync(app =>
        {
            app.UseStatusCodePagesWithReExecute("/errors/{0}");
            app.UseRouting();
            app.MapGet(route, () => Results.StatusCode(404));
            app.MapGet("/errors/{code}", (int code) => $"sorry, {code}");
        });
        await service.GetAsync(target);
        var span = (await service.StopAsync()).Server();

        Assert.Equal(name, span.Name);
        Assert.Equal(target, span.Tag("url.path"));
        Assert.Equal(name == "GET" ? null : route, span.Tag("http.route"));
    }

    [Fact]
    public async Task Request_IPv6Host_HasTheAddressWithoutBrackets()
    {
        await using var service = await TestService.StartAsync(app => app.MapGet("/", () => "ok"));
        await service.GetAsync("/", "Host: [::1]:8080");
        var span = (await service.StopAsync()).Server();

        Assert.Equal("::1", span.Tag("server.address"));
        Assert.Equal(8080L, span.Tag("server.port"));
    }

    [Fact]
    public async Task Request_HostWithoutPort_HasTheSchemesPort()
    {
        await using var service = await TestService.StartAsync(app => app.MapGet("/", () => "ok"));
        await service.GetAsync("/", "Host: shop.example.com");
        var span = (await service.StopAsync()).Server();

        Assert.Equal("shop.example.com", span.Tag("server.address"));
        Assert.Equal(80L, span.Tag("server.port"));
    }

    [Fact]
    public async Task Request_Http2_SaysSo()
    {
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/", () => "ok"),
            build: b => b.WebHost.ConfigureKestrel(k => k.ConfigureEndpointDefaults(e => e.Protocols = Microsoft.AspNetCore.Server.Kestrel.Core.HttpProtocols.Http2)));
        using var handler = new SocketsHttpHandler { ActivityHeadersPropagator = null };
        using var client = new HttpClient(handler) { DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        using var response = await client.GetAsync(service.Address);
        var span = (await service.StopAsync()).Server();

        Assert.Equal("2", span.Tag("network.protocol.version"));
        Assert.Equal("127.0.0.1", span.Tag("server.address"));
    }

    [Fact]
    public async Task Request_Http2EncodedPath_IsRecordedAsItWasSent()
    {
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/all/{**rest}", () => "ok"),
            build: b => b.WebHost.ConfigureKestrel(k => k.ConfigureEndpointDefaults(e => e.Protocols = Microsoft.AspNetCore.Server.Kestrel.Core.HttpProtocols.Http2)));
        using var handler = new SocketsHttpHandler { ActivityHeadersPropagator = null };
        using var client = new HttpClient(handler) { DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        using var response = await client.GetAsync(new Uri(service.Address, "/all/a%2Fb%20c?d=%20"));
        var span = (await service.StopAsync()).Server();

        Assert.Equal(("/all/a%2Fb%20c", "*"), (span.Tag("url.path"), span.Tag("url.query")));
    }

    [Fact]
    public async Task Request_ClientAddressOn_NamesClientAndPeer()
    {
        await using var service = await TestService.StartAsync(app => app.MapGet("/", () => "ok"), o => o.Http.ClientAddress = true);
        await service.GetAsync("/");
        var span = (await service.StopAsync()).Server();

        Assert.Equal(("127.0.0.1", "127.0.0.1"), (span.Tag("client.address"), span.Tag("network.peer.address")));
        Assert.True(span.Tags["network.peer.port"] is > 0L);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, true)]
    public async Task Zipkin_ClientAddress_IsTheRemoteEndpointOnlyIfItIsOn(bool isOn, bool hasEndpoint)
    {
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/", () => "ok"),
            o =>
            {
                o.Export.Exporters.Clear();
                o.Export.Exporters.Add("zipkin");
                o.Http.ClientAddress = isOn;
            });
        await service.GetAsync("/");
        await service.StopAsync();

        Assert.Equal(hasEndpoint, Assert.Single(service.Sink.ZipkinSpans, s => service.Traces.Contains(s.GetProperty("traceId").GetString()!)).TryGetProperty("remoteEndpoint", out _));
    }

    [Fact]
    public async Task Request_ForwardedHeadersMiddleware_NamesTheClientAndKeepsThePeer()
    {
        await using var service = await TestService.StartAsync(
            app =>
            {
                app.UseForwardedHeaders(new ForwardedHeadersOptions { ForwardedHeaders = ForwardedHeaders.All });
                app.MapGet("/", () => "ok");
            },
            o => o.Http.ClientAddress = true);
        await service.GetAsync("/", "X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https", "X-Forwarded-Host: shop.example.com");
        var span = (await service.StopAsync()).Server();

        Assert.Equal("203.0.113.9", span.Tag("client.address"));
        Assert.Equal("127.0.0.1", span.Tag("network.peer.address"));
        Assert.Equal("https", span.Tag("url.scheme"));
        Assert.Equal("shop.example.com", span.Tag("server.address"));
        Assert.Equal(443L, span.Tag("server.port"));
    }

    [Fact]
    public async Task Request_ForwardedHeadersByAStartupFilterOfTheHost_StillKeepsThePeer()
    {
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/", () => "ok"),
            o => o.Http.ClientAddress = true,
            b => b.Services.Insert(0, ServiceDescriptor.Singleton<IStartupFilter>(new ForwardingFilter())));
        await service.GetAsync("/", "X-Forwarded-For: 203.0.113.9");
        var span = (await service.StopAsync()).Server();

        Assert.Equal("203.0.113.9", span.Tag("client.address"));
        Assert.Equal("127.0.0.1", span.Tag("network.peer.address"));
    }

    [Fact]
    public async Task Request_EnvoysAttemptCount_IsAnAttribute()
    {
        await using var service = await TestService.StartAsync(app => app.MapGet("/", () => "ok"));
        await service.GetAsync("/", "x-envoy-attempt-count: 3");

        Assert.Equal(3L, (await service.StopAsync()).Server().Tag("envoy.attempt_count"));
    }

    [Fact]
    public async Task Request_OtherEnvoyPrefix_ReadsTheAttemptCountThere()
    {
        await using var service = await TestService.StartAsync(app => app.MapGet("/", () => "ok"), o => o.Http.EnvoyHeaderPrefix = "x-foo");
        await service.GetAsync("/", "x-envoy-attempt-count: 3", "x-foo-attempt-count: 2");

        Assert.Equal(2L, (await service.StopAsync()).Server().Tag("envoy.attempt_count"));
    }

    [Fact]
    public async Task Request_NameSetByTheEndpoint_IsNotOverwritten()
    {
        await using var service = await TestService.StartAsync(app => app.MapGet("/orders", () =>
        {
            Activity.Current!.DisplayName = "list orders";
            return "ok";
        }));
        await service.GetAsync("/orders");

        Assert.Equal("list orders", (await service.StopAsync()).Server().Name);
    }

    [Fact]
    public async Task Request_StatusSetByTheEndpoint_IsNotOverwritten()
    {
        await using var service = await TestService.StartAsync(app => app.MapGet("/orders", () =>
        {
            Activity.Current!.SetStatus(ActivityStatusCode.Error, "half of it is missing");
            return "ok";
        }));
        await service.GetAsync("/orders");
        var span = (await service.StopAsync()).Server();

        Assert.Equal("error", span.Status);
        Assert.Equal("half of it is missing", span.StatusMessage);
    }

    [Fact]
    public async Task Request_StoppedByTheEndpoint_IsRecordedAsFarAsItWas()
    {
        await using var service = await TestService.StartAsync(app => app.MapGet("/orders", () => Activity.Current!.Stop()));
        var response = await service.GetAsync("/orders");
        var span = (await service.StopAsync()).Server();

        Assert.Equal((200, "/orders"), (response.Status, span.Tag("url.path")));
        Assert.Null(span.Tag("http.response.status_code"));
    }

    [Fact]
    public async Task Request_ThroughTestServer_IsRecordedToo()
    {
        var sink = new SpanSink();
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "shop" });
        builder.WebHost.UseTestServer();
        builder.Services.AddRoutingCore().AddMeshTracing(o => TestService.ExportTo(sink, o));
        await using var app = builder.Build();
        var traceId = "";
        app.MapGet("/orders/{id}", () =>
        {
            traceId = Activity.Current!.TraceId.ToHexString();
            return "ok";
        });
        await app.StartAsync();
        using var client = app.GetTestClient();
        using var response = await client.GetAsync(new Uri("/orders/a%2Fb%20c", UriKind.Relative));
        await app.StopAsync();
        var span = sink.Spans.Where(s => s.TraceId == traceId).Server();

        Assert.Equal(("GET /orders/{id}", "/orders/a%2Fb%20c"), (span.Name, span.Tag("url.path")));
    }

    // A task that outlives its request keeps the request's Activity; it must not keep the connection as well.
    [Fact]
    public async Task Request_ActivityThatIsKept_DoesNotKeepTheRequest()
    {
        var (activity, request) = await KeepAsync();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();

        Assert.False(request.IsAlive);
        GC.KeepAlive(activity);

        static async Task<(Activity Activity, WeakReference Request)> KeepAsync()
        {
            Activity? activity = null;
            WeakReference? request = null;
            await using var service = await TestService.StartAsync(app => app.MapGet("/", (HttpContext context) =>
            {
                activity = Activity.Current;
                request = new WeakReference(context);
            }));
            await service.GetAsync("/");
            await service.StopAsync();
            return (activity!, request!);
        }
    }

    private static void AssertTags(Span span, params (string Key, object Value)[] expected) => Assert.Equal(
        expected.Select(t => $"{t.Key}={t.Value} ({t.Value.GetType().Name})").Order(),
        span.Tags.Select(t => $"{t.Key}={t.Value} ({t.Value.GetType().Name})").Order());

    private static void ShowQuery(MeshTracingOptions options) => options.Http.ShowQuery = true;

    private sealed class TargetFilter(string rawTarget) : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Use((context, inner) =>
            {
                context.Features.Get<IHttpRequestFeature>()!.RawTarget = rawTarget;
                return inner(context);
            });
            next(app);
        };
    }

    private sealed class ForwardingFilter : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.UseForwardedHeaders(new ForwardedHeadersOptions { ForwardedHeaders = ForwardedHeaders.All });
            next(app);
        };
    }
}
