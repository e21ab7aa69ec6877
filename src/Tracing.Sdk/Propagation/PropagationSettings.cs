using Tracing.Sdk.Propagation.B3;
using Tracing.Sdk.Propagation.Baggage;
using Tracing.Sdk.Propagation.Mesh;
using Tracing.Sdk.Propagation.W3C;

namespace Tracing.Sdk.Propagation;

/// <summary>Which headers are read and written. Resolved once from the options; immutable.</summary>
internal sealed record PropagationSettings
{
    public static PropagationSettings Default { get; } = new();

    /// <summary>Ids and decision only, to look at headers that are somebody else's.</summary>
    public static PropagationSettings ContextOnly { get; } = new() { Baggage = false, RequestId = false, PassThrough = [] };

    /// <summary>Nothing is understood and everything goes on as it came.</summary>
    public static PropagationSettings ForwardOnly(IReadOnlyList<string> more) => new()
    {
        W3C = false,
        B3 = B3Format.None,
        Baggage = false,
        PassThrough =
        [
            TraceParent.HeaderName, TraceStateList.HeaderName, B3Headers.Single, B3Headers.TraceId, B3Headers.SpanId, B3Headers.ParentSpanId,
            B3Headers.Sampled, B3Headers.Flags, BaggageHeader.HeaderName, RequestIds.RequestId, RequestIds.ClientTraceId, .. more,
        ],
    };

    public bool W3C { get; init; } = true;

    /// <summary>Both forms are read whenever this is not <see cref="B3Format.None"/>; this one is written.</summary>
    public B3Format B3 { get; init; } = B3Format.MultiHeader;

    /// <summary>B3 was named before W3C: it decides where nothing else does.</summary>
    public bool B3First { get; init; }

    public bool Baggage { get; init; } = true;

    /// <summary>Whether Envoy's x-request-id is read; on anything but HTTP nobody writes one.</summary>
    public bool RequestId { get; init; } = true;

    /// <summary>Keys of the baggage that may leave; <c>*</c> at the end stands for any rest.</summary>
    public IReadOnlyList<string> BaggageKeys { get; init; } = ["*"];

    /// <summary>Names of further headers that go on unchanged.</summary>
    public IReadOnlyList<string> PassThrough { get; init; } = [RequestIds.ClientTraceId];

    /// <summary>Whether traces that start here carry the random flag of W3C level 2.</summary>
    public bool RandomFlag { get; init; } = true;

    /// <summary>Characters of tracestate kept and written.</summary>
    public int TraceStateLimit { get; init; } = TraceStateList.DefaultLimit;
}

/// <summary>The form in which B3 is written. Both forms are always read.</summary>
public enum B3Format
{
    /// <summary>B3 is neither read nor written.</summary>
    None = 0,

    /// <summary>One <c>b3</c> header. Envoy before 1.40 forwards it stale beside its own <c>X-B3-*</c>.</summary>
    SingleHeader,

    /// <summary>The <c>X-B3-*</c> headers, which every Envoy reads and refreshes.</summary>
    MultiHeader,
}
