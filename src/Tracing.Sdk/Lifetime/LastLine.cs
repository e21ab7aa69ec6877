using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using Tracing.Sdk.Logging;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Lifetime;

/// <summary>Writes the line that says what became of every span: to the logger, and to standard error when the logger may not write it.</summary>
/// <param name="logger">The logger of the tracing; it does not throw.</param>
/// <param name="metrics">The numbers.</param>
/// <param name="isLoggerDisposed">Tells whether the logger's factory is disposed; null when the logger writes to standard error.</param>
internal sealed class LastLine(ILogger logger, SpanMetrics metrics, Func<bool>? isLoggerDisposed)
{
    private string? _written;

    // The line that the logger has been given and has not returned from.
    private string? _pending;

    /// <summary>Writes the line, unless it would repeat the last one.</summary>
    /// <param name="isRecording">Whether spans still start and end.</param>
    /// <param name="isProcessEnding">Whether the process is about to end: queues of the application's loggers may then never be written.</param>
    public void Write(bool isRecording, bool isProcessEnding)
    {
        var spans = metrics.ToString(isLast: true, isRecording);
        // A signal may have written it before the program ended.
        if (Interlocked.Exchange(ref _written, spans) == spans) return;
        var level = metrics.Exporters.Any(e => e.TotalDropped + e.InFlight > 0) ? LogLevel.Warning : LogLevel.Information;
        Write(level, () => Log.Stopped(logger, level, spans), $"Tracing stopped: {spans}", isProcessEnding);
    }

    /// <summary>Writes that recording continues after a last line that a signal has caused.</summary>
    public void WriteContinued(PosixSignal signal) =>
        Write(LogLevel.Information, () => Log.Continued(logger, signal), $"Tracing continues: {signal} did not end the process.", isProcessEnding: false);

    /// <summary>Writes to standard error, for a thread that waits no longer: the line that the logger is still busy with, and at the end of the process a line that the stop has not
    /// come to.</summary>
    /// <param name="isProcessEnding">As for <see cref="Write(bool, bool)"/>.</param>
    public void WriteLate(bool isProcessEnding)
    {
        if (Interlocked.Exchange(ref _pending, null) is { } line)
        {
            StandardErrorLogger.Write(line);
        }
        else if (isProcessEnding && Volatile.Read(ref _written) is null)
        {
            var spans = metrics.ToString(isLast: true, isRecording: false);
            if (Interlocked.CompareExchange(ref _written, spans, null) is null) StandardErrorLogger.Write($"Tracing stopped: {spans}");
        }
    }

    private void Write(LogLevel level, Action log, string line, bool isProcessEnding)
    {
        var needsStandardError = true;
        try
        {
            if (isLoggerDisposed is not null)
            {
                needsStandardError = (isProcessEnding || isLoggerDisposed()) && logger.IsEnabled(level);
                Volatile.Write(ref _pending, line);
                log();
                // A thread that waited for the stop has given up and has written it.
                if (Interlocked.Exchange(ref _pending, null) is null) return;
            }
        }
        catch (Exception)
        {
            // A log provider of the application threw when it was asked for a logger.
            needsStandardError = true;
        }

        if (needsStandardError) StandardErrorLogger.Write(line);
    }
}
