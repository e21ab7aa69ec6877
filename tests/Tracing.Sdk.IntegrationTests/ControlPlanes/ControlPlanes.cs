using System.Text.Json.Nodes;

namespace Tracing.Sdk.IntegrationTests.ControlPlanes;

/// <summary>
/// The configurations that Istio, Envoy Gateway and Contour write: those of vectors/control-planes.json as they are, and those that differ
/// from them in a setting of the Telemetry resource, of the provider or of the percentage.
/// </summary>
internal static class ControlPlanes
{
    private static readonly JsonObject Vectors =
        (JsonObject)JsonNode.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "vectors", "control-planes.json")))!;

    public static IReadOnlyList<ControlPlane> All { get; } = [.. Make()];

    private static IEnumerable<ControlPlane> Make()
    {
        var installed = Vector("istio, as installed");
        var zipkin = Vector("istio, zipkin provider, 100 %");
        var openTelemetry = Vector("istio, opentelemetry provider, 100 %");
        var gatewayZipkin = Vector("envoy gateway, zipkin");
        var gatewayOpenTelemetry = Vector("envoy gateway, opentelemetry");
        var contour = gatewayOpenTelemetry.Change("contour", proxy =>
        {
            proxy.Manager.Remove("common_http_protocol_options");
            proxy.Manager.Remove("path_with_escaped_slashes_action");
            proxy.Manager["preserve_external_request_id"] = true;
            proxy.Manager["http_protocol_options"] = new JsonObject { ["accept_http_10"] = true };
            proxy.Manager["tracing"]!["client_sampling"] = Percent(100);
        });

        yield return installed;
        yield return installed.Change("istio, no provider, 0 %", Sampling(0));
        yield return installed.Change("istio, no provider, 100 %", Sampling(100));
        yield return installed.Change("istio, disableSpanReporting", NoTracing);

        yield return Vector("istio, zipkin provider");
        foreach (var (name, provider) in new[] { ("zipkin", zipkin), ("opentelemetry", openTelemetry) })
        {
            yield return provider;
            yield return provider.Change($"istio, {name} provider, 0 %", Sampling(0));
            yield return provider.Change($"istio, {name} provider, match SERVER", OnlyAt("inbound"));
            yield return provider.Change($"istio, {name} provider, match CLIENT", OnlyAt("gateway", "outbound"));
            yield return provider.Change($"istio, {name} provider, match SERVER, 0 %", OnlyAt("inbound"), Sampling(0));
            yield return provider.Change($"istio, {name} provider, match CLIENT, 0 %", OnlyAt("gateway", "outbound"), Sampling(0));
            yield return provider.Change($"istio, {name} provider, disableContextPropagation", NoPropagation);
            yield return provider.Change($"istio, {name} provider, useRequestIdForTraceSampling: false", NoRequestId, Sampling(0));
            yield return provider with { Name = $"istio, {name} provider, a gateway without sidecars", Inbound = null, Outbound = null };
            yield return provider with { Name = $"istio, {name} provider, sidecars without a gateway", Gateway = null };
            yield return Waypoint(name, provider);
        }

        yield return zipkin.Change("istio, zipkin provider, B3 and W3C", BothFormats);
        yield return zipkin.Change("istio, zipkin provider, B3 and W3C, 0 %", BothFormats, Sampling(0));
        yield return zipkin.Change("istio, zipkin provider, B3 and W3C, disableContextPropagation", BothFormats, NoPropagation);
        yield return zipkin.Change("istio, zipkin provider, enable64bitTraceId", proxy => Tracer(proxy)["trace_id_128bit"] = false);
        yield return openTelemetry.Change("istio, opentelemetry provider, 1 %", Sampling(1));
        yield return openTelemetry.Change("istio, opentelemetry provider, dynatrace", DynatraceSampler);

        yield return gatewayZipkin;
        yield return gatewayZipkin.Change("envoy gateway, zipkin, 0 %", Sampling(0));
        yield return gatewayOpenTelemetry;
        yield return gatewayOpenTelemetry.Change("envoy gateway, opentelemetry, 0 %", Sampling(0));
        yield return contour;
        yield return contour.Change("contour, 0 %", proxy => proxy.Manager["tracing"]!["overall_sampling"] = Percent(0));

        yield return Before("envoy gateway, zipkin, and istio's sidecars", gatewayZipkin, zipkin);
        yield return Before("envoy gateway, opentelemetry, and istio's sidecars", gatewayOpenTelemetry, openTelemetry);
        yield return Before("contour and istio's sidecars, as installed", contour, installed);
    }

    private static ControlPlane Vector(string name)
    {
        var positions = (JsonObject)Vectors[name]!;
        var isIstio = name.StartsWith("istio", StringComparison.Ordinal);
        return new(name, Proxy("gateway", isIstio ? "OUTBOUND" : "UNSPECIFIED"), Proxy("inbound", "INBOUND"), Proxy("outbound", "OUTBOUND"));

        ControlPlaneProxy? Proxy(string position, string direction) =>
            positions[position] is JsonObject manager ? new(position, direction, (JsonObject)manager.DeepClone()) : null;
    }

    // In ambient mode one proxy stands before a service, and it is like a gateway that keeps the request id.
    private static ControlPlane Waypoint(string name, ControlPlane provider)
    {
        var waypoint = provider.Change("", proxy => proxy.Manager["tracing"]!["spawn_upstream_span"] = true).Outbound;
        return provider with { Name = $"istio, {name} provider, waypoints", Inbound = null, Outbound = waypoint };
    }

    private static ControlPlane Before(string name, ControlPlane gateway, ControlPlane sidecars) => sidecars with { Name = name, Gateway = gateway.Gateway };

    private static Action<ControlPlaneProxy> Sampling(double percentage) => proxy =>
    {
        if (proxy.Decides) proxy.Manager["tracing"]!["random_sampling"] = Percent(percentage);
    };

    private static Action<ControlPlaneProxy> OnlyAt(params string[] positions) => proxy =>
    {
        if (!positions.Contains(proxy.Position)) NoTracing(proxy);
    };

    private static void NoTracing(ControlPlaneProxy proxy) => proxy.Manager.Remove("tracing");

    private static void NoPropagation(ControlPlaneProxy proxy) => proxy.Manager["tracing"]!["no_context_propagation"] = true;

    private static void NoRequestId(ControlPlaneProxy proxy) =>
        proxy.Manager["request_id_extension"]!["typed_config"]!["use_request_id_for_trace_sampling"] = false;

    private static void BothFormats(ControlPlaneProxy proxy) => Tracer(proxy)["trace_context_option"] = "USE_B3_WITH_W3C_PROPAGATION";

    private static void DynatraceSampler(ControlPlaneProxy proxy) => Tracer(proxy)["sampler"] = JsonNode.Parse(
        """
        {
          "name": "envoy.tracers.opentelemetry.samplers.dynatrace",
          "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.tracers.opentelemetry.samplers.v3.DynatraceSamplerConfig",
            "tenant": "abc12345", "cluster_id": 27, "root_spans_per_minute": 1000
          }
        }
        """);

    private static JsonNode Tracer(ControlPlaneProxy proxy) => proxy.Manager["tracing"]!["provider"]!["typed_config"]!;

    private static JsonObject Percent(double value) => new() { ["value"] = value };
}
