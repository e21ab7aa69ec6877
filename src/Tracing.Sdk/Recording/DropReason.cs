namespace Tracing.Sdk.Recording;

/// <summary>Why a span was lost.</summary>
internal enum DropReason
{
    /// <summary>The buffer was full, because the collector is slower than the application or not reachable.</summary>
    QueueFull,

    /// <summary>The span was larger than 4 MiB, or than its resource and scope leave room for in a request, or a collector refused it alone for its size.</summary>
    TooLarge,

    /// <summary>The span could not be encoded.</summary>
    Unencodable,

    /// <summary>The collector rejected it, with the whole request or by a partial success.</summary>
    Rejected,

    /// <summary>It was sent, and no response came before the export's timeout.</summary>
    Timeout,

    /// <summary>No connection could be opened before the process stopped.</summary>
    Unreachable,

    /// <summary>It ended after the exporter was shut down, or was not delivered before the shutdown's timeout.</summary>
    Shutdown,
}

internal static class DropReasons
{
    private static readonly string[] Names = ["queue_full", "too_large", "unencodable", "rejected", "timeout", "unreachable", "shutdown"];

    public static int Count => Names.Length;

    /// <summary>The value of <c>error.type</c>, and the word in the log.</summary>
    public static string Name(this DropReason reason) => Names[(int)reason];
}
