using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Tracing.Sdk.Http;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.Http;

/// <summary>ConfigureTracing of one client of IHttpClientFactory, with each kind of primary handler.</summary>
public sealed class HttpClientTracingTests
{
    public static TheoryData<string> Primaries => ["default", "HttpClientHandler", "SocketsHttpHandler", "no propagator", "MeshTracingHandler"];

    [Theory]
    [MemberData(nameof(Primaries))]
    public async Task Span_Off_SendsTheIdsOfTheSpanAround(string primary)
    {
        await using var server = new WireServer();
        var spans = await CallAsync(server, primary, o => o.Span = false);

        Assert.Empty(spans.Clients());
        Assert.Equal((spans.Server().SpanId, "1"), (server.Request["X-B3-SpanId"], server.Request["X-B3-Sampled"]));
    }

    [Theory]
    [MemberData(nameof(Primaries))]
    public async Task Headers_Off_NoneLeave(string primary)
    {
        await using var server = new WireServer();
        var spans = await CallAsync(
            server, primary, o => o.Headers = false,
            headers: ["b3: 0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1", "baggage: a=1", "x-request-id: 7", "x-client-trace-id: 8"]);

        Assert.NotNull(spans.Client());
        Assert.Equal(["Host"], server.Request.Headers.Select(h => h.Key));
    }

    [Theory]
    [MemberData(nameof(Primaries))]
    public async Task Headers_OffAndCopied_AreRemoved(string primary)
    {
        string[] headers =
        [
            "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "tracestate: a=1", "b3: 0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1", "baggage: a=1",
            "x-request-id: 7", "x-client-trace-id: 8",
        ];
        await using var server = new WireServer();
        await CallAsync(
            server, primary, o => o.Headers = false, headers: headers,
            message: request =>
            {
                foreach (var header in headers) request.Headers.TryAddWithoutValidation(header.Split(": ")[0], header.Split(": ")[1]);
            });

        Assert.Equal(["Host"], server.Request.Headers.Select(h => h.Key));
    }

    [Theory]
    [MemberData(nameof(Primaries))]
    public async Task Headers_OffAndSetByCode_Leave(string primary)
    {
        await using var server = new WireServer();
        await CallAsync(server, primary, o => o.Headers = false, message: request => request.Headers.Add("traceparent", "00-11111111111111111111111111111111-2222222222222222-01"));

        Assert.Equal("00-11111111111111111111111111111111-2222222222222222-01", server.Request["traceparent"]);
    }

    [Theory]
    [MemberData(nameof(Primaries))]
    public async Task Headers_OnOutsideTheMesh_Leave(string primary)
    {
        await using var server = new WireServer();
        var spans = await CallAsync(server, primary, o => o.Headers = true, options: o => o.Propagation.ExcludedTargets.Add("127.0.0.1"));

        Assert.Equal(spans.Client().SpanId, server.Request["X-B3-SpanId"]);
        Assert.NotNull(server.Request["x-request-id"]);
    }

    [Theory]
    [InlineData(null, "a=1")]
    [InlineData(true, "a=1")]
    [InlineData(false, null)]
    public async Task Baggage_Set_LeavesIfItIsNotOff(bool? baggage, string? sent)
    {
        await using var server = new WireServer();
        await CallAsync(server, "default", o => o.Baggage = baggage, headers: ["baggage: a=1"]);

        Assert.Equal(sent, server.Request["baggage"]);
        Assert.NotNull(server.Request["traceparent"]);
    }

    [Fact]
    public async Task Baggage_OnOutsideTheMesh_LeavesAlone()
    {
        await using var server = new WireServer();
        await CallAsync(server, "default", o => o.Baggage = true, options: o => o.Propagation.ExcludedTargets.Add("127.0.0.1"), headers: ["baggage: a=1"]);

        Assert.Equal("a=1", server.Request["baggage"]);
        Assert.Null(server.Request["traceparent"]);
    }

    [Theory]
    [InlineData("tracecontext", "traceparent tracestate x-request-id")]
    [InlineData("b3", "b3 x-request-id")]
    [InlineData("B3MULTI,baggage", "baggage x-b3-sampled x-b3-spanid x-b3-traceid x-request-id")]
    [InlineData("none", "x-request-id")]
    public async Task Formats_Set_AreThoseThatLeave(string formats, string expected)
    {
        await using var server = new WireServer();
        await CallAsync(
            server, "default",
            o =>
            {
                foreach (var format in formats.Split(',')) o.Formats.Add(format);
            },
            headers: ["baggage: a=1"]);

        Assert.Equal(
            expected.Split(' ').Order(StringComparer.OrdinalIgnoreCase),
            server.Request.Headers.Select(h => h.Key.ToLowerInvariant()).Where(h => h is not ("host" or "x-b3-parentspanid")).Order(StringComparer.OrdinalIgnoreCase));
    }

    [Theory]
    [InlineData("default", true)]
    [InlineData("no propagator", true)]
    [InlineData("default", false)]
    [InlineData("no propagator", false)]
    public async Task Retry_HandlerAround_HoldsForEachAttempt(string primary, bool hasSpan)
    {
        await using var server = new WireServer((_, number) => number < 2 ? "503 Later" : "200 OK");
        var spans = await CallAsync(
            server, primary,
            o =>
            {
                o.Span = hasSpan;
                o.Formats.Add("b3");
            },
            client: c => c.AddHttpMessageHandler(() => new AgainHandler()));

        Assert.Equal(hasSpan ? 3 : 0, spans.Clients().Count);
        Assert.Equal(
            hasSpan ? spans.Clients().Select(s => s.SpanId) : Enumerable.Repeat(spans.Server().SpanId, 3),
            server.Requests.Select(r => r["b3"]!.Split('-')[1]));
        Assert.All(server.Requests, r => Assert.Null(r["traceparent"]));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Redirect_ByThePlatform_HoldsForEachHop(bool hasSpan)
    {
        await using var server = new WireServer((r, _) => r.Target == "/" ? "302 Found\r\nLocation: /new" : "200 OK");
        var spans = await CallAsync(
            server, "default",
            o =>
            {
                o.Span = hasSpan;
                o.Formats.Add("b3");
            });

        Assert.Equal(hasSpan ? 2 : 0, spans.Clients().Count);
        Assert.Equal(hasSpan ? spans.Clients().Select(s => s.SpanId) : [spans.Server().SpanId, spans.Server().SpanId], server.Requests.Select(r => r["b3"]!.Split('-')[1]));
    }

    [Fact]
    public async Task Defaults_OfAllClients_HoldUnlessAClientSaysOtherwise()
    {
        await using var server = new WireServer();
        await Traced.RunAsync(
            async services =>
            {
                var factory = services.GetRequiredService<IHttpClientFactory>();
                foreach (var name in new[] { "x", "y" }) (await factory.CreateClient(name).GetAsync(new Uri(server.Address, name))).Dispose();
            },
            build: b =>
            {
                b.Services.ConfigureHttpClientDefaults(c => c.ConfigureTracing(o => o.Headers = false));
                b.Services.AddHttpClient("y").ConfigureTracing(o => o.Headers = null);
            });

        Assert.Equal([false, true], server.Requests.OrderBy(r => r.Target).Select(r => r["traceparent"] is not null));
    }

    [Fact]
    public void Formats_Unknown_StopsTheStartWithASentence()
    {
        var services = new ServiceCollection();
        services.AddHttpClient("partner").ConfigureTracing(o => o.Formats.Add("b4"));
        using var provider = services.BuildServiceProvider();
        var e = Assert.Throws<OptionsValidationException>(provider.GetRequiredService<IStartupValidator>().Validate);

        Assert.Equal("ConfigureTracing of the HttpClient \"partner\": Formats has \"b4\", but a format is one of tracecontext, baggage, b3, b3multi, none.", e.Message);
    }

    [Fact]
    public void ConfigureTracing_WithoutTracing_ChangesNothing()
    {
        var services = new ServiceCollection();
        services.AddHttpClient("x").ConfigureTracing(o => o.Span = false);
        using var provider = services.BuildServiceProvider();

        Assert.NotNull(provider.GetRequiredService<IHttpClientFactory>().CreateClient("x"));
    }

    private static async Task<IReadOnlyList<Span>> CallAsync(
        WireServer server, string primary, Action<HttpClientTracingOptions> settings, Action<MeshTracingOptions>? options = null, Action<HttpRequestMessage>? message = null,
        Action<IHttpClientBuilder>? client = null, params string[] headers) => await Traced.RunAsync(
        async services =>
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, server.Address);
            message?.Invoke(request);
            (await services.GetRequiredService<IHttpClientFactory>().CreateClient("x").SendAsync(request)).Dispose();
        },
        options,
        b =>
        {
            var builder = b.Services.AddHttpClient("x").ConfigureTracing(settings);
            client?.Invoke(builder);
            if (primary != "default") builder.ConfigurePrimaryHttpMessageHandler(() => Primary(primary));
        },
        headers);

    private static HttpMessageHandler Primary(string kind) => kind switch
    {
        "HttpClientHandler" => new HttpClientHandler(),
        "SocketsHttpHandler" => new SocketsHttpHandler(),
        "no propagator" => new SocketsHttpHandler { ActivityHeadersPropagator = null },
        _ => new MeshTracingHandler(new SocketsHttpHandler { ActivityHeadersPropagator = null }),
    };

    private sealed class AgainHandler : DelegatingHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            for (var i = 0; i < 2; i++) (await base.SendAsync(request, cancellationToken)).Dispose();
            return await base.SendAsync(request, cancellationToken);
        }
    }
}
