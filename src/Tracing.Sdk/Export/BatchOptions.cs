using System.ComponentModel.DataAnnotations;
using Tracing.Sdk.Configuration;

namespace Tracing.Sdk.Export;

/// <summary>How many spans wait for export, and how many are sent together.</summary>
public sealed class BatchOptions
{
    /// <summary>Time that a span waits at most before it is sent.</summary>
    /// <value>Default 1 s; more than 0, at most 1 day. Variable: <c>OTEL_BSP_SCHEDULE_DELAY</c>, in milliseconds.</value>
    /// <remarks>Raise it for fewer and larger requests; lower it to see spans sooner.</remarks>
    [Variable("OTEL_BSP_SCHEDULE_DELAY")]
    public TimeSpan Interval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Spans in one export, at most.</summary>
    /// <value>Default 512, or <see cref="MaxQueueSize"/> where that is less; at least 1, and not above <see cref="MaxQueueSize"/>. Variable: <c>OTEL_BSP_MAX_EXPORT_BATCH_SIZE</c>.</value>
    /// <remarks>Lower it when a collector refuses requests as too large (413).</remarks>
    [Variable("OTEL_BSP_MAX_EXPORT_BATCH_SIZE")]
    [Range(1, int.MaxValue)]
    public int MaxSize { get; set; } = 512;

    /// <summary>Spans that wait for export, at most. Further spans are dropped and counted.</summary>
    /// <value>Default: as many as <see cref="MaxQueueBytes"/> holds; at least 1. Variable: <c>OTEL_BSP_MAX_QUEUE_SIZE</c>.</value>
    /// <remarks><see cref="MaxQueueBytes"/> bounds the memory in any case; set this only where a number of spans is asked for.</remarks>
    [Variable("OTEL_BSP_MAX_QUEUE_SIZE")]
    [Range(1, int.MaxValue)]
    [Example("2048")]
    public int? MaxQueueSize { get; set; }

    /// <summary>Bytes that encoded spans of all exporters take up in the process, at most. Further spans are dropped and counted.</summary>
    /// <value>Default 8388608 (8 MiB); at least 1048576 (1 MiB).</value>
    /// <remarks>Raise it to keep more spans while a collector cannot be reached.</remarks>
    [Range(1024 * 1024, double.MaxValue)]
    public long MaxQueueBytes { get; set; } = 8 * 1024 * 1024;
}
