using System.Net;
using Tracing.Sdk.Http;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.Http;

/// <summary>Unusual requests, and inner handlers that change the request or break their contract: the call ends as without tracing, and no secret is recorded.</summary>
public sealed class HostileCallTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Handler_ThatReturnsNothing_FailsTheCallAsWithoutUs(bool synchronous)
    {
        using var stub = new NothingHandler();
        var spans = await Traced.RunAsync(async _ =>
        {
            await Task.Yield();
            using var client = new HttpClient(new MeshTracingHandler(stub));
            using var request = new HttpRequestMessage(HttpMethod.Get, "http://data/");
            await Assert.ThrowsAsync<InvalidOperationException>(async () => (synchronous ? client.Send(request) : await client.SendAsync(request)).Dispose());
        });

        Assert.Equal(("error", "_OTHER"), (spans.Client().Status, spans.Client().Tag("error.type")));
        Assert.Null(spans.Client().Tag("http.response.status_code"));
    }

    [Fact]
    public async Task Handler_ThatReturnsNoTask_FailsTheCallAsWithoutUs()
    {
        using var stub = new NothingHandler(noTask: true);
        var spans = await Traced.RunAsync(async _ =>
        {
            using var client = new HttpClient(new MeshTracingHandler(stub));
            await Assert.ThrowsAsync<NullReferenceException>(() => client.GetAsync(new Uri("http://data/")));
        });

        Assert.Equal("error", spans.Client().Status);
    }

    [Fact]
    public async Task Handler_ThatDisposesAndRedirectsTheRequest_LeavesTheUrlThatWasAskedFor()
    {
        using var stub = new StubHandler((request, _) =>
        {
            request.RequestUri = new Uri("http://user:pass@elsewhere/?sig=abc");
            request.Method = HttpMethod.Delete;
            request.Dispose();
            return new HttpResponseMessage(HttpStatusCode.Accepted);
        });
        var spans = await Traced.RunAsync(async _ =>
        {
            using var client = new HttpClient(new MeshTracingHandler(stub));
            using var response = await client.PostAsync(new Uri("http://data/a"), new StringContent("x"));
        });

        Assert.Equal(("POST", "http://data/a", 202L), (spans.Client().Name, spans.Client().Tag("url.full"), spans.Client().Tag("http.response.status_code")));
    }

    [Fact]
    public async Task Exception_WhoseTextThrows_IsAnErrorOfItsTypeAndPassesOn()
    {
        using var stub = new StubHandler((_, _) => throw new MuteException());
        var spans = await Traced.RunAsync(async _ =>
        {
            using var client = new HttpClient(new MeshTracingHandler(stub));
            await Assert.ThrowsAsync<MuteException>(() => client.GetAsync(new Uri("http://data/")));
        });

        Assert.Equal(("error", typeof(MuteException).FullName), (spans.Client().Status, spans.Client().Tag("error.type")));
        Assert.Equal(typeof(MuteException).FullName, Assert.Single(spans.Client().Events).Tags["exception.type"]);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("/relative?sig=abc")]
    public async Task Request_WithoutAnAbsoluteUri_IsASpanWithoutAddress(string? uri)
    {
        using var stub = new StubHandler();
        var spans = await Traced.RunAsync(async _ =>
        {
            using var invoker = new HttpMessageInvoker(new MeshTracingHandler(stub));
            using var request = new HttpRequestMessage { RequestUri = uri is null ? null : new Uri(uri, UriKind.Relative) };
            using var response = await invoker.SendAsync(request, CancellationToken.None);
        });

        Assert.Equal(["http.request.method", "http.response.status_code", "network.protocol.version"], spans.Client().Tags.Keys.Order());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Request_RelativeToABaseAddressWithUserInfo_IsRecordedWithoutIt(bool ours)
    {
        await using var server = new WireServer();
        var spans = await Traced.RunAsync(async _ =>
        {
            var sockets = server.Handler();
            if (ours) sockets.ActivityHeadersPropagator = null;
            using var client = new HttpClient(ours ? new MeshTracingHandler(sockets) : sockets) { BaseAddress = new Uri("http://user:s3cr3t@data:8080/api/") };
            using var response = await client.GetAsync(new Uri("orders?sig=s3cr3t", UriKind.Relative));
        });

        Assert.Equal("http://data:8080/api/orders?*", spans.Client().Tag("url.full"));
        Assert.DoesNotContain(spans.Client().Tags.Values, v => v is string text && text.Contains("s3cr3t", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("mailto:user:s3cr3t@data", "mailto:data")]
    [InlineData("urn:orders:1?sig=s3cr3t", "urn:orders:1?*")]
    [InlineData("data:,x?token=s3cr3t", "data:,x?*")]
    [InlineData("file:///orders?sig=s3cr3t", "file:///orders?*")]
    [InlineData("shop://user:s3cr3t@data:99/x?sig=s3cr3t#s3cr3t", "shop://data:99/x?*")]
    [InlineData("http://:s3cr3t@data", "http://data/")]
    [InlineData("http://s3cr3t@data", "http://data/")]
    [InlineData("http://data/x@y", "http://data/x@y")]
    [InlineData("http://data/#s3cr3t", "http://data/")]
    public async Task Request_AnyScheme_IsRecordedWithoutSecrets(string uri, string expected)
    {
        using var stub = new StubHandler();
        var spans = await Traced.RunAsync(async _ =>
        {
            using var client = new HttpClient(new MeshTracingHandler(stub));
            using var response = await client.GetAsync(new Uri(uri));
        });

        Assert.Equal(expected, spans.Client().Tag("url.full"));
        Assert.NotEqual("", spans.Client().Tag("server.address"));
        Assert.NotEqual(-1L, spans.Client().Tag("server.port"));
    }

    // Uri takes such hosts, and fails when it is asked for the encoded form: which of them depends on the globalization mode.
    [Theory]
    [InlineData("xn--\u00fc")]
    [InlineData("\ufffda")]
    [InlineData("\u00fca-")]
    public async Task Request_HostThatCannotBeEncoded_IsRecordedAndSent(string host)
    {
        using var stub = new StubHandler();
        var spans = await Traced.RunAsync(async _ =>
        {
            using var client = new HttpClient(new MeshTracingHandler(stub));
            using var response = await client.GetAsync(new Uri($"http://{host}/"));
        });

        Assert.NotNull(spans.Client().Tag("server.address"));
        Assert.Single(stub.Sent);
    }

    [Fact]
    public async Task Request_UriThatIsKeptAsItIs_IsRecordedAndSent()
    {
        using var stub = new StubHandler();
        var uri = new Uri("http://user:s3cr3t@data/a/../%2f?b=%20", new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        var spans = await Traced.RunAsync(async _ =>
        {
            using var client = new HttpClient(new MeshTracingHandler(stub));
            using var response = await client.GetAsync(uri);
        });

        Assert.Equal("http://data/a/../%2f?*", spans.Client().Tag("url.full"));
        Assert.Single(stub.Sent);
    }

    [Fact]
    public async Task Redirect_ToALocationWithSecrets_IsRecordedWithoutThem()
    {
        await using var server = new WireServer((r, _) => r.Target == "/old" ? "302 Found\r\nLocation: http://user:s3cr3t@data/new?sig=s3cr3t&a=1" : "200 OK");
        var spans = await Traced.RunAsync(async _ =>
        {
            using var client = new HttpClient(server.Handler());
            using var response = await client.GetAsync(new Uri("http://data/old"));
        });

        Assert.Equal(["http://data/old", "http://data/new?*"], spans.Clients().Select(s => s.Tag("url.full")));
    }

    // The platform's message of a refused tunnel contains the proxy's address as it was configured.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Proxy_ThatRefusesATunnel_IsRecordedWithoutItsPassword(bool ours)
    {
        await using var proxy = new WireServer((_, _) => "403 No");
        var spans = await Traced.RunAsync(async _ =>
        {
            var sockets = new SocketsHttpHandler { Proxy = new WebProxy($"http://user:s3cr3t@127.0.0.1:{proxy.Address.Port}/") };
            if (ours) sockets.ActivityHeadersPropagator = null;
            using var client = new HttpClient(ours ? new MeshTracingHandler(sockets) : sockets);
            await Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync(new Uri("https://data/")));
        });

        Assert.Equal("proxy_tunnel_error", spans.Client().Tag("error.type"));
        Assert.Contains("http://127.0.0.1", (string)Assert.Single(spans.Client().Events).Tags["exception.message"], StringComparison.Ordinal);
        Assert.All(spans, s => Assert.All(Texts(s), t => Assert.DoesNotContain("s3cr3t", t, StringComparison.Ordinal)));
    }

    private static IEnumerable<string> Texts(Span span) =>
        [span.Name, span.StatusMessage ?? "", .. span.Tags.Values.Concat(span.Events.SelectMany(e => e.Tags.Values)).Select(v => $"{v}")];

    private sealed class MuteException : Exception
    {
        public override string Message => throw new InvalidOperationException("no text");

        public override string ToString() => throw new InvalidOperationException("no text");
    }

    private sealed class NothingHandler(bool noTask = false) : HttpMessageHandler
    {
        protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken) => null!;

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            noTask ? null! : Task.FromResult<HttpResponseMessage>(null!);
    }
}
