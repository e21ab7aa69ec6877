using MeshDemo.Processes;

namespace Tracing.Sdk.IntegrationTests.Languages;

/// <summary>
/// The tables of <see cref="LanguageTests"/>. In most rows the tree is whole; where it is not, the row has the tree that is possible and the reason.
/// docs/other-languages.md says the same for users.
/// </summary>
internal static class LanguageRequests
{
    private const string W3C = "otel:tracecontext", W3CAndBaggage = "otel:tracecontext,baggage", B3Multi = "otel:b3multi", B3Single = "otel:b3";

    /// <summary>Whichever finds a context last wins: these read both formats and prefer B3, or W3C.</summary>
    private const string B3Last = "otel:tracecontext,b3multi", W3CLast = "otel:b3multi,tracecontext";

    private static readonly string[] Peers =
    [
        W3C, W3CAndBaggage, B3Multi, B3Single, B3Last, W3CLast, "otel:tracecontext,b3", "otel:b3,tracecontext",
        "otel:tracecontext,baggage,b3,b3multi", "otel:b3multi,b3,baggage,tracecontext",
        "zipkin:multi", "zipkin:multi+shared", "zipkin:single", "zipkin:single+shared", "forward",
    ];

    private static readonly string[] GrpcPeers = [W3C, B3Single, B3Last];

    public static IEnumerable<LanguageRequest> All =>
        [.. Straight, .. Proxied, .. Mixed, .. NotWhole, .. RightFormats, .. Grpc, .. Unsampled, .. Debug, .. NoDebug, .. Baggage];

    /// <summary>No proxies. The trace is begun by the other service, by ours, and by the client.</summary>
    public static IEnumerable<LanguageRequest> Straight => Peers.SelectMany(peer => (LanguageRequest[])
    [
        new($"{peer} ours {peer} ours", "none"),
        new($"ours {peer} ours {peer}", "none"),
        new($"{peer} ours {peer} ours", "none", "both"),
    ]);

    /// <summary>Proxies that speak what the other service prefers. The trace is begun by the proxy in front, the other service, ours, and the client.</summary>
    public static IEnumerable<LanguageRequest> Proxied =>
        from tracer in Enum.GetValues<Tracer>()
        from peer in Peers
        where IsWhole(tracer, peer)
        from request in (LanguageRequest[])
        [
            new($"{peer} ours {peer} ours", $"{tracer} front"),
            new($"{peer} ours {peer} ours", $"{tracer}"),
            new($"ours {peer} ours {peer}", $"{tracer}"),
            new($"{peer} ours {peer} ours", $"{tracer} front", "both"),
        ]
        select request;

    /// <summary>Several languages in one request, and ids of 64 bits.</summary>
    public static IEnumerable<LanguageRequest> Mixed =>
    [
        new($"{W3C} ours zipkin:single ours {B3Last} forward ours", "none"),
        new($"zipkin:multi+shared ours {W3CAndBaggage} ours forward ours", "ZipkinW3C front", "both"),
        new($"forward ours zipkin:multi+shared zipkin:single+shared ours {B3Single} ours", "Zipkin front", "b3multi"),
        new($"{W3C} ours unary {W3CLast} ours stream {W3C} ours", "OpenTelemetry front", "w3c"),
        .. from peer in (string[])[B3Multi, B3Single, "zipkin:multi+shared", "zipkin:single", "forward"]
           from proxies in (string[])["none", "Zipkin front", "ZipkinW3C front"]
           select new LanguageRequest($"{peer} ours {peer} ours", proxies, "short"),
    ];

    /// <summary>What cannot be whole, because no service can make another one read a header that it does not know. The services are one tree also there.</summary>
    public static IEnumerable<LanguageRequest> NotWhole =>
    [
        // The other service reads traceparent only, which these proxies pass on as they got it: the span of the proxy to it has no children.
        // The proxy on the way back finds no B3 and begins a trace of its own.
        new($"ours {W3C} ours", "Zipkin", Tree: $"ours SERVER ours CLIENT (envoy CLIENT) {W3C} SERVER {W3C} CLIENT ours SERVER ours CLIENT"),
        // The same at the entry: the other service cannot read the trace that the proxy has begun.
        new($"{W3C} ours", "Zipkin front", Tree: $"{W3C} SERVER {W3C} CLIENT ours SERVER ours CLIENT"),
        // The same the other way round.
        new($"ours {B3Single} ours", "OpenTelemetry", Tree: $"ours SERVER ours CLIENT (envoy CLIENT) {B3Single} SERVER {B3Single} CLIENT ours SERVER ours CLIENT"),
        new("ours zipkin:multi ours", "OpenTelemetry", Tree: "ours SERVER ours CLIENT (envoy CLIENT) zipkin:multi SERVER zipkin:multi CLIENT ours SERVER ours CLIENT"),
        // Where two spans share an id, a child of that id belongs to either.
        new("ours zipkin:multi+shared ours", "OpenTelemetry", Tree: "ours SERVER ours CLIENT zipkin:multi+shared SERVER (envoy CLIENT) zipkin:multi+shared CLIENT ours SERVER ours CLIENT"),
        // Both formats reach the other service, and its order, not their age, decides: it prefers the one that the proxy has not refreshed.
        new($"ours {W3CLast} ours", "Zipkin", Tree: $"ours SERVER ours CLIENT (envoy CLIENT) {W3CLast} SERVER {W3CLast} CLIENT envoy CLIENT ours SERVER ours CLIENT"),
        new($"ours {B3Last} ours", "OpenTelemetry", Tree: $"ours SERVER ours CLIENT (envoy CLIENT) {B3Last} SERVER {B3Last} CLIENT envoy CLIENT ours SERVER ours CLIENT"),
        // The client's context is in a format that the first service does not read.
        new($"{W3C} ours", "none", "b3multi", Tree: $"{W3C} SERVER {W3C} CLIENT ours SERVER ours CLIENT"),
        new("zipkin:multi ours", "none", "w3c", Tree: "zipkin:multi SERVER zipkin:multi CLIENT ours SERVER ours CLIENT"),
        // Told to speak one format only, ours is no better: neither reads the other's context.
        new($"ours:b3 {W3C}", "none", "both", Tree: $"client ours:b3 SERVER ours:b3 CLIENT || {W3C} SERVER {W3C} CLIENT"),
        new("ours:tracecontext zipkin:multi", "none", "both", Tree: "client ours:tracecontext SERVER ours:tracecontext CLIENT || zipkin:multi SERVER zipkin:multi CLIENT"),
    ];

    /// <summary>
    /// With the one format that all of the proxies speak, a service that prefers the other one gets nothing stale from ours; with the single
    /// header beside W3C, one that reads no other form of B3 is in the tree.
    /// </summary>
    public static IEnumerable<LanguageRequest> RightFormats =>
    [
        new($"{W3CLast} ours:b3 {W3CLast}", "Zipkin"),
        new($"{B3Last} ours:tracecontext {B3Last}", "OpenTelemetry"),
        new("zipkin:single ours:b3 zipkin:single ours:b3", "Zipkin front"),
        new("zipkin:multi+shared ours:b3 zipkin:multi+shared ours:b3", "ZipkinW3C front", "b3"),
        new($"{B3Single} ours:b3 {B3Single} ours:b3", "none", "b3"),
        new($"{B3Single} ours:tracecontext,b3 {W3C} ours:tracecontext,b3 zipkin:single", "none"),
        new($"{B3Single} ours:tracecontext,b3 {B3Single} ours:tracecontext,b3", "ZipkinW3C front", "both"),
        new($"{W3C} ours:tracecontext {W3C} ours:tracecontext", "OpenTelemetry front", "w3c"),
    ];

    /// <summary>Only OpenTelemetry's services trace gRPC. A call that fails calls nothing, and neither does the other's duplex call.</summary>
    public static IEnumerable<LanguageRequest> Grpc
    {
        get
        {
            foreach (var peer in GrpcPeers)
            {
                foreach (var proxies in (string[])["none", .. Enum.GetValues<Tracer>().Where(tracer => IsWhole(tracer, peer)).Select(tracer => $"{tracer} front")])
                {
                    foreach (var kind in (string[])["unary", "stream", "duplex"])
                    {
                        yield return new($"{peer} {kind} ours {peer}", proxies);
                        yield return kind == "duplex" ? new($"ours {kind} {peer}", proxies, "both") : new($"ours {kind} {peer} ours", proxies);
                    }

                    yield return new($"{peer} fail ours", proxies, "both");
                    yield return new($"ours fail {peer}", proxies, "both");
                }
            }

            // The other service has no such method.
            yield return new("ours collect ours", "none");
            foreach (var request in GrpcOfOurs) yield return request;
        }
    }

    /// <summary>From ours to ours, through a proxy with each of its tracers.</summary>
    public static IEnumerable<LanguageRequest> GrpcOfOurs =>
        from proxies in Enum.GetNames<Tracer>()
        from kind in (string[])["unary", "stream", "collect", "duplex", "fail", "broken"]
        select new LanguageRequest($"ours {kind} ours", proxies, "both");

    /// <summary>Not sampled, by the client, the proxy in front, the other service, or ours.</summary>
    public static IEnumerable<LanguageRequest> Unsampled =>
    [
        .. from peer in Peers select new LanguageRequest($"{peer} ours {peer} ours", "none", "both0", Tree: ""),
        .. from tracer in Enum.GetValues<Tracer>()
           from peer in Peers
           where IsWhole(tracer, peer) && peer is W3C or B3Single or B3Last or W3CLast or "zipkin:multi+shared" or "zipkin:single" or "forward"
           from request in (LanguageRequest[])[new($"{peer} ours {peer} ours", $"{tracer} front", "both0", Tree: ""), new($"{peer} ours {peer} ours", $"{tracer} front0", Tree: "")]
           select request,
        .. from beginning in (string[])["ours+never", $"{B3Last}+never", "zipkin:multi+never"]
           from peer in (string[])[B3Multi, B3Last, "zipkin:multi+shared"]
           from proxies in (string[])["none", "Zipkin", "ZipkinW3C"]
           select new LanguageRequest($"{beginning} ours {peer} ours", proxies, Tree: ""),
        .. from beginning in (string[])["ours+never", $"{W3C}+never"]
           from peer in (string[])[W3C, W3CLast, "forward"]
           from proxies in (string[])["none", "ZipkinW3C", "OpenTelemetry"]
           select new LanguageRequest($"{beginning} ours {peer} ours", proxies, Tree: ""),
        .. from kind in (string[])["unary", "stream"]
           from peer in GrpcPeers
           select new LanguageRequest($"{peer} {kind} ours {kind} {peer} ours", "none", "both0", Tree: ""),
    ];

    /// <summary>B3's debug flag goes through whatever speaks B3, and through what keeps tracestate, where ours writes it as well.</summary>
    public static IEnumerable<LanguageRequest> Debug =>
    [
        .. from peer in Peers select new LanguageRequest($"ours {peer} ours", "none", "debug"),
        .. from tracer in (Tracer[])[Tracer.Zipkin, Tracer.ZipkinW3C]
           from peer in (string[])[B3Multi, B3Last, "zipkin:multi", "zipkin:multi+shared", "forward"]
           select new LanguageRequest($"ours {peer} ours", $"{tracer} front", "debug"),
        .. from peer in (string[])[W3C, W3CLast, "forward"] select new LanguageRequest($"ours {peer} ours", "OpenTelemetry front", "debug"),
        .. from peer in GrpcPeers select new LanguageRequest($"ours unary {peer} ours", "none", "debug"),
        // Both forms of B3: Envoy refreshes the single header, where debug becomes "sampled", and passes the others on.
        new("otel:tracecontext,baggage,b3,b3multi ours", "Zipkin", "debug"),
        // Most libraries write the debug flag alone. Envoy does not know it and writes its own "not sampled", so that its span is not there to be a parent.
        .. from proxy in (string[])["Zipkin0", "ZipkinW3C0"]
           from peer in (string[])[B3Multi, "zipkin:multi", "zipkin:multi+shared"]
           select new LanguageRequest($"{peer} ours", $"none/{proxy}", "debug", Tree: $"client {peer} SERVER {peer} CLIENT ours SERVER ours CLIENT"),
        new($"{B3Last} ours", "none/Zipkin0", "debug", Tree: $"client {B3Last} SERVER {B3Last} CLIENT ours SERVER ours CLIENT"),
        // The traceparent beside it says that the trace is sampled.
        new($"{B3Last} ours", "none/ZipkinW3C0", "debug"),
    ];

    /// <summary>Envoy writes "sampled" where b3 says debug, and knows no flag of its own for it: the second proxy loses it.</summary>
    public static IEnumerable<LanguageRequest> NoDebug =>
    [
        .. from tracer in (Tracer[])[Tracer.Zipkin, Tracer.ZipkinW3C]
           from peer in (string[])[B3Single, "zipkin:single"]
           select new LanguageRequest($"ours {peer} ours", $"{tracer} front", "debug"),
    ];

    /// <summary>Only what names baggage among its propagators passes it on, and what copies headers.</summary>
    public static IEnumerable<LanguageRequest> Baggage => from peer in Peers select new LanguageRequest($"ours {peer} ours", "none", "both");

    // A proxy's span is in the tree where the service behind it continues the format that the proxy has refreshed.
    private static bool IsWhole(Tracer tracer, string peer)
    {
        if (peer == "forward" || tracer == Tracer.ZipkinW3C) return true;
        var last = peer.StartsWith("zipkin", StringComparison.Ordinal) ? "b3" : peer.Split(':')[1].Split(',').Last(name => name != "baggage");
        return tracer == Tracer.Zipkin == last.StartsWith("b3", StringComparison.Ordinal);
    }
}
