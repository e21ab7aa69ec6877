using System.Diagnostics;

namespace Tracing.Sdk.Recording;

/// <summary>Takes the spans that the recorder hands over, and counts in its <see cref="ExporterMetrics"/> what becomes of each.</summary>
internal interface ISpanExporter
{
    /// <summary>Takes a span that has ended, on the thread that ended it. Never throws, never waits, and keeps nothing of the activity.</summary>
    void Add(Activity activity, in SpanMetadata metadata);
}
