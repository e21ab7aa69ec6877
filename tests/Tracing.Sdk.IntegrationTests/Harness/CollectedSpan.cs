namespace Tracing.Sdk.IntegrationTests.Harness;

/// <summary>The format a span arrived in.</summary>
public enum SpanFormat
{
    Zipkin,
    Otlp,
}

/// <summary>A span as a backend sees it: what two formats have in common, and what only one of them can say.</summary>
public sealed record CollectedSpan
{
    public required SpanFormat Format { get; init; }

    /// <summary>Always 32 digits; <see cref="TraceIdAsSent"/> tells what Zipkin was given.</summary>
    public required string TraceId { get; init; }

    public required string TraceIdAsSent { get; init; }

    public required string Id { get; init; }

    /// <summary>Null for a root.</summary>
    public string? ParentId { get; init; }

    public string Name { get; init; } = "";

    /// <summary>SERVER, CLIENT, PRODUCER, CONSUMER, or null for a span inside a process.</summary>
    public string? Kind { get; init; }

    public string Service { get; init; } = "";

    public IReadOnlyDictionary<string, string> Tags { get; init; } = new Dictionary<string, string>();

    /// <summary>Zipkin only.</summary>
    public bool Debug { get; init; }

    /// <summary>Zipkin only.</summary>
    public bool Shared { get; init; }

    /// <summary>OTLP only: the W3C flags, 0x100 (remoteness is known) and 0x200 (the parent is remote).</summary>
    public uint Flags { get; init; }

    /// <summary>OTLP only.</summary>
    public string TraceState { get; init; } = "";

    /// <summary>OTLP only.</summary>
    public IReadOnlyList<CollectedLink> Links { get; init; } = [];

    /// <summary>Since 1970.</summary>
    public long StartMicroseconds { get; init; }

    /// <summary>OTLP: 0 unset, 1 ok, 2 error.</summary>
    public int Status { get; init; }

    public string? Tag(string key) => Tags.GetValueOrDefault(key);

    public override string ToString() => $"{Format} {Kind} '{Name}' {TraceId}/{Id} under {ParentId ?? "nothing"} {Tag("url.path") ?? Tag("url.full")}";
}

public sealed record CollectedLink(string TraceId, string SpanId, IReadOnlyDictionary<string, string> Attributes);
