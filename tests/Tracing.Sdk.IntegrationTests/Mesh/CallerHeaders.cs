using Tracing.Sdk.IntegrationTests.Wire;

namespace Tracing.Sdk.IntegrationTests.Mesh;

/// <summary>What the first caller of a mesh sends.</summary>
public enum Sent
{
    Nothing,
    W3CSampled,
    W3CUnsampled,
    W3CForeignTraceState,
    B3Single,
    B3Multi,
    B3Unsampled,
    B3Debug,
    B3Deferred,
    B3Short,
    BothAsWeSendThem,
    BothAsOpenTelemetrySendsThem,
    BothUnsampled,
}

internal static class CallerHeaders
{
    /// <summary>The span of the caller, which is exported nowhere.</summary>
    public const string SpanId = "b7ad6b7169203331";

    public static HeaderLine[] Headers(this Sent sent, string traceId)
    {
        HeaderLine[] b3 = [new("X-B3-TraceId", traceId), new("X-B3-SpanId", SpanId)];
        return sent switch
        {
            Sent.W3CSampled => [new("traceparent", $"00-{traceId}-{SpanId}-01")],
            Sent.W3CUnsampled => [new("traceparent", $"00-{traceId}-{SpanId}-00")],
            Sent.W3CForeignTraceState => [new("traceparent", $"00-{traceId}-{SpanId}-01"), new("tracestate", "congo=t61rcWkgMzE")],
            Sent.B3Single => [new("b3", $"{traceId}-{SpanId}-1")],
            Sent.B3Multi => [.. b3, new("X-B3-Sampled", "1")],
            Sent.B3Unsampled => [.. b3, new("X-B3-Sampled", "0")],
            Sent.B3Debug => [.. b3, new("X-B3-Sampled", "1"), new("X-B3-Flags", "1")],
            Sent.B3Deferred => b3,
            Sent.B3Short => [new("X-B3-TraceId", traceId[16..]), new("X-B3-SpanId", SpanId), new("X-B3-Sampled", "1")],
            Sent.BothAsWeSendThem =>
                [new("traceparent", $"00-{traceId}-{SpanId}-03"), new("tracestate", $"mesh=p:{SpanId}"), .. b3, new("X-B3-Sampled", "1")],
            Sent.BothAsOpenTelemetrySendsThem => [new("traceparent", $"00-{traceId}-{SpanId}-01"), .. b3, new("X-B3-Sampled", "1")],
            Sent.BothUnsampled =>
                [new("traceparent", $"00-{traceId}-{SpanId}-02"), new("tracestate", $"mesh=p:{SpanId}"), .. b3, new("X-B3-Sampled", "0")],
            _ => [],
        };
    }
}
