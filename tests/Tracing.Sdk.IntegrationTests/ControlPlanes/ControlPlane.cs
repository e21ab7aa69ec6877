using System.Text.Json.Nodes;

namespace Tracing.Sdk.IntegrationTests.ControlPlanes;

/// <summary>The formats that a proxy's tracer reads and writes.</summary>
[Flags]
internal enum TracerFormats
{
    /// <summary>It has no tracer.</summary>
    None = 0,
    W3C = 1,
    B3 = 2,
}

/// <summary>A proxy as a control plane configures it: the fields of its HttpConnectionManager, and what follows from them.</summary>
/// <param name="Position"><c>gateway</c>, <c>inbound</c> or <c>outbound</c>.</param>
/// <param name="Direction">Its listener's traffic_direction.</param>
/// <param name="Manager">The fields as written.</param>
internal sealed record ControlPlaneProxy(string Position, string Direction, JsonObject Manager)
{
    private JsonNode? Tracing => Manager["tracing"];

    private JsonNode? Tracer => Tracing?["provider"]?["typed_config"];

    /// <summary>Whether it decides and says so in x-request-id, with or without a tracer.</summary>
    public bool Decides => Tracing is not null;

    public TracerFormats Formats => Tracer is not { } tracer ? TracerFormats.None
        : tracer["@type"]!.GetValue<string>().EndsWith("OpenTelemetryConfig", StringComparison.Ordinal) ? TracerFormats.W3C
        : tracer["trace_context_option"] is null ? TracerFormats.B3
        : TracerFormats.B3 | TracerFormats.W3C;

    /// <summary>The kinds of the spans that it makes of a request.</summary>
    public string[] Kinds => Formats == TracerFormats.None ? []
        : Tracing?["spawn_upstream_span"]?.GetValue<bool>() == true ? ["SERVER", "CLIENT"]
        : [Direction == "OUTBOUND" ? "CLIENT" : "SERVER"];

    public bool Propagates => Tracing?["no_context_propagation"]?.GetValue<bool>() != true;

    /// <summary>Whether the request id of the caller gets the decision of this mesh.</summary>
    public bool IsEdge => Manager["use_remote_address"]?.GetValue<bool>() == true;

    public bool ReplacesRequestId => IsEdge && Manager["preserve_external_request_id"]?.GetValue<bool>() != true;

    public bool DecidesByRequestId =>
        Manager["request_id_extension"]?["typed_config"]?["use_request_id_for_trace_sampling"]?.GetValue<bool>() != false;

    public double Percentage => Math.Min(Value("random_sampling"), Value("overall_sampling"));

    /// <summary>Whether a sampler decides that counts callers and minutes.</summary>
    public bool HasAdaptiveSampler => Tracer?["sampler"] is not null;

    public bool SharesSpanIds => Tracer?["shared_span_context"]?.GetValue<bool>() == true;

    // A percentage without a value is 0, one that is absent 100.
    private double Value(string name) => Tracing?[name] is { } percentage ? percentage["value"]?.GetValue<double>() ?? 0 : 100;
}

/// <summary>A mesh as one control plane configures it. What is not there is no proxy: the way goes straight on.</summary>
internal sealed record ControlPlane(string Name, ControlPlaneProxy? Gateway, ControlPlaneProxy? Inbound, ControlPlaneProxy? Outbound)
{
    public IEnumerable<ControlPlaneProxy> Proxies => new[] { Gateway, Inbound, Outbound }.OfType<ControlPlaneProxy>();

    public ControlPlane Change(string name, params Action<ControlPlaneProxy>[] changes)
    {
        return new(name, Changed(Gateway), Changed(Inbound), Changed(Outbound));

        ControlPlaneProxy? Changed(ControlPlaneProxy? proxy)
        {
            if (proxy is null) return null;
            var copy = proxy with { Manager = (JsonObject)proxy.Manager.DeepClone() };
            foreach (var change in changes) change(copy);
            return copy;
        }
    }
}
