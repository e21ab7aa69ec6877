using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using Tracing.Sdk.CompatibilityTests.Harness;
using Tracing.Sdk.IntegrationTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.OpenTelemetry;

/// <summary>An application that calls itself in each way that it has, so that one collector gets whole trees: the request, its call, and the request that this call is.</summary>
internal sealed class SelfCaller : IAsyncDisposable
{
    /// <summary>A path for each way in which it calls itself.</summary>
    public static readonly string[] Paths = ["/factory", "/plain", "/post", "/grpc"];

    /// <summary>The trees of one request to each of <see cref="Paths"/>, in their order.</summary>
    public const string OneTreeOfEach =
        """
        SERVER GET /factory
          CLIENT GET
            SERVER GET /called
        SERVER GET /plain
          CLIENT GET
            SERVER GET /called
        SERVER GET /post
          CLIENT POST !
            SERVER POST /called/failing !
        SERVER GET /grpc
          CLIENT shop.Echo/Say
            SERVER shop.Echo/Say
        """;

    private static readonly string[] ContextHeaders = ["traceparent", "X-B3-TraceId", "X-B3-SpanId", "X-B3-Sampled", "X-B3-Flags"];

    private readonly TracedApp _app;
    private readonly ConcurrentQueue<IReadOnlyDictionary<string, string>> _received;

    private SelfCaller(TracedApp app, ConcurrentQueue<IReadOnlyDictionary<string, string>> received) => (_app, _received) = (app, received);

    public TracedApp App => _app;

    /// <summary>The trace headers that calls arrived with.</summary>
    public IReadOnlyList<IReadOnlyDictionary<string, string>> Received => [.. _received];

    public static async Task<SelfCaller> StartAsync(Action<WebApplicationBuilder>? build = null, Action<MeshTracingOptions>? options = null, Action<WebApplicationBuilder>? buildFirst = null)
    {
        var received = new ConcurrentQueue<IReadOnlyDictionary<string, string>>();
        TracedApp? app = null;
        app = await TracedApp.StartAsync(
            web =>
            {
                web.Use((context, next) =>
                {
                    if (context.Request.Path.StartsWithSegments("/called", StringComparison.Ordinal) || context.Request.ContentType == "application/grpc")
                        received.Enqueue(ContextHeaders.Where(context.Request.Headers.ContainsKey).ToDictionary(name => name, name => context.Request.Headers[name].ToString()));
                    return next(context);
                });
                web.MapGet("/called", () => "ok");
                web.MapPost("/called/failing", () => Results.StatusCode(500));
                web.MapGrpcService<Echo>();
                web.MapGet("/factory", (IHttpClientFactory clients) => clients.CreateClient().GetStringAsync(new Uri(app!.Address, "called")));
                web.MapGet("/plain", async () =>
                {
                    using var client = new HttpClient();
                    return await client.GetStringAsync(new Uri(app!.Address, "called"));
                });
                web.MapGet("/post", async (IHttpClientFactory clients) =>
                {
                    using var response = await clients.CreateClient().PostAsync(new Uri(app!.Address, "called/failing"), new StringContent("order 1"));
                    return (int)response.StatusCode;
                });
                web.MapGet("/grpc", async (ILoggerFactory loggers) =>
                {
                    using var channel = GrpcChannel.ForAddress(app!.Addresses[1], new GrpcChannelOptions { LoggerFactory = loggers });
                    return await channel.CreateCallInvoker().AsyncUnaryCall(EchoBase.Method, null, default, "hello");
                });
            },
            builder =>
            {
                builder.WebHost.ConfigureKestrel(kestrel =>
                {
                    kestrel.Listen(IPAddress.Loopback, 0);
                    kestrel.Listen(IPAddress.Loopback, 0, endpoint => endpoint.Protocols = HttpProtocols.Http2);
                });
                builder.Services.AddHttpClient();
                builder.Services.AddGrpc();
                build?.Invoke(builder);
            },
            options,
            buildFirst: buildFirst);
        return new SelfCaller(app, received);
    }

    public Task<string> GetAsync(string path, params string[] headers) => _app.GetAsync(path, headers);

    /// <inheritdoc cref="TracedApp.StopAsync"/>
    public Task<IReadOnlyList<CollectedSpan>> StopAsync() => _app.StopAsync();

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    // gRPC wants two classes: one that a generator would make, and one that overrides its methods.
    [BindServiceMethod(typeof(EchoBase), nameof(Bind))]
    private abstract class EchoBase
    {
        private static readonly Marshaller<string> Text = Marshallers.Create(Encoding.UTF8.GetBytes, Encoding.UTF8.GetString);

        public static readonly Method<string, string> Method = new(MethodType.Unary, "shop.Echo", nameof(Say), Text, Text);

        public static void Bind(ServiceBinderBase binder, EchoBase? service) => binder.AddMethod(Method, service is null ? null! : new UnaryServerMethod<string, string>(service.Say));

        public abstract Task<string> Say(string request, ServerCallContext context);
    }

    private sealed class Echo : EchoBase
    {
        public override Task<string> Say(string request, ServerCallContext context) => Task.FromResult(request);
    }
}
