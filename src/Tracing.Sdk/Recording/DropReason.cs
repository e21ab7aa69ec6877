namespace Tracing.Sdk.Recording;

/// <summary>Why a span was lost.</summary>
internal enum DropReason
{
    /// <summary>The buffer was full: the collector is slower than the application, or away.</summary>
    QueueFull,

    /// <summary>One span of more than 4 MiB.</summary>
    TooLarge,

    /// <summary>The span could not be encoded.</summary>
    Unencodable,

    /// <summary>The collector refused it, as a whole request or by partial success.</summary>
    Rejected,

    /// <summary>It was sent, and not answered until the export's time was up.</summary>
    Timeout,

    /// <summary>No connection to send it over could be made before the process stopped.</summary>
    Unreachable,

    /// <summary>It ended after the exporter was shut down, or was not taken in the time that the shutdown had.</summary>
    Shutdown,

    /// <summary>User code has cleared the span's sampled flag while it ran.</summary>
    Filtered,
}

internal static class DropReasons
{
    private static readonly string[] Names = ["queue_full", "too_large", "unencodable", "rejected", "timeout", "unreachable", "shutdown", "filtered"];

    public static int Count => Names.Length;

    /// <summary>The value of <c>error.type</c>, and the word in the log.</summary>
    public static string Name(this DropReason reason) => Names[(int)reason];
}
