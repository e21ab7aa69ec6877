using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Grpc.Net.Client;
using Grpc.Net.Client.Configuration;
using Grpc.Net.Client.Web;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Tracing.Sdk.Tests.Shop;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.Http;

/// <summary>The client span of a gRPC call, by OpenTelemetry's conventions for gRPC: one a call, whose id is on the wire.</summary>
[Collection(Alone.Name)]
public sealed class GrpcClientSpanTests
{
    // Made when this assembly is loaded, before any test has added tracing.
    private static SocketsHttpHandler _early = null!;

#pragma warning disable CA2255 // This is an application.
    [ModuleInitializer]
    internal static void MakeEarlyHandler() => _early = new SocketsHttpHandler();
#pragma warning restore CA2255

    [Fact]
    public async Task Unary_Succeeds_IsNamedByItsMethod()
    {
        var client = (await CallAsync(orders => orders.GetAsync(new OrderRequest { Id = 7 }).ResponseAsync)).Client;

        Assert.Equal(("shop.Orders/Get", "unset", "Grpc.Net.Client"), (client.Name, client.Status, client.Scope));
        Assert.Equal(("grpc", "shop.Orders/Get", "OK"), (client.Tag("rpc.system.name"), client.Tag("rpc.method"), client.Tag("rpc.response.status_code")));
        Assert.Null(client.Tag("error.type"));
    }

    [Fact]
    public async Task Unary_Succeeds_HasTheServerAndNoTagsOfTheLibrarysOwn()
    {
        Uri? address = null;
        var run = await GrpcShop.CallAsync(target => CallAsync(address = target.Address, orders => orders.GetAsync(new OrderRequest { Id = 7 }).ResponseAsync));

        Assert.Equal(
            [("rpc.method", "shop.Orders/Get"), ("rpc.response.status_code", "OK"), ("rpc.system.name", "grpc"), ("server.address", "127.0.0.1"), ("server.port", (long)address!.Port)],
            run.Client.Tags.Select(t => (t.Key, t.Value)).OrderBy(t => t.Key, StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("unary")]
    [InlineData("server stream")]
    [InlineData("client stream")]
    [InlineData("duplex")]
    public async Task Call_OfAnyKind_IsTheParentOfTheServersSpan(string kind)
    {
        var run = await CallAsync(orders => CallAsync(orders, kind));

        Assert.Equal((run.Around.SpanId, run.Client.SpanId), (run.Client.ParentId, run.Server.ParentId));
        Assert.Equal(("OK", run.Server.Name), (run.Client.Tag("rpc.response.status_code"), run.Client.Name));
    }

    [Theory]
    [InlineData("", "traceparent")]
    [InlineData("b3", "b3")]
    [InlineData("b3multi", "x-b3-spanid")]
    public async Task Call_InAnyFormat_CarriesTheIdOfItsSpan(string format, string header)
    {
        var run = await CallAsync(
            orders => orders.GetAsync(new OrderRequest { Id = 7 }).ResponseAsync,
            o =>
            {
                if (format.Length == 0) return;
                o.Propagation.Formats.Clear();
                o.Propagation.Formats.Add(format);
            });

        Assert.Contains(run.Client.SpanId, Assert.Single(run.Received)[header], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(StatusCode.Cancelled, "CANCELLED")]
    [InlineData(StatusCode.Unknown, "UNKNOWN")]
    [InlineData(StatusCode.InvalidArgument, "INVALID_ARGUMENT")]
    [InlineData(StatusCode.NotFound, "NOT_FOUND")]
    [InlineData(StatusCode.Internal, "INTERNAL")]
    [InlineData(StatusCode.Unauthenticated, "UNAUTHENTICATED")]
    public async Task Unary_Fails_IsAnError(StatusCode code, string name)
    {
        var client = (await CallAsync(orders => orders.GetAsync(new OrderRequest { Id = OrdersCalls.Status + (int)code }).ResponseAsync)).Client;

        Assert.Equal(("shop.Orders/Get", "error", name, name), (client.Name, client.Status, client.Tag("rpc.response.status_code"), client.Tag("error.type")));
    }

    [Fact]
    public async Task Call_ReachesNoServer_IsUnavailableAndHasItsServer()
    {
        var spans = await Traced.RunAsync(_ => CallAsync(new Uri("http://127.0.0.1:1"), orders => orders.GetAsync(new OrderRequest { Id = 7 }).ResponseAsync));

        var client = spans.Client();
        Assert.Equal(("shop.Orders/Get", "error", "UNAVAILABLE"), (client.Name, client.Status, client.Tag("rpc.response.status_code")));
        Assert.Equal(("127.0.0.1", 1L), (client.Tag("server.address"), client.Tag("server.port")));
    }

    [Fact]
    public async Task Deadline_Passes_IsAnError()
    {
        var run = await CallAsync(orders => orders.GetAsync(new OrderRequest { Id = OrdersCalls.Wait }, deadline: DateTime.UtcNow.AddMilliseconds(200)).ResponseAsync);

        Assert.Equal(("error", "DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED"), (run.Client.Status, run.Client.Tag("rpc.response.status_code"), run.Client.Tag("error.type")));
        Assert.Empty(run.Client.Events);
    }

    [Fact]
    public async Task Deadline_HasPassedBefore_IsASpanWithItsServer()
    {
        var run = await CallAsync(orders => orders.GetAsync(new OrderRequest { Id = 7 }, deadline: DateTime.UtcNow.AddSeconds(-1)).ResponseAsync);

        Assert.Equal(("shop.Orders/Get", "DEADLINE_EXCEEDED", "127.0.0.1"), (run.Client.Name, run.Client.Tag("error.type"), run.Client.Tag("server.address")));
        Assert.Empty(run.Received);
    }

    [Fact]
    public async Task Caller_Cancels_IsCancelled()
    {
        var run = await GrpcShop.CallAsync(async target =>
        {
            using var gone = new CancellationTokenSource();
            var call = CallAsync(target.Address, orders => orders.GetAsync(new OrderRequest { Id = OrdersCalls.Wait }, cancellationToken: gone.Token).ResponseAsync);
            await target.Calls.IsCalled;
            await gone.CancelAsync();
            await call;
        });

        Assert.Equal(("error", "CANCELLED", "CANCELLED"), (run.Client.Status, run.Client.Tag("rpc.response.status_code"), run.Client.Tag("error.type")));
    }

    [Fact]
    public async Task ServerStream_IsRead_EndsAfterTheLastMessage()
    {
        using var work = new ActivitySource("Work");
        var run = await CallAsync(async orders =>
        {
            using var call = orders.List(new OrderRequest { Id = 2 });
            await call.ResponseStream.MoveNext(default);
            work.StartActivity("between messages")?.Dispose();
            await foreach (var _ in call.ResponseStream.ReadAllAsync()) { }
        });

        Assert.True(run.Client.EndNano > Assert.Single(run.Spans, s => s.Name == "between messages").EndNano);
    }

    [Fact]
    public async Task ServerStream_IsDisposedEarly_IsCancelled()
    {
        var run = await CallAsync(async orders =>
        {
            using var call = orders.List(new OrderRequest { Id = 1_000_000 });
            await call.ResponseStream.MoveNext(default);
        });

        Assert.Equal(("error", "CANCELLED"), (run.Client.Status, run.Client.Tag("rpc.response.status_code")));
    }

    // Grpc.Net.Client makes an activity for each attempt.
    [Fact]
    public async Task Retry_ByTheChannel_IsASpanForEachAttempt()
    {
        var run = await CallAsync(orders => orders.GetAsync(new OrderRequest { Id = -2 }).ResponseAsync, channel: Policy(new MethodConfig
        {
            Names = { MethodName.Default },
            RetryPolicy = new RetryPolicy
            {
                MaxAttempts = 5, InitialBackoff = TimeSpan.FromMilliseconds(1), MaxBackoff = TimeSpan.FromMilliseconds(1), BackoffMultiplier = 1,
                RetryableStatusCodes = { StatusCode.Unavailable },
            },
        }));

        Assert.Equal(
            [("UNAVAILABLE", null), ("UNAVAILABLE", (object)1L), ("OK", 2L)],
            run.Spans.Clients().Select(s => ((string)s.Tag("rpc.response.status_code")!, s.Tag("http.request.resend_count"))));
        Assert.Equal(run.Spans.Clients().Select(s => s.SpanId).Order(), run.Servers.Select(s => s.ParentId!).Order());
        Assert.All(run.Spans.Clients(), s => Assert.Equal(run.Around.SpanId, s.ParentId));
    }

    [Fact]
    public async Task Hedging_ByTheChannel_IsASpanForEachAttempt()
    {
        var run = await CallAsync(orders => orders.GetAsync(new OrderRequest { Id = -2 }).ResponseAsync, channel: Policy(new MethodConfig
        {
            Names = { MethodName.Default },
            HedgingPolicy = new HedgingPolicy { MaxAttempts = 3, HedgingDelay = TimeSpan.FromSeconds(30), NonFatalStatusCodes = { StatusCode.Unavailable } },
        }));

        Assert.Equal(3, run.Received.Count);
        Assert.Equal(run.Servers.Select(s => s.ParentId).Order(), run.Spans.Clients().Select(s => s.SpanId).Order());
    }

    [Fact]
    public async Task Handler_SendsAgain_IsOneSpanThatTellsIt()
    {
        var again = new Relay(async (request, send) =>
        {
            (await send(request)).Dispose();
            return await send(request);
        });
        var run = await CallAsync(orders => orders.GetAsync(new OrderRequest { Id = 7 }).ResponseAsync, channel: o => o.HttpHandler = again.Over(new SocketsHttpHandler()));

        Assert.Equal(1L, run.Client.Tag("http.request.resend_count"));
        Assert.Equal([run.Client.SpanId, run.Client.SpanId], run.Servers.Select(s => s.ParentId));
    }

    [Theory]
    [InlineData("default")]
    [InlineData("source ignored")]
    [InlineData("call ignored")]
    [InlineData("http ignored")]
    public async Task Current_InTheCall_IsExported(string settings)
    {
        var seen = new ConcurrentQueue<string?>();
        void See() => seen.Enqueue(Activity.Current?.SpanId.ToHexString());
        var handler = new Relay(async (request, send) =>
        {
            See();
            var response = await send(request);
            See();
            return response;
        });
        var run = await CallAsync(
            orders => orders.GetAsync(new OrderRequest { Id = 7 }).ResponseAsync,
            o =>
            {
                if (settings == "source ignored") o.Ignore.Sources.Add("Grpc.Net.Client");
                if (settings == "call ignored") o.Ignore.Calls.Add("127.0.0.1");
                if (settings == "http ignored") o.Ignore.Sources.Add("System.Net.Http");
            },
            o => o.HttpHandler = handler.Over(new SocketsHttpHandler
            {
                ConnectCallback = async (context, token) =>
                {
                    if (settings != "http ignored") See();
                    var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                    await socket.ConnectAsync(context.DnsEndPoint, token);
                    return new NetworkStream(socket, ownsSocket: true);
                },
            }));

        Assert.True(seen.Count >= 2);
        var known = run.Spans.Select(s => (string?)s.SpanId).ToHashSet();
        Assert.All(seen, id => Assert.Contains(id, known));
    }

    [Fact]
    public async Task Source_Ignored_RecordsTheHttpRequest()
    {
        var run = await CallAsync(orders => orders.GetAsync(new OrderRequest { Id = 7 }).ResponseAsync, o => o.Ignore.Sources.Add("Grpc.Net.Client"));

        Assert.Equal(("POST", run.Around.SpanId, 200L), (run.Client.Name, run.Client.ParentId, run.Client.Tag("http.response.status_code")));
        Assert.Equal(run.Client.SpanId, run.Server.ParentId);
    }

    [Theory]
    [InlineData("Shop")]
    [InlineData("Grpc.Net.Client")]
    public async Task Sources_NameAny_TheCallIsRecorded(string name)
    {
        var run = await CallAsync(orders => orders.GetAsync(new OrderRequest { Id = 7 }).ResponseAsync, o =>
        {
            o.Sources.Clear();
            o.Sources.Add(name);
        });

        Assert.Equal("shop.Orders/Get", run.Client.Name);
    }

    [Theory]
    [InlineData("pattern")]
    [InlineData("code")]
    public async Task Call_Ignored_HasNoSpanAndTheHeadersOfTheSpanAroundIt(string way)
    {
        var run = await CallAsync(orders => orders.GetAsync(new OrderRequest { Id = 7 }).ResponseAsync, o =>
        {
            if (way == "pattern") o.Ignore.Calls.Add("127.0.0.1/shop.Orders/*");
            else o.Ignore.Call = request => request.RequestUri!.AbsolutePath == "/shop.Orders/Get";
        });

        Assert.Empty(run.Spans.Clients());
        Assert.Equal(run.Around.SpanId, run.Server.ParentId);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task FactoryClient_OverAnyTransport_IsOneSpan(bool isPlatforms)
    {
        var run = await CallByFactoryAsync(builder =>
        {
            if (!isPlatforms) builder.ConfigurePrimaryHttpMessageHandler(() => new Transport());
        });

        Assert.Equal(("shop.Orders/Get", "127.0.0.1", "OK"), (run.Client.Name, run.Client.Tag("server.address"), run.Client.Tag("rpc.response.status_code")));
        Assert.Equal(run.Client.SpanId, run.Server.ParentId);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task FactoryClient_SpanIsFalse_HasNone(bool isPlatforms)
    {
        var run = await CallByFactoryAsync(builder =>
        {
            builder.ConfigureTracing(o => o.Span = false);
            if (!isPlatforms) builder.ConfigurePrimaryHttpMessageHandler(() => new Transport());
        });

        Assert.Empty(run.Spans.Clients());
        Assert.Equal(run.Around.SpanId, run.Server.ParentId);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task FactoryClient_TransportFails_SaysWhy(bool isPlatforms)
    {
        var run = await CallByFactoryAsync(
            builder => builder.ConfigurePrimaryHttpMessageHandler(() => isPlatforms ? Refusing() : new Transport(Refusing())));

        Assert.Equal(("error", "UNAVAILABLE"), (run.Client.Status, run.Client.Tag("error.type")));
        Assert.Equal("System.Net.Http.HttpRequestException", Assert.Single(run.Client.Events).Tags["exception.type"]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Enrich_CallStartAndEnd_GetTheSpanOfTheCall(bool isPlatforms)
    {
        var run = await CallByFactoryAsync(
            builder =>
            {
                if (!isPlatforms) builder.ConfigurePrimaryHttpMessageHandler(() => new Transport());
            },
            o =>
            {
                o.Enrich.CallStart = (activity, request) => activity.SetTag("path", request.RequestUri!.AbsolutePath);
                o.Enrich.CallEnd = (activity, _, response, _) => activity.SetTag("type", response!.Content.Headers.ContentType!.MediaType);
            });

        Assert.Equal(("shop.Orders/Get", "/shop.Orders/Get", "application/grpc"), (run.Client.Name, run.Client.Tag("path"), run.Client.Tag("type")));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Enrich_CallEnd_GetsTheException(bool isPlatforms)
    {
        var run = await CallByFactoryAsync(
            builder => builder.ConfigurePrimaryHttpMessageHandler(() => isPlatforms ? Refusing() : new Transport(Refusing())),
            o => o.Enrich.CallEnd = (activity, _, response, exception) => activity.SetTag("read", $"{response is null} {exception!.GetType().Name}"));

        Assert.Equal("True HttpRequestException", run.Client.Tag("read"));
    }

    [Fact]
    public async Task Handler_CallsAnotherServer_IsASpanBelowTheCall()
    {
        await using var tokens = new WireServer();
        using var client = new HttpClient();
        var handler = new Relay(async (request, send) =>
        {
            (await client.GetAsync(tokens.Address)).Dispose();
            return await send(request);
        });
        var run = await CallAsync(orders => orders.GetAsync(new OrderRequest { Id = 7 }).ResponseAsync, channel: o => o.HttpHandler = handler.Over(new SocketsHttpHandler()));

        var call = Assert.Single(run.Spans, s => s.Name == "shop.Orders/Get" && s.Kind == "client");
        var token = Assert.Single(run.Spans, s => s.Name == "GET" && s.Kind == "client");
        Assert.Equal((call.SpanId, token.SpanId), (token.ParentId, Assert.Single(tokens.Requests)["X-B3-SpanId"]));
    }

    [Fact]
    public async Task Interceptor_StartsASpan_IsTheParentOfTheCall()
    {
        using var source = new ActivitySource("Interceptors");
        var run = await GrpcShop.CallAsync(async target =>
        {
            using var channel = GrpcChannel.ForAddress(target.Address);
            using var around = source.StartActivity("around");
            await new Orders.OrdersClient(channel.Intercept(metadata => metadata)).GetAsync(new OrderRequest { Id = 7 });
        });

        Assert.Equal(Assert.Single(run.Spans, s => s.Name == "around").SpanId, run.Client.ParentId);
        Assert.Equal(run.Client.SpanId, run.Server.ParentId);
    }

    [Fact]
    public async Task Handler_StartsASpan_TheWireHasTheIdOfTheCall()
    {
        using var source = new ActivitySource("Handlers");
        var handler = new Relay(async (request, send) =>
        {
            using var inside = source.StartActivity("inside");
            return await send(request);
        });
        var run = await CallAsync(orders => orders.GetAsync(new OrderRequest { Id = 7 }).ResponseAsync, channel: o => o.HttpHandler = handler.Over(new SocketsHttpHandler()));

        Assert.Equal(run.Client.SpanId, Assert.Single(run.Spans, s => s.Name == "inside").ParentId);
        Assert.Equal(run.Client.SpanId, run.Server.ParentId);
    }

    [Fact]
    public async Task Web_Unary_IsOneSpan()
    {
        var run = await GrpcShop.CallAsync(
            target => CallAsync(target.Address, orders => orders.GetAsync(new OrderRequest { Id = 7 }).ResponseAsync, o => o.HttpHandler = new GrpcWebHandler(GrpcWebMode.GrpcWeb, new HttpClientHandler())),
            use: app => app.UseGrpcWeb(new GrpcWebOptions { DefaultEnabled = true }));

        Assert.Equal(("shop.Orders/Get", "OK"), (run.Client.Name, run.Client.Tag("rpc.response.status_code")));
        Assert.Equal(("shop.Orders/Get", "OK", run.Client.SpanId), (run.Server.Name, run.Server.Tag("rpc.response.status_code"), run.Server.ParentId));
    }

    [Fact]
    public async Task Unsampled_Call_HasNoSpanAndSaysNo()
    {
        var run = await CallAsync(orders => orders.GetAsync(new OrderRequest { Id = 7 }).ResponseAsync, o => o.Sampling.Ratio = 0);

        Assert.Empty(run.Spans);
        Assert.Equal("0", Assert.Single(run.Received)["x-b3-sampled"]);
    }

    [Fact]
    public async Task Debug_Call_StaysDebug()
    {
        var run = await GrpcShop.CallAsync(
            target => CallAsync(target.Address, orders => orders.GetAsync(new OrderRequest { Id = 7 }).ResponseAsync),
            headers: ["X-B3-TraceId: 0af7651916cd43dd8448eb211c80319c", "X-B3-SpanId: b7ad6b7169203331", "X-B3-Flags: 1"]);

        Assert.Equal("1", Assert.Single(run.Received)["x-b3-flags"]);
        Assert.Equal(run.Client.SpanId, run.Server.ParentId);
    }

    [Fact]
    public async Task ForwardMode_Call_SendsWhatCameIn()
    {
        const string spanId = "b7ad6b7169203331";
        var run = await GrpcShop.CallAsync(
            target => CallAsync(target.Address, orders => orders.GetAsync(new OrderRequest { Id = 7 }).ResponseAsync),
            o => o.Mode = MeshTracingMode.Forward,
            headers: ["X-B3-TraceId: 0af7651916cd43dd8448eb211c80319c", $"X-B3-SpanId: {spanId}", "X-B3-Sampled: 1"]);

        Assert.Equal(spanId, Assert.Single(run.Received)["x-b3-spanid"]);
    }

    [Fact]
    public async Task AnotherListener_HearsTheHttpRequest_ItsSpanIsLeftToIt()
    {
        var heard = new ConcurrentQueue<Activity>();
        using var other = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "System.Net.Http",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = heard.Enqueue,
        };
        ActivitySource.AddActivityListener(other);
        var run = await CallAsync(orders => orders.GetAsync(new OrderRequest { Id = 7 }).ResponseAsync);

        Assert.Equal("shop.Orders/Get", run.Client.Name);
        var request = Assert.Single(heard, a => a.TraceId.ToHexString() == run.Client.TraceId);
        Assert.True(request is { Recorded: true, IsAllDataRequested: true });
    }

    [Fact]
    public async Task AnotherListener_HearsTheCall_ReadsTheTagsOfTheLibrary()
    {
        var heard = new ConcurrentQueue<(string TraceId, object? Method, object? Status)>();
        using var other = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "Grpc.Net.Client",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = a => heard.Enqueue((a.TraceId.ToHexString(), a.GetTagItem("grpc.method"), a.GetTagItem("grpc.status_code"))),
        };
        // Tracing starts first, so it hears of the end first.
        var run = await GrpcShop.CallAsync(target =>
        {
            ActivitySource.AddActivityListener(other);
            return CallAsync(target.Address, orders => orders.GetAsync(new OrderRequest { Id = 7 }).ResponseAsync);
        });

        Assert.Contains((run.Client.TraceId, "/shop.Orders/Get", "0"), heard);
        Assert.Equal("OK", run.Client.Tag("rpc.response.status_code"));
    }

    // Once a subscriber wants an event, the platform asks no other one, so this library learns the request only when it is sent.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AnotherSubscriber_WantsTheEventsOfCalls_NothingChanges(bool isIgnored)
    {
        using var subscriber = new Subscriber();
        using var subscription = DiagnosticListener.AllListeners.Subscribe(subscriber);
        var run = await CallAsync(orders => orders.GetAsync(new OrderRequest { Id = 7 }).ResponseAsync, o =>
        {
            if (isIgnored) o.Ignore.Calls.Add("127.0.0.1");
        });

        Assert.Equal(isIgnored ? [] : ["127.0.0.1"], run.Spans.Clients().Select(s => s.Tag("server.address")));
        Assert.Equal(isIgnored ? run.Around.SpanId : run.Client.SpanId, run.Server.ParentId);
    }

    [Fact]
    public async Task Channel_MadeBeforeTracing_IsOneTree()
    {
        var run = await CallAsync(orders => orders.GetAsync(new OrderRequest { Id = 7 }).ResponseAsync, channel: o => o.HttpHandler = _early);

        var call = Assert.Single(run.Spans, s => s.Name == "shop.Orders/Get" && s.Kind == "client");
        var request = Assert.Single(run.Spans, s => s.Name == "POST");
        Assert.Equal((run.Around.SpanId, call.SpanId, request.SpanId), (call.ParentId, request.ParentId, run.Server.ParentId));
    }

    // The request around it, and the call or its request.
    [Theory]
    [InlineData("", 2)]
    [InlineData("call ignored", 1)]
    [InlineData("source ignored", 2)]
    public async Task LastLine_AfterACall_Balances(string settings, int count)
    {
        var run = await CallAsync(orders => orders.GetAsync(new OrderRequest { Id = 7 }).ResponseAsync, o =>
        {
            if (settings == "source ignored") o.Ignore.Sources.Add("Grpc.Net.Client");
            if (settings == "call ignored") o.Ignore.Calls.Add("127.0.0.1");
        });

        Assert.Equal($"{count} spans started, {count} exported, 0 dropped", run.Log.SpansOfLastLine);
    }

    [Fact]
    public async Task Process_CallsWithoutAParent_AreRootsAndTheCountsBalance()
    {
        using var process = new TracedProcess();
        await CallAsync(new Uri("http://127.0.0.1:1"), orders => orders.GetAsync(new OrderRequest { Id = 7 }).ResponseAsync);
        var spans = process.Stop();

        var root = Assert.Single(spans, s => s.Name == "shop.Orders/Get");
        Assert.Null(root.ParentId);
        Assert.DoesNotContain("not ended", process.LastLine, StringComparison.Ordinal);
    }

    private static Task<GrpcRun> CallAsync(Func<Orders.OrdersClient, Task> call, Action<MeshTracingOptions>? options = null, Action<GrpcChannelOptions>? channel = null) =>
        GrpcShop.CallAsync(target => CallAsync(target.Address, call, channel), options);

    private static async Task CallAsync(Uri address, Func<Orders.OrdersClient, Task> call, Action<GrpcChannelOptions>? configure = null)
    {
        var options = new GrpcChannelOptions();
        configure?.Invoke(options);
        using var channel = GrpcChannel.ForAddress(address, options);
        try
        {
            await call(new Orders.OrdersClient(channel));
        }
        catch (RpcException)
        {
        }
    }

    private static async Task CallAsync(Orders.OrdersClient orders, string kind)
    {
        switch (kind)
        {
            case "unary":
                await orders.GetAsync(new OrderRequest { Id = 7 });
                break;
            case "server stream":
                using (var call = orders.List(new OrderRequest { Id = 2 }))
                {
                    await foreach (var _ in call.ResponseStream.ReadAllAsync()) { }
                }

                break;
            case "client stream":
                using (var call = orders.Collect())
                {
                    await call.RequestStream.WriteAsync(new OrderRequest { Id = 1 });
                    await call.RequestStream.CompleteAsync();
                    await call;
                }

                break;
            default:
                using (var call = orders.Chat())
                {
                    await call.RequestStream.WriteAsync(new OrderRequest { Id = 1 });
                    await call.RequestStream.CompleteAsync();
                    await foreach (var _ in call.ResponseStream.ReadAllAsync()) { }
                }

                break;
        }
    }

    private static Task<GrpcRun> CallByFactoryAsync(Action<IHttpClientBuilder> configure, Action<MeshTracingOptions>? options = null)
    {
        Uri? address = null;
        return GrpcShop.CallAsync(
            async target =>
            {
                address = target.Address;
                try
                {
                    await target.Services.GetRequiredService<Orders.OrdersClient>().GetAsync(new OrderRequest { Id = 7 });
                }
                catch (RpcException)
                {
                }
            },
            options,
            builder => configure(builder.Services.AddGrpcClient<Orders.OrdersClient>(o => o.Address = address)));
    }

    private static Action<GrpcChannelOptions> Policy(MethodConfig config) => o => o.ServiceConfig = new ServiceConfig { MethodConfigs = { config } };

    private static SocketsHttpHandler Refusing() => new() { ConnectCallback = (_, _) => throw new SocketException((int)SocketError.ConnectionRefused) };

    private sealed class Subscriber : IObserver<DiagnosticListener>, IObserver<KeyValuePair<string, object?>>, IDisposable
    {
        private IDisposable? _events;

        public void OnNext(DiagnosticListener value)
        {
            if (value.Name == "Grpc.Net.Client") _events = value.Subscribe(this);
        }

        public void Dispose() => _events?.Dispose();

        public void OnNext(KeyValuePair<string, object?> value)
        {
        }

        public void OnCompleted()
        {
        }

        public void OnError(Exception error)
        {
        }
    }

    // A transport that the platform does not trace.
    private sealed class Transport(SocketsHttpHandler? inner = null) : HttpMessageHandler
    {
        private readonly HttpMessageInvoker _inner = new(Untraced(inner ?? new SocketsHttpHandler()));

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => _inner.SendAsync(request, cancellationToken);

        private static SocketsHttpHandler Untraced(SocketsHttpHandler handler)
        {
            handler.ActivityHeadersPropagator = null;
            return handler;
        }
    }

    private sealed class Relay(Func<HttpRequestMessage, Func<HttpRequestMessage, Task<HttpResponseMessage>>, Task<HttpResponseMessage>> relay) : DelegatingHandler
    {
        public Relay Over(HttpMessageHandler inner)
        {
            InnerHandler = inner;
            return this;
        }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            relay(request, message => base.SendAsync(message, cancellationToken));
    }
}
