using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using OpenTelemetry;
using Tracing.Sdk.Messages;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.Messages;

/// <summary>What a message gets from the code that sends it.</summary>
public sealed class InjectTests
{
    private const string TraceId = "0af7651916cd43dd8448eb211c80319c";
    private const string SpanId = "b7ad6b7169203331";

    private static readonly ActivitySource Shop = new("Shop.InjectTests");

    [Fact]
    public async Task Inject_InARequest_WritesAllFormatsWithTheIdsOfItsSpan()
    {
        var message = new Dictionary<string, string>();
        var spans = await SendAsync(message, headers: [$"traceparent: 00-{TraceId}-{SpanId}-01", "x-request-id: AbC-1"]);

        var span = spans.Server().SpanId;
        Assert.Equal(
            new SortedDictionary<string, string>(StringComparer.Ordinal)
            {
                ["X-B3-Sampled"] = "1",
                ["X-B3-SpanId"] = span,
                ["X-B3-TraceId"] = TraceId,
                ["traceparent"] = $"00-{TraceId}-{span}-01",
                ["tracestate"] = $"mesh=p:{span}",
                ["x-request-id"] = "AbC-1",
            },
            new SortedDictionary<string, string>(message, StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "1", null, "01")]
    [InlineData("traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", "0", null, "00")]
    [InlineData("b3: 0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-d", "1", "1", "01")]
    [InlineData("b3: 0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331", "1", null, "01")]
    public async Task Inject_AnyDecision_IsWrittenOut(string header, string sampled, string? flags, string traceFlags)
    {
        var message = new Dictionary<string, string>();
        await SendAsync(message, headers: [header]);

        Assert.Equal((sampled, flags, traceFlags), (message["X-B3-Sampled"], message.GetValueOrDefault("X-B3-Flags"), message["traceparent"][^2..]));
    }

    [Fact]
    public async Task Inject_TheSameAsThePlatformsPropagator()
    {
        var (ours, platforms) = (new Dictionary<string, string>(), new Dictionary<string, string>());
        await Traced.RunAsync(
            _ =>
            {
                Baggage.SetBaggage("tenant", "blue");
                MessageTracing.Inject(ours);
                DistributedContextPropagator.Current.Inject(Activity.Current, platforms, static (carrier, name, value) => ((Dictionary<string, string>)carrier!)[name] = value);
                return Task.CompletedTask;
            },
            o => o.Propagation.ForwardedHeaders.Add("x-canary"),
            headers: [$"b3: {TraceId}-{SpanId}-d", "x-request-id: AbC-1", "x-canary: yes"]);

        Assert.Equal(platforms.OrderBy(header => header.Key), ours.OrderBy(header => header.Key));
        Assert.Equal(("blue", "yes"), (ours["baggage"]["tenant=".Length..], ours["x-canary"]));
    }

    [Fact]
    public async Task Inject_BaggageWithKeysThatMayNotLeave_LeavesThemOut()
    {
        var message = new Dictionary<string, string>();
        await SendAsync(message, o =>
        {
            o.Propagation.BaggageKeys.Clear();
            o.Propagation.BaggageKeys.Add("tenant");
        }, "baggage: tenant=blue;region=eu,user=1");

        Assert.Equal("tenant=blue;region=eu", message["baggage"]);
    }

    [Theory]
    [InlineData(MeshTracingMode.Forward, "/")]
    [InlineData(MeshTracingMode.Record, "/healthz")]
    public async Task Inject_WhereNothingIsRecorded_WritesWhatCameIn(MeshTracingMode mode, string path)
    {
        string[] headers = [$"X-B3-TraceId: {TraceId}", $"X-B3-SpanId: {SpanId}", "X-B3-Flags: 1", "baggage: user = 1 ;secret", "x-request-id: AbC-1"];
        var message = new Dictionary<string, string>();
        await using var service = await TestService.StartAsync(app => app.MapGet("/{**path}", () => MessageTracing.Inject(message)), o => o.Mode = mode);
        await service.GetAsync(path, headers);

        Assert.Equal(headers.Order(), message.Select(header => $"{header.Key}: {header.Value}").Order());
    }

    [Fact]
    public async Task Inject_IntoACopyOfAMessageThatCameIn_ReplacesItsContext()
    {
        var message = new Dictionary<string, string>
        {
            ["b3"] = $"{TraceId}-{SpanId}-1", ["Traceparent"] = $"00-{TraceId}-{SpanId}-01", ["x-b3-flags"] = "1", ["content-type"] = "text/plain",
        };
        await SendAsync(message);

        Assert.Equal(["X-B3-Sampled", "X-B3-SpanId", "X-B3-TraceId", "content-type", "traceparent", "tracestate", "x-request-id"], message.Keys.Order(StringComparer.Ordinal));
        Assert.Contains(message["X-B3-TraceId"], message["traceparent"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Inject_SetterThrows_TheMessageGetsTheOtherHeaders()
    {
        var message = new Dictionary<string, string>();
        await Traced.RunAsync(_ =>
        {
            MessageTracing.Inject(message, static (carrier, name, value) =>
            {
                if (name == "traceparent") throw new InvalidOperationException("No such header here.");
                carrier[name] = value;
            });
            return Task.CompletedTask;
        });

        Assert.Equal(["X-B3-Sampled", "X-B3-SpanId", "X-B3-TraceId", "tracestate", "x-request-id"], message.Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Inject_ReadOnlyDictionary_DoesNotThrow()
    {
        var message = new Dictionary<string, string> { ["content-type"] = "text/plain" }.AsReadOnly();
        await Traced.RunAsync(_ =>
        {
            MessageTracing.Inject(message);
            return Task.CompletedTask;
        });

        Assert.Equal(["content-type"], message.Keys);
    }

    [Fact]
    public async Task Inject_InAnUnsampledProducerSpan_WritesTheRefusal()
    {
        var message = new Dictionary<string, string>();
        await Traced.RunAsync(
            _ =>
            {
                using var send = Shop.StartActivity("send orders", ActivityKind.Producer);
                MessageTracing.Inject(message);
                return Task.CompletedTask;
            },
            headers: [$"b3: {TraceId}-{SpanId}-0"]);

        Assert.Equal((TraceId, "0"), (message["X-B3-TraceId"], message["X-B3-Sampled"]));
    }

    [Fact]
    public void Inject_Nulls_AreRefused()
    {
        Assert.Throws<ArgumentNullException>("headers", () => MessageTracing.Inject(null!));
        Assert.Throws<ArgumentNullException>("setter", () => MessageTracing.Inject("", null!));
    }

    private static Task<IReadOnlyList<Span>> SendAsync(Dictionary<string, string> message, Action<MeshTracingOptions>? options = null, params string[] headers) => Traced.RunAsync(
        _ =>
        {
            MessageTracing.Inject(message);
            return Task.CompletedTask;
        },
        options,
        headers: headers);
}
