namespace Tracing.Sdk.Recording;

/// <summary>The state of an exporter in the words of its log lines.</summary>
/// <remarks>Written by the export thread, read by any thread.</remarks>
internal sealed class ExporterState
{
    private volatile Problem? _failure;
    private volatile Problem? _fullBuffer;
    private volatile Problem? _lastFailure;
    private long _lastSuccess;

    /// <summary>Where the spans go, without secrets.</summary>
    public string Endpoint { get; set; } = "";

    /// <summary>Why exports fail, and since when; null while they work, and before the first one.</summary>
    public Problem? Failure
    {
        get => _failure;
        set => _failure = value;
    }

    /// <summary>Why the buffer is full, and since when; null while it has room.</summary>
    public Problem? FullBuffer
    {
        get => _fullBuffer;
        set => _fullBuffer = value;
    }

    /// <summary>The last export that failed; null when none has.</summary>
    public Problem? LastFailure
    {
        get => _lastFailure;
        set => _lastFailure = value;
    }

    /// <summary>When an export worked last, as <see cref="DateTimeOffset.UtcTicks"/>; 0 when none has.</summary>
    public long LastSuccess
    {
        get => Volatile.Read(ref _lastSuccess);
        set => Volatile.Write(ref _lastSuccess, value);
    }

    /// <param name="Cause">Why.</param>
    /// <param name="At">When.</param>
    public sealed record Problem(string Cause, DateTimeOffset At);
}
