using Tracing.Sdk.Propagation.B3;
using Tracing.Sdk.Propagation.W3C;

namespace Tracing.Sdk.Propagation;

/// <summary>One context out, in every configured format, with the same ids and the same decision in each.</summary>
internal static class ContextInjector
{
    public static void Inject<TWriter>(in OutboundContext context, ref TWriter headers, PropagationSettings settings)
        where TWriter : struct, IHeaderWriter
    {
        var (traceId, spanId, state) = (context.TraceId, context.SpanId, context.State);
        if (settings.W3C)
        {
            var sampled = state is SamplingState.Accept or SamplingState.Debug;
            headers.Set(TraceParent.HeaderName, TraceParent.Format(traceId, spanId, sampled, context.IsRandom));
            headers.Set(
                TraceStateList.HeaderName,
                TraceStateList.WithMeshMember(context.TraceState, spanId, state == SamplingState.Debug, settings.TraceStateLimit));
        }

        if (settings.B3 == B3Format.MultiHeader) InjectMulti(traceId, spanId, state, ref headers);
        else if (settings.B3 == B3Format.SingleHeader) headers.Set(B3Headers.Single, B3Headers.FormatSingle(traceId, spanId, state));
    }

    public static void InjectMulti<TWriter>(string traceId, string spanId, SamplingState state, ref TWriter headers)
        where TWriter : struct, IHeaderWriter
    {
        headers.Set(B3Headers.TraceId, B3Headers.ShortestTraceId(traceId));
        headers.Set(B3Headers.SpanId, spanId);
        // Envoy does not know X-B3-Flags, so a debug trace says "sampled" as well; and "not sampled" is always said, or the next hop decides afresh.
        if (state != SamplingState.Defer) headers.Set(B3Headers.Sampled, state == SamplingState.Deny ? "0" : "1");
        if (state == SamplingState.Debug) headers.Set(B3Headers.Flags, "1");
    }
}
