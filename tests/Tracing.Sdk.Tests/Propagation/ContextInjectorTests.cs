using Tracing.Sdk.Propagation;
using Tracing.Sdk.Propagation.B3;

namespace Tracing.Sdk.Tests.Propagation;

public sealed class ContextInjectorTests
{
    private static readonly OutboundContext Sampled = new(Some.TraceId, Some.SpanId, SamplingState.Accept, IsRandom: true, TraceState: "foo=1");

    [Fact]
    public void Inject_Sampled_WritesTheSameIntoBothFormats() => Assert.Equal(
        [
            ("traceparent", $"00-{Some.TraceId}-{Some.SpanId}-03"),
            ("tracestate", $"mesh=p:{Some.SpanId},foo=1"),
            ("X-B3-TraceId", Some.TraceId),
            ("X-B3-SpanId", Some.SpanId),
            ("X-B3-Sampled", "1"),
        ],
        Write(Sampled));

    [Fact]
    public void Inject_Denied_SaysSoInBothFormats() => Assert.Equal(
        [
            ("traceparent", $"00-{Some.TraceId}-{Some.SpanId}-02"),
            ("tracestate", $"mesh=p:{Some.SpanId},foo=1"),
            ("X-B3-TraceId", Some.TraceId),
            ("X-B3-SpanId", Some.SpanId),
            ("X-B3-Sampled", "0"),
        ],
        Write(Sampled with { State = SamplingState.Deny }));

    [Fact]
    public void Inject_Debug_IsInEveryFormat() => Assert.Equal(
        [
            ("traceparent", $"00-{Some.TraceId}-{Some.SpanId}-03"),
            ("tracestate", $"mesh=p:{Some.SpanId};s:d,foo=1"),
            ("X-B3-TraceId", Some.TraceId),
            ("X-B3-SpanId", Some.SpanId),
            ("X-B3-Sampled", "1"),
            ("X-B3-Flags", "1"),
        ],
        Write(Sampled with { State = SamplingState.Debug }));

    [Fact]
    public void Inject_SingleHeader_WritesNoMulti() => Assert.Equal(
        [("b3", $"{Some.TraceId}-{Some.SpanId}-1")],
        Write(Sampled, new PropagationSettings { W3C = false, B3 = B3Format.SingleHeader }));

    [Fact]
    public void Inject_NoFormat_WritesNothing() =>
        Assert.Empty(Write(Sampled, new PropagationSettings { W3C = false, B3 = B3Format.None }));

    [Fact]
    public void Inject_TraceIdOf64Bits_IsPaddedForW3CAndShortForB3()
    {
        var headers = Some.Inject(Sampled with { TraceId = "00000000000000008448eb211c80319c", IsRandom = false });

        Assert.Equal($"00-00000000000000008448eb211c80319c-{Some.SpanId}-01", headers["traceparent"]);
        Assert.Equal("8448eb211c80319c", headers["X-B3-TraceId"]);
    }

    // Header names and values as one list, so that a header too many is seen as well.
    private static (string, string)[] Write(OutboundContext context, PropagationSettings? settings = null) =>
        [.. Some.Inject(context, settings).Select(h => (h.Key, h.Value))];
}
