using System.Text.Json;

namespace Tracing.Sdk.IntegrationTests.Wire;

/// <summary>What the service's own spans and calls must be, said the same way for every vector file.</summary>
public sealed record Expectation
{
    /// <summary>32 digits, or null when a trace starts here.</summary>
    public string? TraceId { get; init; }

    /// <summary>The span id that came in and must be the server span's parent; null when a trace starts here.</summary>
    public string? ParentId { get; init; }

    public bool Sampled { get; init; } = true;

    public bool Debug { get; init; }

    /// <summary>W3C level 2: set on traces that start here, else as it came in.</summary>
    public bool Random { get; init; }

    /// <summary>The members that came in, in normal form, an own one among them or not.</summary>
    public string? TraceState { get; init; }

    public ExpectedLink? Link { get; init; }

    /// <summary>Null when none may leave.</summary>
    public string? Baggage { get; init; }

    public static Expectation NewTrace { get; } = new() { Random = true };

    public static Expectation OfW3C(Vector vector)
    {
        var expect = vector.Expect;
        return expect.GetProperty("action").GetString() == "restart"
            ? NewTrace
            : new Expectation
            {
                TraceId = Text(expect, "traceId"),
                ParentId = Text(expect, "parentId"),
                Sampled = expect.GetProperty("sampled").GetBoolean(),
                Random = expect.GetProperty("random").GetBoolean(),
                TraceState = Text(expect, "tracestate"),
            };
    }

    public static Expectation OfB3(Vector vector) => Text(vector.Expect, "result") switch
    {
        "context" => new Expectation { TraceId = Text(vector.Expect, "traceId"), ParentId = Text(vector.Expect, "spanId") }
            .Decided(Text(vector.Expect, "state")),
        "samplingOnly" => NewTrace.Decided(Text(vector.Expect, "state")),
        _ => NewTrace,
    };

    /// <summary>For conflict.json, freshness.json and envoy-wire.json.</summary>
    public static Expectation OfBoth(Vector vector)
    {
        var expect = vector.Expect;
        var use = Text(expect, "use");
        if (use == "new-root")
            return NewTrace.Decided(Text(expect, "hint"));

        var link = expect.GetProperty("link");
        var traceId = Text(expect, "traceId")!;
        return new Expectation
        {
            TraceId = traceId,
            ParentId = Text(expect, "spanId"),
            TraceState = Text(expect, "tracestate"),
            Random = expect.TryGetProperty("random", out var random) ? random.GetBoolean() : RandomBit(vector.First("traceparent"), traceId),
            Link = link.ValueKind == JsonValueKind.Null
                ? null
                : new ExpectedLink(Text(link, "traceId")!, Text(link, "spanId")!, use == "w3c" ? "b3" : "w3c"),
        }.Decided(Text(expect, "state"));
    }

    public static Expectation OfBaggage(Vector vector) =>
        NewTrace with { Baggage = Text(vector.Expect, "reinject") is { Length: > 0 } baggage ? baggage : null };

    // The test service samples what nobody has decided.
    private Expectation Decided(string? state) => state switch
    {
        "accept" or "defer" => this,
        "deny" => this with { Sampled = false },
        "debug" => this with { Debug = true },
        _ => throw new InvalidDataException($"'{state}' is no sampling state."),
    };

    // The bit always comes from W3C, whichever format brings the ids: protocols.md 3.2, rule 4.
    private static bool RandomBit(string? traceparent, string traceId) =>
        traceparent is { Length: 55 } && SameTrace(traceparent[3..35], traceId) && (Convert.ToInt32(traceparent[53..], 16) & 2) != 0;

    private static bool SameTrace(string w3c, string b3) =>
        w3c == b3 || (b3.StartsWith("0000000000000000", StringComparison.Ordinal) && w3c[16..] == b3[16..]);

    private static string? Text(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out var value) ? value.GetString() : null;
}

/// <summary>The context that lost: a link of the server span, with why and in which format it came.</summary>
public sealed record ExpectedLink(string TraceId, string SpanId, string Format);
