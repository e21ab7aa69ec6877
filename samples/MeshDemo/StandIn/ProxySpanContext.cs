using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace MeshDemo.StandIn;

// The headers that Envoy's Zipkin tracer reads and writes (Envoy 1.40):
//   b3: {trace}-{span}[-{0|1|d}[-{parent}]] | {0|1|d}        else  X-B3-TraceId, -SpanId, -Sampled
//   else traceparent: 00-{trace}-{span}-{flags}              (only with trace_context_option: USE_B3_WITH_W3C_PROPAGATION)
// Other headers pass through unchanged, stale or not.
internal sealed record ProxySpanContext(string TraceId, string SpanId, string? ParentId, bool Sampled, bool IsSingle)
{
    private static readonly SearchValues<char> Hex = SearchValues.Create("0123456789abcdefABCDEF");

    /// <summary>The caller's span. SpanId is empty when there is none; a new trace begins then.</summary>
    /// <returns>False when the headers are malformed: Envoy then makes no span and forwards them as they are.</returns>
    public static bool TryExtract(IHeaderDictionary headers, bool readW3C, [NotNullWhen(true)] out ProxySpanContext? context)
    {
        if (headers.TryGetValue("b3", out var single))
            return TryParseSingle(single[0] ?? "", out context);

        var sampled = headers.TryGetValue("X-B3-Sampled", out var header) ? header[0] is "1" or "true" : (bool?)null;
        if (headers.TryGetValue("X-B3-TraceId", out var traceId) && headers.TryGetValue("X-B3-SpanId", out var spanId))
        {
            context = new ProxySpanContext(PadTo32(traceId[0]), spanId[0]?.PadLeft(16, '0') ?? "", null, sampled ?? true, IsSingle: false);
            return IsHex(context.TraceId, 32) && IsHex(context.SpanId, 16);
        }

        var w3c = readW3C && headers.TryGetValue("traceparent", out var traceparent) ? traceparent[0] ?? "" : "";
        context = w3c.Length == 55 && IsHex(w3c[3..35], 32) && IsHex(w3c[36..52], 16)
            ? new ProxySpanContext(w3c[3..35], w3c[36..52], null, sampled ?? w3c[54] is '1' or '3', IsSingle: false)
            : Root(sampled ?? true, isSingle: false);
        return true;
    }

    /// <summary>A span below this one.</summary>
    public ProxySpanContext NewChild() => this with { SpanId = NewId(8), ParentId = SpanId.Length > 0 ? SpanId : null };

    public void Inject(HttpRequestMessage request, bool writeW3C)
    {
        var flag = Sampled ? "1" : "0";
        // Envoy keeps ids of 64 bits as short as they came.
        var traceId = TraceId.StartsWith("0000000000000000", StringComparison.Ordinal) ? TraceId[16..] : TraceId;
        if (IsSingle)
        {
            // Stale X-B3-* beside it stay, as with Envoy.
            Set("b3", $"{traceId}-{SpanId}-{flag}{(ParentId is null ? "" : "-" + ParentId)}");
        }
        else
        {
            Set("x-b3-traceid", traceId);
            Set("x-b3-spanid", SpanId);
            Set("x-b3-sampled", flag);
            if (ParentId is not null)
                Set("x-b3-parentspanid", ParentId);
        }

        if (writeW3C)
            Set("traceparent", $"00-{TraceId}-{SpanId}-0{flag}");

        void Set(string name, string value)
        {
            request.Headers.Remove(name);
            request.Headers.TryAddWithoutValidation(name, value);
        }
    }

    private static bool TryParseSingle(string value, [NotNullWhen(true)] out ProxySpanContext? context)
    {
        context = null;
        if (value is "0" or "1" or "d")
        {
            context = Root(value != "0", isSingle: true);
            return true;
        }

        if (value.Split('-') is not [var traceId, var spanId, .. var rest] || rest.Length > 2 || !IsHex(spanId, 16)
            || traceId.Length is not (16 or 32) || !IsHex(traceId, traceId.Length) || rest is [not ("0" or "1" or "d"), ..])
        {
            return false;
        }

        context = new ProxySpanContext(PadTo32(traceId), spanId, null, rest is not ["0", ..], IsSingle: true);
        return true;
    }

    private static ProxySpanContext Root(bool sampled, bool isSingle) => new(NewId(16), "", null, sampled, isSingle);

    private static string PadTo32(string? id) => (id ?? "").PadLeft(32, '0').ToLowerInvariant();

    private static bool IsHex(string text, int length) => text.Length == length && !text.AsSpan().ContainsAnyExcept(Hex);

    private static string NewId(int bytes) => Convert.ToHexStringLower(System.Security.Cryptography.RandomNumberGenerator.GetBytes(bytes));
}
