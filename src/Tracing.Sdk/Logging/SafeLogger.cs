using Microsoft.Extensions.Logging;

namespace Tracing.Sdk.Logging;

/// <summary>Writes to the application's logger, or to standard error when that throws: a broken log provider loses no span and no line.</summary>
internal sealed class SafeLogger(ILogger logger) : ILogger
{
    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel)
    {
        try
        {
            return logger.IsEnabled(logLevel);
        }
        catch (Exception)
        {
            // Log then throws or writes.
            return true;
        }
    }

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        try
        {
            logger.Log(logLevel, eventId, state, exception, formatter);
        }
        catch (Exception)
        {
            StandardErrorLogger.Write(formatter(state, exception));
        }
    }
}
