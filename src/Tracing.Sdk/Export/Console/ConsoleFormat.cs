using Tracing.Sdk.Export.Encoding;

namespace Tracing.Sdk.Export.Console;

/// <summary>One line of text a span, on standard output.</summary>
internal sealed class ConsoleFormat(SpanLimits limits) : SpanFormat
{
    public static ExporterSettings Settings { get; } = new()
    {
        ComponentType = "console_span_exporter",
        CreateFormat = static (settings, _) => new ConsoleFormat(settings.Limits),
    };

    public override SpanEncoder Encoder { get; } = new ConsoleEncoder(limits);

    public override Transport CreateTransport(ExportLog log, TimeProvider time) => new ConsoleTransport(System.Console.OpenStandardOutput());
}
