using System.Runtime.CompilerServices;

namespace Tracing.Sdk;

/// <summary>How many spans wait for export, and how many go together.</summary>
public sealed class BatchOptions
{
    /// <summary>How long a span waits for company before it is sent. Default 1 s; more than 0. Variable, in milliseconds: <c>OTEL_BSP_SCHEDULE_DELAY</c>.</summary>
    public TimeSpan Interval { get; set => field = Assign(value); } = TimeSpan.FromSeconds(1);

    /// <summary>Spans in one export, at most. Default 512, or <see cref="MaxQueueSize"/> where that is less; at least 1, and not above <see cref="MaxQueueSize"/>. Variable: <c>OTEL_BSP_MAX_EXPORT_BATCH_SIZE</c>.</summary>
    public int MaxSize { get; set => field = Assign(value); } = 512;

    /// <summary>Spans that may wait for export. Default: as many as <see cref="MaxQueueBytes"/> holds. Variable: <c>OTEL_BSP_MAX_QUEUE_SIZE</c>.</summary>
    public int? MaxQueueSize { get; set => field = Assign(value); }

    /// <summary>Bytes that encoded spans may take up in the whole process. Default 8 MiB; at least 1 MiB. What does not fit is dropped and counted.</summary>
    public long MaxQueueBytes { get; set => field = Assign(value); } = 8 * 1024 * 1024;

    /// <summary>Names of the properties that were assigned.</summary>
    internal HashSet<string> Assigned { get; } = [];

    private T Assign<T>(T value, [CallerMemberName] string name = "")
    {
        Assigned.Add(name);
        return value;
    }
}
