namespace MeshDemo.Traces;

/// <summary>A span as the collector keeps it, whichever format it came in.</summary>
internal sealed record Span
{
    /// <summary>32 lower-case hex digits; a 64-bit id is padded with zeros.</summary>
    public required string TraceId { get; init; }

    /// <summary>16 lower-case hex digits.</summary>
    public required string SpanId { get; init; }

    /// <summary>Null for a root.</summary>
    public string? ParentId { get; init; }

    public required string Service { get; init; }

    public required string Name { get; init; }

    /// <summary>SERVER, CLIENT, PRODUCER, CONSUMER or INTERNAL.</summary>
    public required string Kind { get; init; }

    /// <summary>Microseconds since 1970.</summary>
    public long Start { get; init; }

    /// <summary>Microseconds.</summary>
    public long Duration { get; init; }

    public bool IsError { get; init; }

    public IReadOnlyDictionary<string, string> Tags { get; init; } = new Dictionary<string, string>();

    public IReadOnlyList<SpanEvent> Events { get; init; } = [];

    /// <summary>The HTTP status code, under its present name or Envoy's; null when there is none.</summary>
    public string? HttpStatus => Tags.GetValueOrDefault("http.response.status_code") ?? Tags.GetValueOrDefault("http.status_code");

    /// <summary>A query, by the database conventions.</summary>
    public bool IsQuery => Tags.ContainsKey("db.system.name");
}

/// <summary>Something that happened during a span: a Zipkin annotation or an OTLP event.</summary>
/// <param name="Time">Microseconds since 1970.</param>
/// <param name="Name">What happened.</param>
internal sealed record SpanEvent(long Time, string Name);
