using System.Diagnostics;
using Tracing.Sdk.Http;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.Http;

public sealed class CallEnrichmentTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Start_AnyClient_AddsAndWins(bool ours)
    {
        await using var server = new WireServer();
        var spans = await CallAsync(server.Address, ours, o => o.Enrich.CallStart = (activity, request) =>
        {
            activity.SetTag("path", request.RequestUri!.AbsolutePath).SetTag("url.full", null);
            activity.DisplayName = "order";
        });

        Assert.Equal(("order", "/"), (spans.Client().Name, spans.Client().Tag("path")));
        Assert.Null(spans.Client().Tag("url.full"));
        Assert.Null(spans.Server().Tag("path"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task End_Response_AddsAndWins(bool ours)
    {
        await using var server = new WireServer((_, _) => "404 No\r\nx-reason: gone");
        var spans = await CallAsync(server.Address, ours, o => o.Enrich.CallEnd = (activity, request, response, exception) =>
        {
            activity.SetTag("reason", response!.Headers.GetValues("x-reason").Single()).SetTag("read", $"{request.Method} {activity.GetTagItem("http.response.status_code")} {exception}");
            activity.SetTag("error.type", null).SetStatus(ActivityStatusCode.Unset);
        });
        var span = spans.Client();

        Assert.Equal(("gone", "GET 404 ", "unset"), (span.Tag("reason"), span.Tag("read"), span.Status));
        Assert.Null(span.Tag("error.type"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task End_Failure_HasTheException(bool ours)
    {
        var server = new WireServer();
        await server.DisposeAsync();
        var spans = await CallAsync(server.Address, ours, o => o.Enrich.CallEnd = (activity, _, response, exception) =>
            activity.SetTag("read", $"{((HttpRequestException)exception!).HttpRequestError} {response is null}"));

        Assert.Equal("ConnectionError True", spans.Client().Tag("read"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task End_Cancelled_HasTheException(bool ours)
    {
        using var cancellation = new CancellationTokenSource();
        var spans = await Traced.RunAsync(
            async _ =>
            {
                using var sockets = new SocketsHttpHandler
                {
                    ConnectCallback = (_, _) =>
                    {
                        cancellation.Cancel();
                        throw new OperationCanceledException(cancellation.Token);
                    },
                };
                if (ours) sockets.ActivityHeadersPropagator = null;
                using var client = new HttpClient(ours ? new MeshTracingHandler(sockets) : sockets);
                await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.GetAsync(new Uri("http://data/"), cancellation.Token));
            },
            o => o.Enrich.CallEnd = (activity, _, response, exception) => activity.SetTag("read", $"{exception is OperationCanceledException} {response is null}"));

        Assert.Equal("True True", spans.Client().Tag("read"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Enrich_Throws_CostsNothingAndIsLoggedOnce(bool ours)
    {
        await using var server = new WireServer();
        var (spans, log) = await Traced.RunWithLogAsync(
            async _ =>
            {
                using var client = Client(ours);
                (await client.GetAsync(server.Address)).Dispose();
                (await client.GetAsync(server.Address)).Dispose();
            },
            o =>
            {
                o.Enrich.CallStart = (_, _) => throw new InvalidOperationException("start");
                o.Enrich.CallEnd = (_, _, _, _) => throw new InvalidOperationException("end");
            });

        Assert.Equal([200L, 200L], spans.Clients().Select(s => s.Tag("http.response.status_code")));
        Assert.Equal(["Enrich:CallStart", "Enrich:CallEnd"], log.OfTracing.Where(l => l.StartsWith("The application's", StringComparison.Ordinal)).Select(l => l.Split(' ')[2]));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Enrich_NotRecorded_DoesNotRun(bool ours)
    {
        var calls = 0;
        await using var server = new WireServer();
        await CallAsync(server.Address, ours, o =>
        {
            o.Sampling.Ratio = 0;
            o.Enrich.CallStart = (_, _) => calls++;
            o.Enrich.CallEnd = (_, _, _, _) => calls++;
        });

        Assert.Equal(0, calls);
    }

    [Fact]
    public async Task End_AnotherHostMakesTheCall_DoesNotRun()
    {
        var hosts = new List<string>();
        await using var server = new WireServer();
        await using var other = await TestService.StartAsync(app => { }, o => o.Enrich.CallEnd = (_, _, _, _) => hosts.Add("other"));
        await CallAsync(server.Address, ours: false, o => o.Enrich.CallEnd = (_, _, _, _) => hosts.Add("caller"));

        // Calls of parallel tests outside of requests may be the other host's.
        Assert.Single(hosts, "caller");
    }

    [Fact]
    public async Task End_Redirected_RunsForEachHop()
    {
        var read = new List<int>();
        await using var server = new WireServer((r, _) => r.Target == "/old" ? "302 Found\r\nLocation: /new" : "200 OK");
        await CallAsync(new Uri(server.Address, "/old"), ours: false, o => o.Enrich.CallEnd = (_, _, response, _) => read.Add((int)response!.StatusCode));

        Assert.Equal([302, 200], read);
    }

    private static HttpClient Client(bool ours) =>
        ours ? new HttpClient(new MeshTracingHandler(new SocketsHttpHandler { ActivityHeadersPropagator = null })) : new HttpClient();

    private static Task<IReadOnlyList<Span>> CallAsync(Uri uri, bool ours, Action<MeshTracingOptions> options) => Traced.RunAsync(
        async _ =>
        {
            using var client = Client(ours);
            try
            {
                (await client.GetAsync(uri)).Dispose();
            }
            catch (HttpRequestException)
            {
            }
        },
        options);
}
