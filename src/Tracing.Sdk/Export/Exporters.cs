using Microsoft.Extensions.Logging;
using Tracing.Sdk.Export.Console;
using Tracing.Sdk.Export.Encoding;
using Tracing.Sdk.Export.Otlp;
using Tracing.Sdk.Export.Zipkin;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Export;

/// <summary>Creates the exporters that the options name.</summary>
internal static class Exporters
{
    public static SpanExporter[] Create(
        MeshTracingOptions options, Func<string, string> settingName, Resource resource, SpanMetrics metrics, ILogger logger, TimeProvider time)
    {
        var names = options.Export.Exporters.Select(name => name.ToLowerInvariant()).Where(name => name != "none").Distinct().ToArray();
        return Array.ConvertAll(names, name =>
        {
            var settings = Settings(name, options);
            settings = settings with { MaxQueueBytes = settings.MaxQueueBytes / names.Length, SettingName = settingName };
            return new SpanExporter(settings, resource, metrics.AddExporter(settings.ComponentType), logger, time);
        });
    }

    /// <summary>Returns the settings of one exporter.</summary>
    public static ExporterSettings Settings(string name, MeshTracingOptions options)
    {
        var (export, limits) = (options.Export, options.Limits);
        return Select(name, export) with
        {
            BatchDelay = export.Batch.Interval,
            MaxBatchSpans = export.Batch.MaxSize,
            MaxQueuedSpans = export.Batch.MaxQueueSize,
            MaxQueueBytes = export.Batch.MaxQueueBytes,
            HandlerFactory = export.HttpHandler,
            Limits = new SpanLimits(
                limits.MaxAttributes, limits.MaxEvents, limits.MaxLinks, limits.MaxEventAttributes, limits.MaxLinkAttributes, limits.MaxAttributeLength ?? int.MaxValue,
                export.RemovedAttributes.Count == 0 ? null : new RemovedAttributes([.. export.RemovedAttributes])),
        };
    }

    // A new exporter, or a new encoding of OTLP, is a folder and a line here.
    private static ExporterSettings Select(string name, ExportOptions export) => name switch
    {
        "otlp" => export.Otlp.ProtocolInForce switch
        {
            OtlpProtocol.Grpc => OtlpGrpcFormat.Settings(export.Otlp),
            OtlpProtocol.HttpJson => OtlpJsonFormat.Settings(export.Otlp),
            _ => OtlpProtobufFormat.Settings(export.Otlp),
        },
        "zipkin" => ZipkinFormat.Settings(export.Zipkin),
        "console" => ConsoleFormat.Settings,
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "No exporter has this name."),
    };
}
