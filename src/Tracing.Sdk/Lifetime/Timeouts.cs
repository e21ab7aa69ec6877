namespace Tracing.Sdk.Lifetime;

/// <summary>How long a flush and a stop take at most.</summary>
internal static class Timeouts
{
    /// <summary>For a flush that the application asks for, unless it gives a time.</summary>
    public static readonly TimeSpan Flush = TimeSpan.FromSeconds(30);

    /// <summary>For all exporters together to send what is left.</summary>
    public static readonly TimeSpan Shutdown = TimeSpan.FromSeconds(5);

    /// <summary>For threads that wait for the stop. Longer than the stop: only a logger or a listener of the application that hangs exceeds it.</summary>
    public static readonly TimeSpan Join = Shutdown + TimeSpan.FromSeconds(1);

    /// <summary>After a signal: a process that still runs then has cancelled it.</summary>
    public static readonly TimeSpan SignalGrace = TimeSpan.FromSeconds(1);
}
