namespace Tracing.Sdk.IntegrationTests.Languages;

/// <summary>One way through the mesh of several languages: services that call each other in order.</summary>
internal sealed record LanguageChain(IReadOnlyList<LanguageHop> Hops)
{
    private static readonly string[] GrpcCalls = ["unary", "fail", "broken", "stream", "collect", "duplex"];

    /// <summary>Whether the last service calls the sink. The peer's duplex call calls nothing, and a call that fails does nowhere.</summary>
    public bool EndsInSink => Hops[^1].Call is not ("fail" or "broken") && (Hops[^1].Call != "duplex" || LanguageNode.IsOneOfOurs(Hops[^1].Service));

    /// <param name="text">
    /// The services, as <see cref="LanguageNode"/> names them, with blanks between them. They are called by HTTP, but where a kind of gRPC call stands
    /// between two: <c>otel:b3 ours stream otel:b3</c>.
    /// </param>
    /// <param name="proxies">
    /// <c>none</c>, or a proxy of <see cref="LanguageProxies"/> that stands between any two; <c>front</c> behind it for one in front of the first service
    /// too, <c>front0</c> for one there that samples nothing. Or the proxy before each service, first to last: <c>Zipkin/none/OpenTelemetry</c>.
    /// </param>
    public static LanguageChain Parse(string text, string proxies)
    {
        var (services, calls, call) = (new List<string>(), new List<string>(), LanguageHop.Http);
        foreach (var word in text.Split(' '))
        {
            if (GrpcCalls.Contains(word))
            {
                call = word;
                continue;
            }

            services.Add(word);
            calls.Add(call);
            call = LanguageHop.Http;
        }

        var between = proxies.Split(' ')[0];
        var front = proxies.Split(' ').ElementAtOrDefault(1) switch { "front" => between, "front0" => between + "0", _ => "none" };
        var before = proxies.Contains('/') ? proxies.Split('/') : [front, .. Enumerable.Repeat(between, services.Count - 1)];
        return new LanguageChain([.. services.Select((service, i) => new LanguageHop(service, calls[i], before[i] == "none" ? null : before[i]))]);
    }

    /// <summary>The whole tree, as <see cref="LanguageOutline"/> writes it: every span of every hop, each the parent of the next.</summary>
    public string WholeTree() => string.Join(' ', Spans());

    private IEnumerable<string> Spans()
    {
        foreach (var hop in Hops)
        {
            if (hop.Proxy is not null) yield return "envoy CLIENT";
            if (hop.Service == "forward") continue;
            yield return hop.Service + " SERVER";
            if (hop != Hops[^1] || EndsInSink) yield return hop.Service + " CLIENT";
        }
    }
}

/// <summary>One service of a chain.</summary>
/// <param name="Service">Its name.</param>
/// <param name="Call">How it is called: <see cref="Http"/> or a kind of gRPC call.</param>
/// <param name="Proxy">The proxy before it; null for none.</param>
internal sealed record LanguageHop(string Service, string Call, string? Proxy)
{
    public const string Http = "http";
}
