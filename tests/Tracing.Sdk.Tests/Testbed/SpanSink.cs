using System.Globalization;
using System.Net;
using System.Text.Json;

namespace Tracing.Sdk.Tests.Testbed;

/// <summary>A span as a collector reads it.</summary>
internal sealed record Span(
    string TraceId, string SpanId, string? ParentId, string Name, string Kind, string Scope, string? TraceState, int Flags,
    string Status, string? StatusMessage, IReadOnlyDictionary<string, object> Tags, IReadOnlyList<SpanPart> Events, IReadOnlyList<SpanPart> Links,
    ulong EndNano)
{
    public object? Tag(string key) => Tags.GetValueOrDefault(key);
}

/// <summary>An event, or a link (whose name is <c>{trace id}-{span id}</c>).</summary>
internal sealed record SpanPart(string Name, IReadOnlyDictionary<string, object> Tags);

/// <summary>Takes what exporters send, OTLP/JSON and Zipkin, and answers that all is well.</summary>
internal sealed class SpanSink : HttpMessageHandler
{
    private static readonly string[] Kinds = ["", "internal", "server", "client", "producer", "consumer"];

    private readonly Lock _gate = new();
    private readonly List<Span> _spans = [];
    private readonly List<JsonElement> _zipkinSpans = [];
    private readonly List<HttpRequestMessage> _requests = [];
    private Dictionary<string, object> _resource = [];

    /// <summary>What came by OTLP/JSON, in the order in which it ended: spans of several threads come in any.</summary>
    public IReadOnlyList<Span> Spans
    {
        get
        {
            lock (_gate) return [.. _spans.OrderBy(s => s.EndNano)];
        }
    }

    /// <summary>What came as Zipkin v2 JSON.</summary>
    public IReadOnlyList<JsonElement> ZipkinSpans
    {
        get
        {
            lock (_gate) return [.. _zipkinSpans];
        }
    }

    /// <summary>The attributes of the resource that sent the spans.</summary>
    public IReadOnlyDictionary<string, object> Resource
    {
        get
        {
            lock (_gate) return _resource;
        }
    }

    public IReadOnlyList<HttpRequestMessage> Requests
    {
        get
        {
            lock (_gate) return [.. _requests];
        }
    }

    protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken) => Take(request);

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => Task.FromResult(Take(request));

    private HttpResponseMessage Take(HttpRequestMessage request)
    {
        using var body = request.Content!.ReadAsStream();
        var json = JsonDocument.Parse(body).RootElement;
        lock (_gate)
        {
            _requests.Add(request);
            if (json.ValueKind == JsonValueKind.Array) _zipkinSpans.AddRange(json.EnumerateArray());
            else TakeOtlp(json);
        }

        return new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent("{}", System.Text.Encoding.UTF8, "application/json"), RequestMessage = request };
    }

    private void TakeOtlp(JsonElement json)
    {
        foreach (var resource in json.GetProperty("resourceSpans").EnumerateArray())
        {
            _resource = Attributes(resource.GetProperty("resource"));
            foreach (var scope in resource.GetProperty("scopeSpans").EnumerateArray())
            {
                var name = scope.TryGetProperty("scope", out var s) && s.TryGetProperty("name", out var n) ? n.GetString()! : "";
                foreach (var span in scope.GetProperty("spans").EnumerateArray()) _spans.Add(Read(span, name));
            }
        }
    }

    private static Span Read(JsonElement span, string scope)
    {
        var status = span.TryGetProperty("status", out var s) ? s : default;
        return new Span(
            span.GetProperty("traceId").GetString()!,
            span.GetProperty("spanId").GetString()!,
            Text(span, "parentSpanId"),
            Text(span, "name") ?? "",
            Kinds[span.GetProperty("kind").GetInt32()],
            scope,
            Text(span, "traceState"),
            span.GetProperty("flags").GetInt32(),
            status.ValueKind == JsonValueKind.Undefined ? "unset" : status.GetProperty("code").GetInt32() == 2 ? "error" : "ok",
            status.ValueKind == JsonValueKind.Undefined ? null : Text(status, "message"),
            Attributes(span),
            Parts(span, "events", e => e.GetProperty("name").GetString()!),
            Parts(span, "links", l => $"{l.GetProperty("traceId").GetString()}-{l.GetProperty("spanId").GetString()}"),
            ulong.Parse(span.GetProperty("endTimeUnixNano").GetString()!, CultureInfo.InvariantCulture));
    }

    private static string? Text(JsonElement element, string name) => element.TryGetProperty(name, out var value) ? value.GetString() : null;

    private static SpanPart[] Parts(JsonElement span, string name, Func<JsonElement, string> nameOf) =>
        span.TryGetProperty(name, out var parts) ? [.. parts.EnumerateArray().Select(p => new SpanPart(nameOf(p), Attributes(p)))] : [];

    private static Dictionary<string, object> Attributes(JsonElement owner) =>
        owner.TryGetProperty("attributes", out var attributes)
            ? attributes.EnumerateArray().ToDictionary(a => a.GetProperty("key").GetString()!, a => Value(a.GetProperty("value")))
            : [];

    // Listeners are the process's: spans of other tests come here too, some with values that are nothing at all.
    private static object Value(JsonElement value)
    {
        var member = value.EnumerateObject().SingleOrDefault();
        if (member.Value.ValueKind == JsonValueKind.Undefined) return "";
        return member.Name switch
        {
            "stringValue" => member.Value.GetString()!,
            "intValue" => long.Parse(member.Value.GetString()!, CultureInfo.InvariantCulture),
            "boolValue" => member.Value.GetBoolean(),
            _ => member.Value.ToString(),
        };
    }
}
