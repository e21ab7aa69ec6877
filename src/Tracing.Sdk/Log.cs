using Microsoft.Extensions.Logging;

namespace Tracing.Sdk;

/// <summary>What the library says outside of delivery.</summary>
internal static partial class Log
{
    public const string Category = "Tracing.Sdk";

    [LoggerMessage(1, LogLevel.Information, "{Summary}")]
    public static partial void Started(ILogger logger, string summary);

    [LoggerMessage(2, LogLevel.Information, "Calls to {Host} get a span but no trace headers, because the host is outside the mesh; MeshTracing:PropagateTo can name it.")]
    public static partial void OutsideTheMesh(ILogger logger, string host);

    [LoggerMessage(4, LogLevel.Warning, "OTEL_CONFIG_FILE is \"{File}\", but tracing does not read such files: the other variables, the MeshTracing section and the code count.")]
    public static partial void ConfigFileIgnored(ILogger logger, string file);

    [LoggerMessage(10, LogLevel.Warning, "{Sentence}")]
    public static partial void VariableIgnored(ILogger logger, string sentence);

    [LoggerMessage(11, LogLevel.Information, "Spans of the source {Source} are not recorded, because MeshTracing:{Setting} leaves it out.")]
    public static partial void SourceLeftOut(ILogger logger, string source, string setting);

    [LoggerMessage(EventId = 3, Message = "Tracing stopped: {Accounts}")]
    public static partial void Stopped(ILogger logger, LogLevel level, Accounting.SpanAccounts accounts);
}
