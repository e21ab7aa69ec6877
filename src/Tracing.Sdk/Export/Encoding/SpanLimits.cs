namespace Tracing.Sdk.Export.Encoding;

/// <summary>How much of a span is kept. What is cut is counted in the span's own dropped counts.</summary>
/// <remarks>https://opentelemetry.io/docs/specs/otel/trace/sdk/#span-limits</remarks>
/// <param name="Attributes">Attributes of a span.</param>
/// <param name="Events">Events of a span.</param>
/// <param name="Links">Links of a span.</param>
/// <param name="AttributesPerEvent">Attributes of one event.</param>
/// <param name="AttributesPerLink">Attributes of one link.</param>
/// <param name="ValueLength">UTF-16 units of one text value, also inside arrays.</param>
internal sealed record SpanLimits(
    int Attributes = 128,
    int Events = 128,
    int Links = 128,
    int AttributesPerEvent = 128,
    int AttributesPerLink = 128,
    int ValueLength = int.MaxValue);
