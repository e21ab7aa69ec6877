using Tracing.Sdk.IntegrationTests.Wire;

namespace Tracing.Sdk.IntegrationTests.Languages;

/// <summary>One row of a table: a way through the mesh of several languages and what the client sends.</summary>
/// <param name="Chain">The services, see <see cref="LanguageChain"/>.</param>
/// <param name="Proxies">Those between them.</param>
/// <param name="Sent">
/// The client's context: <c>w3c</c>, <c>b3multi</c>, <c>b3</c> or <c>both</c>, sampled; with <c>0</c> behind it not sampled; <c>debug</c> for
/// both with the debug flag; <c>short</c> for B3 with an id of 64 bits. Empty where the first proxy or service begins the trace.
/// </param>
/// <param name="Tree">The tree that it makes; null for the whole one.</param>
internal sealed record LanguageRequest(string Chain, string Proxies, string Sent = "", string? Tree = null)
{
    public LanguageChain Way { get; } = LanguageChain.Parse(Chain, Proxies);

    public string Expected => Tree ?? (Sent.Length > 0 ? "client " : "") + Way.WholeTree();

    public int SpanCount => Expected.Split(' ', StringSplitOptions.RemoveEmptyEntries).Count(word => word.Trim('(', ')') is "SERVER" or "CLIENT");

    public IEnumerable<HeaderLine> Headers(string traceId)
    {
        var format = Sent.TrimEnd('0');
        var sampled = Sent.EndsWith('0') ? "0" : "1";
        if (format is "w3c" or "both" or "debug")
        {
            yield return new("traceparent", $"00-{traceId}-{LanguageMesh.ClientSpan}-0{sampled}");
            yield return new("baggage", "shop=7");
        }

        if (format is "b3multi" or "both" or "debug" or "short")
        {
            yield return new("X-B3-TraceId", format == "short" ? traceId[16..] : traceId);
            yield return new("X-B3-SpanId", LanguageMesh.ClientSpan);
            yield return new("X-B3-Sampled", sampled);
        }

        if (format == "debug") yield return new("X-B3-Flags", "1");
        if (format == "b3") yield return new("b3", $"{traceId}-{LanguageMesh.ClientSpan}-{sampled}");
    }

    public override string ToString() => $"{Chain} | {Proxies} | {(Sent.Length > 0 ? Sent : "no context")}";
}
