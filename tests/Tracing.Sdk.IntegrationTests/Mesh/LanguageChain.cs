using MeshDemo.Processes;

namespace Tracing.Sdk.IntegrationTests.Mesh;

/// <summary>
/// One way through the mesh of several languages: services that call each other in order, by HTTP or, where a kind of gRPC call follows the
/// name of the caller, by that. <c>otel:b3 ours stream otel:b3</c> is three services, one HTTP call and one gRPC call.
/// </summary>
/// <param name="Services">Their names, as <see cref="LanguageNode"/> has them.</param>
/// <param name="Calls">How each is called; the first by HTTP.</param>
/// <param name="Tracer">That of the proxies between them; null for none.</param>
/// <param name="FrontSampling">The random_sampling of the proxy in front of the first one; null for no such proxy.</param>
internal sealed record LanguageChain(IReadOnlyList<string> Services, IReadOnlyList<string> Calls, Tracer? Tracer, int? FrontSampling)
{
    public const string Http = "http";

    private static readonly string[] GrpcCalls = ["unary", "fail", "stream", "collect", "duplex"];

    /// <summary>Whether the last service calls the sink. The peer's duplex call calls nothing, and a call that fails does nowhere.</summary>
    public bool EndsInSink => Calls[^1] != "fail" && (Calls[^1] != "duplex" || LanguageNode.IsOneOfOurs(Services[^1]));

    /// <param name="text">Services and gRPC calls, with blanks between them.</param>
    /// <param name="proxies"><c>none</c>, or a tracer, and after it <c>front</c> or <c>front0</c> for a proxy at the entry as well.</param>
    public static LanguageChain Parse(string text, string proxies)
    {
        var (services, calls, call) = (new List<string>(), new List<string>(), Http);
        foreach (var word in text.Split(' '))
        {
            if (GrpcCalls.Contains(word))
            {
                call = word;
                continue;
            }

            services.Add(word);
            calls.Add(call);
            call = Http;
        }

        var parts = proxies.Split(' ');
        return new LanguageChain(
            services, calls,
            parts[0] == "none" ? null : Enum.Parse<Tracer>(parts[0]),
            parts.ElementAtOrDefault(1) switch { "front" => 100, "front0" => 0, _ => null });
    }

    /// <summary>The whole tree, as <see cref="LanguageOutline"/> writes it: every span of every hop, each the parent of the next.</summary>
    public string WholeTree() => string.Join(' ', Spans());

    private IEnumerable<string> Spans()
    {
        for (var i = 0; i < Services.Count; i++)
        {
            if (Tracer is not null && (i > 0 || FrontSampling is not null)) yield return "envoy CLIENT";
            if (Services[i] == "forward") continue;
            yield return Services[i] + " SERVER";
            if (i < Services.Count - 1 || EndsInSink) yield return Services[i] + " CLIENT";
        }
    }
}
