using Tracing.Sdk.IntegrationTests.Mesh;
using Tracing.Sdk.IntegrationTests.Wire;

namespace Tracing.Sdk.IntegrationTests.ControlPlanes;

/// <summary>What a format says of a trace.</summary>
internal enum Said
{
    /// <summary>The ids alone.</summary>
    Undecided,
    No,
    Yes,
}

/// <summary>A caller of a mesh that a control plane has configured.</summary>
/// <param name="Name">For messages.</param>
/// <param name="W3C">What its traceparent says; null without one.</param>
/// <param name="B3">What its B3 says; null without any.</param>
/// <param name="IsDebug">Whether its B3 or its marker says debug.</param>
/// <param name="IsSingle">Whether its B3 is the single header, in which Envoy writes a 1 for a d.</param>
/// <param name="Headers">Its headers with a trace id.</param>
internal sealed record ControlPlaneCaller(string Name, Said? W3C, Said? B3, bool IsDebug, bool IsSingle, Func<string, HeaderLine[]> Headers)
{
    private const string Span = CallerHeaders.SpanId;

    public static IReadOnlyList<ControlPlaneCaller> All { get; } =
    [
        Of(Sent.Nothing, null, null),
        Of(Sent.W3CSampled, Said.Yes, null),
        Of(Sent.W3CUnsampled, Said.No, null),
        Of(Sent.W3CForeignTraceState, Said.Yes, null),
        Of(Sent.B3Multi, null, Said.Yes),
        Of(Sent.B3Single, null, Said.Yes) with { IsSingle = true },
        Of(Sent.B3Short, null, Said.Yes),
        Of(Sent.B3Unsampled, null, Said.No),
        Of(Sent.B3Debug, null, Said.Yes) with { IsDebug = true },
        Of(Sent.B3Deferred, null, Said.Undecided),
        Of(Sent.BothAsWeSendThem, Said.Yes, Said.Yes),
        Of(Sent.BothAsOpenTelemetrySendsThem, Said.Yes, Said.Yes),
        Of(Sent.BothUnsampled, Said.No, Said.No),
        // As the B3 specification has it: debug implies sampled, which is not sent beside it.
        new("B3DebugAlone", null, Said.Undecided, IsDebug: true, IsSingle: false, id => [.. Sent.B3Deferred.Headers(id), new("X-B3-Flags", "1")]),
        new("B3SingleDebug", null, Said.Yes, IsDebug: true, IsSingle: true, id => [new("b3", $"{id}-{Span}-d")]),
        new("B3SingleDeferred", null, Said.Undecided, IsDebug: false, IsSingle: true, id => [new("b3", $"{id}-{Span}")]),
        new("B3SingleUnsampled", null, Said.No, IsDebug: false, IsSingle: true, id => [new("b3", $"{id}-{Span}-0")]),
        new("BothDebug", Said.Yes, Said.Yes, IsDebug: true, IsSingle: false, id =>
            [new("traceparent", $"00-{id}-{Span}-03"), new("tracestate", $"mesh=p:{Span};s:d"), .. Sent.B3Debug.Headers(id)]),
        new("DynatraceUnsampled", Said.No, null, IsDebug: false, IsSingle: false, id =>
            [new("traceparent", $"00-{id}-{Span}-00"), new("tracestate", "ab-1234@dt=fw4;4;3a;a1;5;0;0;27;1234")]),
    ];

    /// <summary>Whether it has a trace that can be continued.</summary>
    public bool HasTrace => W3C is not null || B3 is not null;

    /// <summary>The tracestate that it sends, unless that is ours; null without one.</summary>
    public string? ForeignTraceState(string traceId) => Headers(traceId).Where(header => header.Name == "tracestate" && !header.Value.StartsWith("mesh", StringComparison.Ordinal))
        .Select(header => header.Value).SingleOrDefault();

    private static ControlPlaneCaller Of(Sent sent, Said? w3c, Said? b3) => new(sent.ToString(), w3c, b3, IsDebug: false, IsSingle: false, id => sent.Headers(id));
}
