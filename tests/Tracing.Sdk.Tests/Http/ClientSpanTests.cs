using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Tracing.Sdk.Http;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.Http;

// https://opentelemetry.io/docs/specs/semconv/http/http-spans/#http-client-span
public sealed class ClientSpanTests
{
    public static TheoryData<string> AllClients =>
        ["factory", "named", "typed", "new", "HttpClientHandler", "SocketsHttpHandler", "handler by hand", "handler over handler", "factory and handler by hand", "factory over handler", "factory with own propagator"];

    [Theory]
    [MemberData(nameof(AllClients))]
    public async Task Call_ByAnyClient_IsOneSpanWhoseIdLeaves(string kind)
    {
        await using var server = new WireServer();
        var spans = await Traced.RunAsync(
            async services =>
            {
                using var client = Create(kind, services);
                using var response = await client.GetAsync(server.Address);
            },
            build: b => AddClients(b.Services));

        var sent = server.Request;
        Assert.Equal((spans.Client().TraceId, spans.Client().SpanId, "1"), (sent["X-B3-TraceId"], sent["X-B3-SpanId"], sent["X-B3-Sampled"]));
        Assert.Equal($"00-{spans.Client().TraceId}-{spans.Client().SpanId}-03", sent["traceparent"]);
        Assert.Equal($"mesh=p:{spans.Client().SpanId}", sent["tracestate"]);
        Assert.Equal(spans.Server().SpanId, spans.Client().ParentId);
        Assert.Equal(36, sent["x-request-id"]!.Length);
    }

    [Theory]
    [MemberData(nameof(AllClients))]
    public async Task Call_Synchronous_IsOneSpanWhoseIdLeaves(string kind)
    {
        await using var server = new WireServer();
        var spans = await Traced.RunAsync(
            async services =>
            {
                await Task.Yield();
                using var client = Create(kind, services);
                using var request = new HttpRequestMessage(HttpMethod.Get, server.Address);
                using var response = client.Send(request);
            },
            build: b => AddClients(b.Services));

        Assert.Equal((spans.Client().SpanId, "1"), (server.Request["X-B3-SpanId"], server.Request["X-B3-Sampled"]));
        Assert.Equal(200L, spans.Client().Tag("http.response.status_code"));
    }

    [Theory]
    [InlineData("factory")]
    [InlineData("handler by hand")]
    [InlineData("handler over handler")]
    [InlineData("factory and handler by hand")]
    [InlineData("factory over handler")]
    public async Task Call_IntoAStub_IsOneSpanOfOurs(string kind)
    {
        using var stub = new StubHandler();
        var spans = await Traced.RunAsync(
            async services =>
            {
                using var client = Create(kind, services, stub);
                using var response = await client.GetAsync(new Uri("http://data/orders"));
            },
            build: b => AddClients(b.Services, stub));

        Assert.Equal("Tracing.Sdk.Http", spans.Client().Scope);
        Assert.Equal((spans.Client().SpanId, "1"), (Assert.Single(stub.Sent)["X-B3-SpanId"], stub.Sent[0]["X-B3-Sampled"]));
    }

    [Fact]
    public async Task Call_IntoAnotherHostsTestServer_IsOneTree()
    {
        var inner = await InnerService.StartAsync();
        await using var _ = inner;
        var spans = await Traced.RunAsync(
            async services =>
            {
                using var client = services.GetRequiredService<IHttpClientFactory>().CreateClient();
                using var response = await client.GetAsync(new Uri("http://inner/orders"));
            },
            build: b => b.Services.ConfigureHttpClientDefaults(c => c.ConfigurePrimaryHttpMessageHandler(inner.CreateHandler)));

        Assert.Equal(spans.Client().SpanId, Assert.Single(await inner.StopAsync(), s => s.TraceId == spans.Client().TraceId).ParentId);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Call_Ok_HasExactlyTheAttributesOfTheConvention(bool ours)
    {
        await using var server = new WireServer();
        var spans = await CallAsync(server, ours, client => client.GetAsync(new Uri(server.Address, "/orders?color=red")));
        var span = spans.Client();

        Assert.Equal("GET", span.Name);
        Assert.Equal("unset", span.Status);
        Assert.Empty(span.Events);
        Assert.Equal(
            new Dictionary<string, object>
            {
                ["http.request.method"] = "GET",
                ["server.address"] = "127.0.0.1",
                ["server.port"] = (long)server.Address.Port,
                ["url.full"] = $"{server.Address}orders?*",
                ["http.response.status_code"] = 200L,
                ["network.protocol.version"] = "1.1",
            }.OrderBy(t => t.Key),
            span.Tags.OrderBy(t => t.Key));
    }

    [Theory]
    [InlineData(true, 404)]
    [InlineData(false, 404)]
    [InlineData(true, 503)]
    [InlineData(false, 503)]
    public async Task Call_ErrorStatus_IsAnError(bool ours, int status)
    {
        await using var server = new WireServer((_, _) => $"{status} No");
        var spans = await CallAsync(server, ours, client => client.GetAsync(server.Address));

        Assert.Equal("error", spans.Client().Status);
        Assert.Equal((long)status, spans.Client().Tag("http.response.status_code"));
        Assert.Equal(status.ToString(System.Globalization.CultureInfo.InvariantCulture), spans.Client().Tag("error.type"));
    }

    [Fact]
    public async Task Call_ErrorStatus_LeavesTheServerSpanAlone()
    {
        await using var server = new WireServer((_, _) => "500 No");
        var spans = await CallAsync(server, ours: false, client => client.GetAsync(server.Address));

        Assert.Equal("unset", spans.Server().Status);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Call_NoServerListens_IsAnErrorWithItsType(bool ours)
    {
        var server = new WireServer();
        await server.DisposeAsync();
        var spans = await Traced.RunAsync(async _ =>
        {
            using var client = ours
                ? new HttpClient(new MeshTracingHandler(new SocketsHttpHandler { ActivityHeadersPropagator = null }))
                : new HttpClient();
            await Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync(server.Address));
        });

        Assert.Equal("error", spans.Client().Status);
        Assert.Equal("connection_error", spans.Client().Tag("error.type"));
        Assert.Null(spans.Client().Tag("http.response.status_code"));
        Assert.Equal("exception", Assert.Single(spans.Client().Events).Name);
    }

    [Theory]
    [InlineData(HttpRequestError.NameResolutionError, "name_resolution_error")]
    [InlineData(HttpRequestError.SecureConnectionError, "secure_connection_error")]
    [InlineData(HttpRequestError.HttpProtocolError, "http_protocol_error")]
    [InlineData(HttpRequestError.ExtendedConnectNotSupported, "extended_connect_not_supported")]
    [InlineData(HttpRequestError.VersionNegotiationError, "version_negotiation_error")]
    [InlineData(HttpRequestError.UserAuthenticationError, "user_authentication_error")]
    [InlineData(HttpRequestError.ProxyTunnelError, "proxy_tunnel_error")]
    [InlineData(HttpRequestError.InvalidResponse, "invalid_response")]
    [InlineData(HttpRequestError.ResponseEnded, "response_ended")]
    [InlineData(HttpRequestError.ConfigurationLimitExceeded, "configuration_limit_exceeded")]
    [InlineData(HttpRequestError.Unknown, "System.Net.Http.HttpRequestException")]
    public async Task Call_TransportFails_NamesTheFailureAsThePlatformDoes(HttpRequestError error, string type)
    {
        using var stub = new StubHandler((_, _) => throw new HttpRequestException(error, "broken"));
        var spans = await Traced.RunAsync(async _ =>
        {
            using var client = new HttpClient(new MeshTracingHandler(stub));
            await Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync(new Uri("http://data/")));
        });

        Assert.Equal(type, spans.Client().Tag("error.type"));
        Assert.Equal("error", spans.Client().Status);
        Assert.Equal("broken", Assert.Single(spans.Client().Events).Tags["exception.message"]);
    }

    [Fact]
    public async Task Call_CancelledByTheCaller_IsAnErrorAsOnThePlatformsTransport()
    {
        using var cancellation = new CancellationTokenSource();
        using var stub = new StubHandler((_, token) =>
        {
            cancellation.Cancel();
            throw new OperationCanceledException(token);
        });
        var spans = await Traced.RunAsync(async _ =>
        {
            using var client = new HttpClient(new MeshTracingHandler(stub));
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.GetAsync(new Uri("http://data/"), cancellation.Token));
        });

        Assert.Equal(("error", "System.OperationCanceledException"), (spans.Client().Status, spans.Client().Tag("error.type")));
        Assert.Single(spans.Client().Events);
    }

    [Fact]
    public async Task Call_TimedOutBelowUs_IsAnError()
    {
        using var stub = new StubHandler((_, _) => throw new TaskCanceledException("slow", new TimeoutException()));
        var spans = await Traced.RunAsync(async _ =>
        {
            using var client = new HttpClient(new MeshTracingHandler(stub));
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.GetAsync(new Uri("http://data/")));
        });

        Assert.Equal("error", spans.Client().Status);
        Assert.Equal("System.Threading.Tasks.TaskCanceledException", spans.Client().Tag("error.type"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Call_UnknownMethod_IsOtherAndKeepsTheOriginal(bool ours)
    {
        await using var server = new WireServer();
        var spans = await CallAsync(server, ours, client => client.SendAsync(new HttpRequestMessage(new HttpMethod("BREW"), server.Address)));

        Assert.Equal("HTTP", spans.Client().Name);
        Assert.Equal("_OTHER", spans.Client().Tag("http.request.method"));
        Assert.Equal("BREW", spans.Client().Tag("http.request.method_original"));
    }

    [Theory]
    [InlineData(true, "http://data/a?sig=abc&size=2", "http://data/a?*")]
    [InlineData(false, "http://data/a?sig=abc&size=2", "http://data/a?*")]
    [InlineData(true, "http://user:pass@data/a", "http://data/a")]
    [InlineData(false, "http://user:pass@data/a", "http://data/a")]
    [InlineData(true, "http://user:pass@data/a?b=1", "http://data/a?*")]
    [InlineData(false, "http://user:pass@data/a?b=1", "http://data/a?*")]
    [InlineData(true, "http://data/a#here", "http://data/a")]
    [InlineData(false, "http://data/a#here", "http://data/a")]
    [InlineData(true, "http://data:8080/a?b=1#here", "http://data:8080/a?*")]
    [InlineData(false, "http://data:8080/a?b=1#here", "http://data:8080/a?*")]
    [InlineData(true, "http://data/a?", "http://data/a?")]
    [InlineData(false, "http://data/a?", "http://data/a?")]
    [InlineData(true, "http://data/%C3%A4?x=%20y", "http://data/%C3%A4?*")]
    [InlineData(false, "http://data/%C3%A4?x=%20y", "http://data/%C3%A4?*")]
    public async Task Call_UrlWithSecrets_IsRecordedWithout(bool ours, string url, string expected)
    {
        await using var server = new WireServer();
        var spans = await CallAsync(server, ours, client => client.GetAsync(new Uri(url)));

        Assert.Equal(expected, spans.Client().Tag("url.full"));
        Assert.Equal("data", spans.Client().Tag("server.address"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Call_IPv6_HasTheAddressWithoutBrackets(bool ours)
    {
        await using var server = new WireServer();
        var spans = await CallAsync(server, ours, client => client.GetAsync(new Uri("http://[::1]:8080/a")));

        Assert.Equal("::1", spans.Client().Tag("server.address"));
        Assert.Equal(8080L, spans.Client().Tag("server.port"));
        Assert.Equal("http://[::1]:8080/a", spans.Client().Tag("url.full"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Call_RetriedByAHandler_IsASpanForEachAttempt(bool ours)
    {
        await using var server = new WireServer((_, number) => number < 2 ? "503 Later" : "200 OK");
        var spans = await Traced.RunAsync(
            async services =>
            {
                using var client = services.GetRequiredService<IHttpClientFactory>().CreateClient("x");
                using var response = await client.GetAsync(server.Address);
            },
            build: b =>
            {
                var client = b.Services.AddHttpClient("x").AddHttpMessageHandler(() => new RetryHandler(2));
                if (ours) client.ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler { ActivityHeadersPropagator = null });
            });

        Assert.Equal([503L, 503L, 200L], spans.Clients().Select(s => s.Tag("http.response.status_code")));
        Assert.Equal([null, 1L, 2L], spans.Clients().Select(s => s.Tag("http.request.resend_count")));
        Assert.Equal(spans.Clients().Select(s => s.SpanId), server.Requests.Select(r => r["X-B3-SpanId"]));
        Assert.Equal(spans.Clients().Select(s => $"mesh=p:{s.SpanId}"), server.Requests.Select(r => r["tracestate"]));
        Assert.Single(server.Requests.Select(r => r["x-request-id"]).Distinct());
        Assert.All(spans.Clients(), s => Assert.Equal(spans.Server().SpanId, s.ParentId));
    }

    [Fact]
    public async Task Call_Redirected_IsASpanForEachHop()
    {
        await using var server = new WireServer((r, _) => r.Target == "/old" ? "302 Found\r\nLocation: /new" : "200 OK");
        var spans = await Traced.RunAsync(async _ =>
        {
            using var client = new HttpClient();
            using var response = await client.GetAsync(new Uri(server.Address, "/old"));
        });

        Assert.Equal([302L, 200L], spans.Clients().Select(s => s.Tag("http.response.status_code")));
        Assert.Equal([$"{server.Address}old", $"{server.Address}new"], spans.Clients().Select(s => s.Tag("url.full")));
        Assert.Equal([null, 1L], spans.Clients().Select(s => s.Tag("http.request.resend_count")));
        Assert.Equal(spans.Clients().Select(s => s.SpanId), server.Requests.Select(r => r["X-B3-SpanId"]));
        Assert.Equal(spans.Clients().Select(s => $"00-{s.TraceId}-{s.SpanId}-03"), server.Requests.Select(r => r["traceparent"]));
        Assert.Single(server.Requests.Select(r => r["x-request-id"]).Distinct());
    }

    [Fact]
    public async Task Call_InParallel_IsASpanForEachAndOneRequestId()
    {
        await using var server = new WireServer();
        var spans = await Traced.RunAsync(async _ =>
        {
            using var client = new HttpClient();
            await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ => (await client.GetAsync(server.Address)).Dispose()));
        });

        Assert.Equal(8, spans.Clients().Count);
        Assert.Equal(spans.Clients().Select(s => s.SpanId).Order(), server.Requests.Select(r => r["X-B3-SpanId"]!).Order());
        Assert.Single(server.Requests.Select(r => r["x-request-id"]).Distinct());
    }

    [Fact]
    public async Task Call_OnlyPlatformSourcesListenedTo_IsRecordedWithAnyHandler()
    {
        using var stub = new StubHandler();
        var spans = await Traced.RunAsync(
            async _ =>
            {
                using var client = new HttpClient(new MeshTracingHandler(stub));
                using var response = await client.GetAsync(new Uri("http://data/"));
            },
            o =>
            {
                o.Sources.Clear();
                o.Sources.Add("Microsoft.AspNetCore");
                o.Sources.Add("System.Net.Http");
            });

        Assert.Equal(spans.Client().SpanId, Assert.Single(stub.Sent)["X-B3-SpanId"]);
    }

    [Fact]
    public async Task Call_ClientSpansIgnored_NamesTheServerSpanWithAnyHandler()
    {
        using var stub = new StubHandler();
        var spans = await Traced.RunAsync(
            async _ =>
            {
                using var client = new HttpClient(new MeshTracingHandler(stub));
                using var response = await client.GetAsync(new Uri("http://data/"));
            },
            o => o.Ignore.Sources.Add("System.Net.Http"));

        Assert.Empty(spans.Clients());
        Assert.Equal(spans.Server().SpanId, Assert.Single(stub.Sent)["X-B3-SpanId"]);
    }

    [Fact]
    public async Task Call_HandlerBuiltBeforeAnybodyTraced_StillSendsEverything()
    {
        // Its propagator was captured when it was built.
        var early = new SocketsHttpHandler { ActivityHeadersPropagator = System.Diagnostics.DistributedContextPropagator.CreateDefaultPropagator() };
        await using var server = new WireServer();
        var spans = await Traced.RunAsync(
            async services =>
            {
                using var client = services.GetRequiredService<IHttpClientFactory>().CreateClient("x");
                using var response = await client.GetAsync(server.Address);
            },
            build: b => b.Services.AddHttpClient("x").ConfigurePrimaryHttpMessageHandler(() => early));

        Assert.Equal(spans.Client().SpanId, server.Request["X-B3-SpanId"]);
        Assert.NotNull(server.Request["x-request-id"]);
        Assert.Equal($"00-{spans.Client().TraceId}-{spans.Client().SpanId}-03", server.Request["traceparent"]);
    }

    private static async Task<IReadOnlyList<Span>> CallAsync(WireServer server, bool ours, Func<HttpClient, Task<HttpResponseMessage>> call) =>
        await Traced.RunAsync(async _ =>
        {
            var sockets = server.Handler();
            if (ours) sockets.ActivityHeadersPropagator = null;
            using var client = new HttpClient(ours ? new MeshTracingHandler(sockets) : sockets);
            using var response = await call(client);
        });

    private static void AddClients(IServiceCollection services, HttpMessageHandler? primary = null)
    {
        var plain = services.AddHttpClient("x");
        services.AddHttpClient<TypedClient>();
        var withHandler = services.AddHttpClient("handler").AddHttpMessageHandler(() => new MeshTracingHandler());
        services.AddHttpClient("inner").ConfigurePrimaryHttpMessageHandler(() => new MeshTracingHandler(primary ?? new SocketsHttpHandler()));
        services.AddHttpClient("own").ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler { ActivityHeadersPropagator = null });
        if (primary is null) return;
        services.AddHttpClient("").ConfigurePrimaryHttpMessageHandler(() => primary);
        plain.ConfigurePrimaryHttpMessageHandler(() => primary);
        withHandler.ConfigurePrimaryHttpMessageHandler(() => primary);
    }

    private static HttpClient Create(string kind, IServiceProvider services, HttpMessageHandler? primary = null)
    {
        var factory = services.GetRequiredService<IHttpClientFactory>();
        return kind switch
        {
            "factory" => factory.CreateClient(),
            "named" => factory.CreateClient("x"),
            "typed" => services.GetRequiredService<TypedClient>().Client,
            "new" => new HttpClient(),
            "HttpClientHandler" => new HttpClient(new HttpClientHandler()),
            "SocketsHttpHandler" => new HttpClient(new SocketsHttpHandler()),
            "handler by hand" => new HttpClient(new MeshTracingHandler(primary ?? new HttpClientHandler())),
            "handler over handler" => new HttpClient(new MeshTracingHandler(new MeshTracingHandler(primary ?? new SocketsHttpHandler()))),
            "factory and handler by hand" => factory.CreateClient("handler"),
            "factory over handler" => factory.CreateClient("inner"),
            "factory with own propagator" => factory.CreateClient("own"),
            _ => throw new ArgumentOutOfRangeException(nameof(kind)),
        };
    }

    private sealed class TypedClient(HttpClient client)
    {
        public HttpClient Client { get; } = client;
    }

    private sealed class RetryHandler(int retries) : DelegatingHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var response = await base.SendAsync(request, cancellationToken);
            for (var i = 0; i < retries && response.StatusCode == HttpStatusCode.ServiceUnavailable; i++)
            {
                response.Dispose();
                response = await base.SendAsync(request, cancellationToken);
            }

            return response;
        }
    }
}
