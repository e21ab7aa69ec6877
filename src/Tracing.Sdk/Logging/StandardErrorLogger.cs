using Microsoft.Extensions.Logging;

namespace Tracing.Sdk.Logging;

/// <summary>Writes warnings to standard error, in a process without logging.</summary>
internal sealed class StandardErrorLogger : ILogger
{
    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;
    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel)) Write(formatter(state, exception));
    }

    public static void Write(string line)
    {
        try
        {
            Console.Error.WriteLine($"Tracing.Sdk: {line}");
        }
        catch (Exception)
        {
            // A daemon may have closed its standard error, and an application may have replaced Console.Error.
        }
    }
}
