using Tracing.Sdk.Http;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.Http;

/// <summary>One call on the platform's transport, which makes the span itself, and on one of the application's, where the handler makes it.</summary>
public sealed class ClientFailureTests
{
    private const string Cancelled = "System.Threading.Tasks.TaskCanceledException";

    // HttpClient hands one token to its handler, whatever cancels it: a timeout and a caller's cancellation are the same there.
    public static TheoryData<string, string, string> Failures => new()
    {
        { "client's timeout", Cancelled, Cancelled },
        { "client's timeout, synchronous", Cancelled, Cancelled },
        { "caller cancels", Cancelled, Cancelled },
        { "caller cancels, synchronous", Cancelled, Cancelled },
        { "caller of an invoker cancels", Cancelled, Cancelled },
        { "pending requests are cancelled", Cancelled, Cancelled },
        { "client is disposed", Cancelled, Cancelled },
        { "timeout of a handler above", Cancelled, Cancelled },
        { "connect timeout", Cancelled, Cancelled },
        { "connection fails", "connection_error", "System.Net.Http.HttpRequestException" },
        { "connection fails, synchronous", "connection_error", "System.Net.Http.HttpRequestException" },
    };

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task Call_Fails_SaysTheSameOnBothTransports(string scenario, string errorType, string exceptionType)
    {
        var platform = await FailAsync(scenario, ours: false);
        var own = await FailAsync(scenario, ours: true);

        Assert.Equal("System.Net.Http", platform!.Scope);
        Assert.Equal("Tracing.Sdk.Http", own!.Scope);
        Assert.Equal(("error", null, errorType, exceptionType), Outcome(platform));
        Assert.Equal(Outcome(platform), Outcome(own));
        Assert.Equal(Message(platform), Message(own));
        Assert.Equal(platform.Tags.Keys.Order(), own.Tags.Keys.Order());
    }

    [Theory]
    [InlineData("cancelled before it begins")]
    [InlineData("cancelled before it begins, synchronous")]
    public async Task Call_CancelledBeforeItBegins_IsNoSpanOnEitherTransport(string scenario)
    {
        Assert.Null(await FailAsync(scenario, ours: false));
        Assert.Null(await FailAsync(scenario, ours: true));
    }

    [Fact]
    public async Task Call_CancelledBeforeItBeginsAndSentAllTheSame_NamesTheServerSpan()
    {
        using var stub = new StubHandler();
        var spans = await Traced.RunAsync(async _ =>
        {
            using var invoker = new HttpMessageInvoker(new MeshTracingHandler(stub));
            using var request = new HttpRequestMessage(HttpMethod.Get, "http://data/");
            using var response = await invoker.SendAsync(request, new CancellationToken(canceled: true));
        });

        Assert.Equal(spans.Server().SpanId, Assert.Single(stub.Sent)["X-B3-SpanId"]);
    }

    [Fact]
    public async Task Call_HandlerThrowsOnItsOwn_HasTheExceptionAndNoDescription()
    {
        using var stub = new StubHandler((_, _) => throw new InvalidOperationException("no such account"));
        var spans = await Traced.RunAsync(async _ =>
        {
            using var client = new HttpClient(new MeshTracingHandler(stub));
            await Assert.ThrowsAsync<InvalidOperationException>(() => client.GetAsync(new Uri("http://data/")));
        });

        Assert.Equal(("error", null, "System.InvalidOperationException", "System.InvalidOperationException"), Outcome(spans.Client()));
        Assert.Equal("no such account", Message(spans.Client()));
    }

    private static async Task<Span?> FailAsync(string scenario, bool ours)
    {
        var connecting = new TaskCompletionSource();
        var spans = await Traced.RunAsync(async _ =>
        {
            await Task.Yield();
            HttpMessageHandler handler = new SocketsHttpHandler
            {
                ConnectTimeout = scenario == "connect timeout" ? TimeSpan.FromMilliseconds(1) : Timeout.InfiniteTimeSpan,
                ConnectCallback = async (_, cancellationToken) =>
                {
                    connecting.TrySetResult();
                    if (scenario.StartsWith("connection fails", StringComparison.Ordinal)) throw new IOException("no route");
                    await Task.Delay(Timeout.Infinite, cancellationToken);
                    return Stream.Null;
                },
            };
            if (ours)
            {
                ((SocketsHttpHandler)handler).ActivityHeadersPropagator = null;
                handler = new MeshTracingHandler(handler);
            }

            if (scenario == "timeout of a handler above") handler = new TimeoutHandler(connecting.Task) { InnerHandler = handler };
            await Assert.ThrowsAnyAsync<Exception>(() => CallAsync(scenario, handler, connecting.Task));
        });
        return spans.SingleOrDefault(s => s.Kind == "client");
    }

    private static async Task CallAsync(string scenario, HttpMessageHandler handler, Task connecting)
    {
        var client = new HttpClient(handler);
        using var cancellation = new CancellationTokenSource();
        using var request = new HttpRequestMessage(HttpMethod.Get, "http://data/");
        if (scenario.StartsWith("client's timeout", StringComparison.Ordinal)) client.Timeout = TimeSpan.FromMilliseconds(500);
        if (scenario.StartsWith("cancelled before", StringComparison.Ordinal)) await cancellation.CancelAsync();
        if (scenario.EndsWith("synchronous", StringComparison.Ordinal))
        {
            if (scenario.StartsWith("caller cancels", StringComparison.Ordinal)) _ = CancelAsync();
            client.Send(request, cancellation.Token).Dispose();
            return;
        }

        if (scenario == "caller of an invoker cancels")
        {
            using var invoker = new HttpMessageInvoker(handler);
            _ = CancelAsync();
            (await invoker.SendAsync(request, cancellation.Token)).Dispose();
            return;
        }

        var call = client.SendAsync(request, cancellation.Token);
        if (scenario is "caller cancels" or "pending requests are cancelled" or "client is disposed") await connecting;
        if (scenario == "caller cancels") await cancellation.CancelAsync();
        if (scenario == "pending requests are cancelled") client.CancelPendingRequests();
        if (scenario == "client is disposed") client.Dispose();
        (await call).Dispose();

        async Task CancelAsync()
        {
            await connecting;
            await cancellation.CancelAsync();
        }
    }

    private static (string Status, string? Description, object? ErrorType, object Exception) Outcome(Span span)
    {
        var exception = Assert.Single(span.Events);
        Assert.Equal("exception", exception.Name);
        return (span.Status, span.StatusMessage, span.Tag("error.type"), exception.Tags["exception.type"]);
    }

    private static object Message(Span span) => Assert.Single(span.Events).Tags["exception.message"];

    // What resilience libraries do: the handlers below see a token that is cancelled, and no reason.
    private sealed class TimeoutHandler(Task until) : DelegatingHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            var call = base.SendAsync(request, timeout.Token);
            await until;
            await timeout.CancelAsync();
            return await call;
        }
    }
}
