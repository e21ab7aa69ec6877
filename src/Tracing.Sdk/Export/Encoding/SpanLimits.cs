namespace Tracing.Sdk.Export.Encoding;

/// <summary>Limits of one span. What exceeds them is counted in the span's dropped counts; removed attributes are not.</summary>
/// <remarks>https://opentelemetry.io/docs/specs/otel/trace/sdk/#span-limits</remarks>
/// <param name="Attributes">Attributes of the span.</param>
/// <param name="Events">Events of the span.</param>
/// <param name="Links">Links of the span.</param>
/// <param name="AttributesPerEvent">Attributes of one event.</param>
/// <param name="AttributesPerLink">Attributes of one link.</param>
/// <param name="ValueLength">UTF-16 units of one text value, also inside arrays.</param>
/// <param name="Removed">Attributes of spans, events and links that are not exported; null for none.</param>
internal sealed record SpanLimits(
    int Attributes = 128, int Events = 128, int Links = 128, int AttributesPerEvent = 128, int AttributesPerLink = 128, int ValueLength = int.MaxValue,
    RemovedAttributes? Removed = null);
