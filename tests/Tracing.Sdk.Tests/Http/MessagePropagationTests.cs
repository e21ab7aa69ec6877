using System.Diagnostics;
using Tracing.Sdk.Tests.Recording;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.Http;

/// <summary>The platform's propagator as libraries for messages use it: they inject into a dictionary, and extract where a listed field is in it.</summary>
public sealed class MessagePropagationTests
{
    private static readonly ActivitySource Library = new("Library.MessagePropagationTests");

    [Theory]
    [InlineData("tracecontext,b3multi,baggage", true)]
    [InlineData("tracecontext,baggage", true)]
    [InlineData("b3multi", true)]
    [InlineData("b3", true)]
    [InlineData("tracecontext,b3multi,baggage", false)]
    [InlineData("b3", false)]
    public async Task PublishAndConsume_AnyFormats_IsOneTrace(string propagators, bool isSampled)
    {
        var message = new Dictionary<string, string>();
        ActivityContext published = default, consumed = default;
        await Traced.RunAsync(
            _ =>
            {
                using (var activity = Library.StartActivity("publish", ActivityKind.Producer))
                {
                    DistributedContextPropagator.Current.Inject(activity, message, Publisher.Set);
                    published = activity!.Context;
                }

                consumed = Extract(message);
                return Task.CompletedTask;
            },
            o =>
            {
                o.Propagation.Formats.Clear();
                foreach (var name in propagators.Split(',')) o.Propagation.Formats.Add(name);
            },
            headers: isSampled ? [] : ["b3: 0"]);

        Assert.Equal((published.TraceId, published.TraceFlags), (consumed.TraceId, consumed.TraceFlags & ActivityTraceFlags.Recorded));
        if (isSampled) Assert.Equal(published.SpanId, consumed.SpanId);
    }

    [Theory]
    [InlineData("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")]
    [InlineData("b3", "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1")]
    public async Task Consume_WhereHeadersAreOnlyForwarded_FindsTheContext(string name, string value)
    {
        ActivityContext consumed = default;
        await Traced.RunAsync(
            _ =>
            {
                consumed = Extract(new Dictionary<string, string> { [name] = value });
                return Task.CompletedTask;
            },
            o => o.Mode = MeshTracingMode.Forward);

        Assert.Equal("b7ad6b7169203331", consumed.SpanId.ToHexString());
    }

    [Fact]
    public async Task Fields_NamesWhatCarriesAContext()
    {
        var fields = Array.Empty<string>();
        var message = new Dictionary<string, string>();
        await Traced.RunAsync(
            _ =>
            {
                Activity.Current!.AddBaggage("tenant", "blue");
                DistributedContextPropagator.Current.Inject(Activity.Current, message, Publisher.Set);
                fields = [.. DistributedContextPropagator.Current.Fields];
                return Task.CompletedTask;
            },
            headers: "b3: d");

        string[] expected = ["traceparent", "tracestate", "b3", "X-B3-TraceId", "X-B3-SpanId", "X-B3-ParentSpanId", "X-B3-Sampled", "X-B3-Flags", "baggage"];
        Assert.Equal(expected, fields);
        Assert.Equal(["x-request-id"], message.Keys.Except(fields));
    }

    // As RabbitMQ.Client 7 does.
    private static ActivityContext Extract(Dictionary<string, string> message)
    {
        if (!DistributedContextPropagator.Current.Fields.Any(message.ContainsKey)) return default;
        DistributedContextPropagator.Current.ExtractTraceIdAndState(message, Publisher.Get, out var traceParent, out var traceState);
        return ActivityContext.TryParse(traceParent, traceState, out var context) ? context : default;
    }
}
