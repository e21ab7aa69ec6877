using System.Diagnostics;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.DependencyInjection;
using Tracing.Sdk.Http;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.Http;

/// <summary>An HttpClient that was made before AddMeshTracing sends the platform's headers; one line says so. Every other client gives no cause.</summary>
[Collection(Alone.Name)]
public sealed class EarlyClientTests
{
    // Made when this assembly is loaded, before any test has added tracing.
    private static HttpClient _early = null!;

#pragma warning disable CA2255 // This is an application.
    [ModuleInitializer]
    internal static void MakeEarlyClient() => _early = new HttpClient();
#pragma warning restore CA2255

    [Fact]
    public async Task Call_ClientMadeBeforeTracing_IsWarnedOfOnce()
    {
        await using var server = new WireServer();
        var (_, log) = await Traced.RunWithLogAsync(async _ =>
        {
            for (var i = 0; i < 3; i++) (await _early.GetAsync(server.Address)).Dispose();
        });

        Assert.All(server.Requests, r => Assert.Null(r["X-B3-SpanId"]));
        var warning = Assert.Single(log.Lines, l => l.Message.Contains("HttpClient", StringComparison.Ordinal));
        Assert.Equal(Microsoft.Extensions.Logging.LogLevel.Warning, warning.Level);
        Assert.StartsWith("A call to 127.0.0.1 left with the platform's own traceparent", warning.Message, StringComparison.Ordinal);
        Assert.Contains("Call AddMeshTracing first, make the client later, or take it from IHttpClientFactory.", warning.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("factory")]
    [InlineData("ours over sockets")]
    [InlineData("ours over a stub")]
    [InlineData("no propagator")]
    [InlineData("no output")]
    [InlineData("own that writes nothing")]
    [InlineData("own that asks the current one")]
    [InlineData("outside")]
    [InlineData("unsampled")]
    [InlineData("synchronous")]
    public async Task Call_AnyOtherClient_GivesNoWarning(string kind)
    {
        await using var server = new WireServer();
        var (_, log) = await Traced.RunWithLogAsync(
            async services =>
            {
                using var client = kind switch
                {
                    "factory" => services.GetRequiredService<IHttpClientFactory>().CreateClient(),
                    "ours over sockets" => new HttpClient(new MeshTracingHandler(new SocketsHttpHandler { ActivityHeadersPropagator = null })),
                    "ours over a stub" => new HttpClient(new MeshTracingHandler(new StubHandler())),
                    "no propagator" => new HttpClient(new SocketsHttpHandler { ActivityHeadersPropagator = null }),
                    "no output" => new HttpClient(new SocketsHttpHandler { ActivityHeadersPropagator = DistributedContextPropagator.CreateNoOutputPropagator() }),
                    "own that writes nothing" => new HttpClient(new SocketsHttpHandler { ActivityHeadersPropagator = new OwnPropagator(asks: false) }),
                    "own that asks the current one" => new HttpClient(new SocketsHttpHandler { ActivityHeadersPropagator = new OwnPropagator(asks: true) }),
                    "outside" => new HttpClient(server.Handler()),
                    _ => new HttpClient(),
                };
                var address = kind == "outside" ? new Uri("http://api.example.com/") : server.Address;
                using var request = new HttpRequestMessage(HttpMethod.Get, address);
                if (kind == "synchronous") client.Send(request).Dispose();
                else (await client.SendAsync(request)).Dispose();
            },
            build: b => b.Services.AddHttpClient(),
            headers: kind == "unsampled" ? ["b3: 0"] : []);

        Assert.DoesNotContain(log.OfTracing, m => m.Contains("HttpClient", StringComparison.Ordinal));
    }

    private sealed class OwnPropagator(bool asks) : DistributedContextPropagator
    {
        public override IReadOnlyCollection<string> Fields => [];

        public override void Inject(Activity? activity, object? carrier, PropagatorSetterCallback? setter)
        {
            if (asks) Current.Inject(activity, carrier, setter);
        }

        public override void ExtractTraceIdAndState(object? carrier, PropagatorGetterCallback? getter, out string? traceId, out string? traceState) =>
            (traceId, traceState) = (null, null);

        public override IEnumerable<KeyValuePair<string, string?>>? ExtractBaggage(object? carrier, PropagatorGetterCallback? getter) => null;
    }
}
