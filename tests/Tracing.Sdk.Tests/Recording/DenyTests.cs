using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry;
using OpenTelemetry.Context.Propagation;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.Recording;

/// <summary>
/// "Not recorded" travels like any other decision: with libraries that start a span in order to inject it (RabbitMQ.Client, MassTransit,
/// SignalR), and into the handling of a message that they receive.
/// </summary>
public sealed class DenyTests
{
    private const string TraceId = "4bf92f3577b34da6a3ce929d0e0e4736";
    private const string RemoteId = "b7ad6b7169203331";

    private static readonly ActivitySource Library = new("Library.DenyTests");
    private static readonly ActivitySource Ours = new("Ours.DenyTests");

    [Theory]
    [InlineData(ActivityKind.Producer, "")]
    [InlineData(ActivityKind.Client, "")]
    [InlineData(ActivityKind.Producer, "parent")]
    [InlineData(ActivityKind.Client, "parent")]
    [InlineData(ActivityKind.Producer, "nested")]
    public async Task Inject_InARefusedTrace_WritesTheRefusalInAllFormats(ActivityKind kind, string way)
    {
        var headers = await PublishInRequestAsync(kind, way, $"traceparent: 00-{TraceId}-{RemoteId}-00");

        Assert.Equal((TraceId, "0"), (headers["X-B3-TraceId"], headers["X-B3-Sampled"]));
        Assert.Equal($"00-{TraceId}-{headers["X-B3-SpanId"]}-00", headers["traceparent"]);
    }

    [Fact]
    public async Task Inject_InARequestThatDeniesWithoutIds_WritesTheRefusalInAllFormats()
    {
        var headers = await PublishInRequestAsync(ActivityKind.Producer, "", "b3: 0");

        Assert.Equal("0", headers["X-B3-Sampled"]);
        // The random flag of a trace that begins here.
        Assert.Equal($"00-{headers["X-B3-TraceId"]}-{headers["X-B3-SpanId"]}-02", headers["traceparent"]);
    }

    [Theory]
    [InlineData(ActivityKind.Producer)]
    [InlineData(ActivityKind.Client)]
    public async Task TextMapInject_InARefusedTrace_WritesTheRefusalInAllFormats(ActivityKind kind)
    {
        var headers = new Dictionary<string, string>();
        await Traced.RunAsync(
            services =>
            {
                using var activity = Library.StartActivity("publish", kind);
                services.GetRequiredService<TextMapPropagator>().Inject(
                    new PropagationContext(activity!.Context, Baggage.Current), headers, static (carrier, name, value) => carrier[name] = value);
                return Task.CompletedTask;
            },
            headers: $"traceparent: 00-{TraceId}-{RemoteId}-00");

        Assert.Equal((TraceId, "0"), (headers["X-B3-TraceId"], headers["X-B3-Sampled"]));
        Assert.Equal($"00-{TraceId}-{headers["X-B3-SpanId"]}-00", headers["traceparent"]);
    }

    [Fact]
    public async Task Span_OfOtherKindsInARefusedTrace_IsNotCreated()
    {
        var created = new List<ActivityKind>();
        var spans = await Traced.RunAsync(
            _ =>
            {
                foreach (var kind in Enum.GetValues<ActivityKind>())
                {
                    using var activity = Library.StartActivity("work", kind);
                    if (activity is null) continue;
                    created.Add(kind);
                    Assert.False(activity.Recorded || activity.IsAllDataRequested);
                    Assert.Null(Library.StartActivity("inner"));
                }

                return Task.CompletedTask;
            },
            headers: $"traceparent: 00-{TraceId}-{RemoteId}-00");

        Assert.Equal([ActivityKind.Client, ActivityKind.Producer], created);
        Assert.Empty(spans);
    }

    [Theory]
    [InlineData(ActivityKind.Consumer)]
    [InlineData(ActivityKind.Server)]
    public async Task Receive_RefusedParentThatIsNotMarkedAsRemote_CarriesTheRefusalOn(ActivityKind kind)
    {
        await using var server = new WireServer();
        var spans = await Traced.RunAsync(async _ =>
        {
            // As RabbitMQ.Client does: a context of ActivityContext.TryParse is not remote.
            Assert.True(ActivityContext.TryParse($"00-{TraceId}-{RemoteId}-00", null, out var parent));
            using var activity = Library.StartActivity("receive", kind, parent);
            Assert.Null(Ours.StartActivity("work"));
            using var client = new HttpClient();
            (await client.GetAsync(server.Address)).Dispose();
        });

        Assert.Equal((TraceId, "0"), (server.Request["X-B3-TraceId"], server.Request["X-B3-Sampled"]));
        Assert.NotEqual(RemoteId, server.Request["X-B3-SpanId"]);
        Assert.Equal("server", Assert.Single(spans).Kind);
    }

    // As the StartActivity of NATS, which handlers call for a message.
    [Fact]
    public async Task Resume_RefusedParentOutsideOfAnyActivity_CarriesTheRefusalOn()
    {
        await using var server = new WireServer();
        await Traced.RunAsync(async _ =>
        {
            Activity.Current = null;
            var parent = new ActivityContext(ActivityTraceId.CreateFromString(TraceId), ActivitySpanId.CreateFromString(RemoteId), ActivityTraceFlags.None);
            using var activity = Library.StartActivity("handle", ActivityKind.Internal, parent);
            using var client = new HttpClient();
            (await client.GetAsync(server.Address)).Dispose();
        });

        Assert.Equal((TraceId, "0"), (server.Request["X-B3-TraceId"], server.Request["X-B3-Sampled"]));
    }

    [Theory]
    [InlineData(1.0, "1")]
    [InlineData(0.0, "0")]
    public async Task Receive_UndecidedParentThatIsNotMarkedAsRemote_IsDecidedHere(double ratio, string sampled)
    {
        await using var server = new WireServer();
        await Traced.RunAsync(
            async _ =>
            {
                Assert.True(ActivityContext.TryParse($"00-{TraceId}-{RemoteId}-00", "mesh=s:u", out var parent));
                using var activity = Library.StartActivity("receive", ActivityKind.Consumer, parent);
                using var client = new HttpClient();
                (await client.GetAsync(server.Address)).Dispose();
            },
            o => o.Sampling.Ratio = ratio);

        Assert.Equal((TraceId, sampled), (server.Request["X-B3-TraceId"], server.Request["X-B3-Sampled"]));
    }

    private static async Task<Dictionary<string, string>> PublishInRequestAsync(ActivityKind kind, string way, string header)
    {
        var headers = new Dictionary<string, string>();
        var spans = await Traced.RunAsync(
            _ =>
            {
                using var outer = way == "nested" ? Library.StartActivity("batch", ActivityKind.Producer) : null;
                using var activity = way == "parent"
                    ? Library.StartActivity("publish", kind, Activity.Current!.Context)
                    : Library.StartActivity("publish", kind);
                // Libraries inject only if there is an Activity.
                if (activity is not null) DistributedContextPropagator.Current.Inject(activity, headers, Publisher.Set);
                return Task.CompletedTask;
            },
            headers: header);

        Assert.Empty(spans);
        return headers;
    }
}

/// <summary>The same outside of any request, in a process without a host.</summary>
[Collection(Alone.Name)]
public sealed class DenyWithoutRequestTests
{
    private static readonly ActivitySource Library = new("Library.DenyWithoutRequestTests");

    [Theory]
    [InlineData(ActivityKind.Producer, true)]
    [InlineData(ActivityKind.Producer, false)]
    [InlineData(ActivityKind.Client, true)]
    [InlineData(ActivityKind.Client, false)]
    public void Inject_RootRefusedByTheRatio_WritesTheRefusalInAllFormats(ActivityKind kind, bool isNested)
    {
        var headers = new Dictionary<string, string>();
        using var sink = new SpanSink();
        using (MeshTracing.Start(o =>
        {
            TestService.ExportTo(sink, o);
            o.Sampling.Ratio = 0;
        }))
        {
            using var job = isNested ? Library.StartActivity("job") : null;
            using var activity = Library.StartActivity("publish", kind);
            DistributedContextPropagator.Current.Inject(activity, headers, Publisher.Set);
        }

        Assert.Equal("0", headers["X-B3-Sampled"]);
        Assert.Matches($"^00-{headers["X-B3-TraceId"]}-{headers["X-B3-SpanId"]}-0[02]$", headers["traceparent"]);
        Assert.Empty(sink.Spans);
    }
}

/// <summary>Writes the platform's headers into a message, as a library does.</summary>
internal static class Publisher
{
    public static void Set(object? carrier, string name, string value) => ((Dictionary<string, string>)carrier!)[name] = value;

    public static void Get(object? carrier, string name, out string? value, out IEnumerable<string>? values)
    {
        values = null;
        value = ((Dictionary<string, string>)carrier!).GetValueOrDefault(name);
    }
}
