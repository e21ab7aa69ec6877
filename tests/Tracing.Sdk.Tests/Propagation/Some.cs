using System.Diagnostics;
using System.Globalization;
using Tracing.Sdk.Propagation;

namespace Tracing.Sdk.Tests.Propagation;

/// <summary>Ids that every test knows.</summary>
internal static class Some
{
    public const string TraceId = "0af7651916cd43dd8448eb211c80319c";
    public const string SpanId = "b7ad6b7169203331";
    public const string OtherTraceId = "80f198ee56343ba864fe8b2a57d3eff7";
    public const string OtherSpanId = "e457b5a2e4d86bd1";
    public const string TraceParent = $"00-{TraceId}-{SpanId}-01";

    public static PropagationSettings B3Only { get; } = new() { W3C = false };

    public static ActivityContext Context(ActivityTraceFlags flags = ActivityTraceFlags.Recorded, string? traceState = null) =>
        new(ActivityTraceId.CreateFromString(TraceId), ActivitySpanId.CreateFromString(SpanId), flags, traceState, isRemote: true);

    public static RemoteContext Extract(Carrier headers, PropagationSettings? settings = null) =>
        ContextExtractor.Extract(new CarrierReader(headers), settings ?? PropagationSettings.Default);

    public static Carrier Inject(OutboundContext context, PropagationSettings? settings = null)
    {
        var headers = new Carrier();
        var writer = new CarrierWriter(headers);
        ContextInjector.Inject(context, ref writer, settings ?? PropagationSettings.Default);
        return headers;
    }

    public static string Digits(ulong id) => id.ToString("x16", CultureInfo.InvariantCulture);

    public static string TraceIdOf(in TraceIds ids) => ids.ToActivityTraceId().ToHexString();

    public static string SpanIdOf(in TraceIds ids) => ids.ToActivitySpanId().ToHexString();

    /// <summary>A tracestate without what this process notes in it for itself.</summary>
    public static string? Unmarked(string? traceState)
    {
        if (traceState is null) return null;
        var members = traceState.Split(',').Select(m => !m.StartsWith("mesh=", StringComparison.Ordinal) ? m
            : "mesh=" + string.Join(';', m["mesh=".Length..].Split(';').Where(part => part is not ("s:d" or "s:u"))));
        var rest = string.Join(',', members.Where(m => m != "mesh="));
        return rest.Length == 0 ? null : rest;
    }
}
