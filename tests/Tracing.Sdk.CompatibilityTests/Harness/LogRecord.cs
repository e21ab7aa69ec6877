using Tracing.Sdk.IntegrationTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Harness;

/// <summary>What a log record says about the span that it belongs to.</summary>
internal sealed record LogRecord(string Source, string Message, string? TraceId, string? SpanId)
{
    /// <summary>Fails unless each record that names a span names an exported one, and the records with these messages name one.</summary>
    public static void AssertNameSpans(IReadOnlyList<LogRecord> records, IReadOnlyList<CollectedSpan> spans, IEnumerable<string> messages)
    {
        var lost = records.Where(record => record.SpanId is { Length: > 0 } && !spans.Any(span => span.Id == record.SpanId && span.TraceId == record.TraceId)).ToList();
        Assert.True(lost.Count == 0, $"{lost.Count} of {records.Count} records name spans that are not among\n{string.Join('\n', spans)}\n:\n{string.Join('\n', lost)}");
        Assert.All(messages, message => Assert.NotEmpty(Assert.Single(records, record => record.Message == message).SpanId ?? ""));
    }
}
