using Microsoft.Extensions.Logging;

namespace Tracing.Sdk.Logging;

/// <summary>The log lines of this assembly.</summary>
/// <remarks>One class: the source generator writes several in an order that changes from build to build, and with it the bytes of the package.</remarks>
internal static partial class Log
{
    public const string Category = "Tracing.Sdk";

    [LoggerMessage(1, LogLevel.Information, "{Summary}")]
    public static partial void Started(ILogger logger, string summary);

    [LoggerMessage(2, LogLevel.Information, "Calls to {Host} get a span but no trace headers, because the host is outside the mesh; {Setting} can name it.")]
    public static partial void OutsideTheMesh(ILogger logger, string host, string setting);

    [LoggerMessage(4, LogLevel.Warning, "OTEL_CONFIG_FILE is \"{File}\", but tracing does not read such files: the other variables, the MeshTracing section and the code count.")]
    public static partial void ConfigFileIgnored(ILogger logger, string file);

    [LoggerMessage(6, LogLevel.Information, "None of the first {Requests} is recorded ({Reasons}). {Advice}")]
    public static partial void NothingRecorded(ILogger logger, string requests, string reasons, string advice);

    [LoggerMessage(7, LogLevel.Warning, "Spans end, and none has been exported: {Spans}. {Advice}")]
    public static partial void NothingExported(ILogger logger, string spans, string advice);

    [LoggerMessage(8, LogLevel.Information, "Spans are recorded and not exported, because {Setting} names no exporter; otlp and zipkin are known.")]
    public static partial void NoExporter(ILogger logger, string setting);

    [LoggerMessage(9, LogLevel.Warning, "Requests get spans without attributes and B3 headers are not read, because this web service does not reference the package Tracing.Sdk.AspNetCore.")]
    public static partial void WebHalfMissing(ILogger logger);

    [LoggerMessage(10, LogLevel.Warning, "{Sentence}")]
    public static partial void VariableIgnored(ILogger logger, string sentence);

    [LoggerMessage(12, LogLevel.Warning, "The configuration has changed, but the options stay as they were: {Reason}")]
    public static partial void ReloadRefused(ILogger logger, string reason);

    [LoggerMessage(11, LogLevel.Information, "Spans of the source {Source} are not recorded, because {Setting} leaves it out.")]
    public static partial void SourceLeftOut(ILogger logger, string source, string setting);

    [LoggerMessage(13, LogLevel.Information, "Tracing options reloaded: {Settings}.")]
    public static partial void Reloaded(ILogger logger, string settings);

    [LoggerMessage(14, LogLevel.Warning, "The configuration has changed, but these options count at the next start only: {Settings}.")]
    public static partial void ReloadedAtNextStart(ILogger logger, string settings);

    [LoggerMessage(20, LogLevel.Warning, "Spans cannot be exported. {Cause}", SkipEnabledCheck = true)]
    public static partial void ExportFailed(ILogger logger, string cause);

    // A warning like the line above: what shows the one shows the other.
    [LoggerMessage(21, LogLevel.Warning, "The export to {Endpoint} works again after {Duration}; {Lost}.", SkipEnabledCheck = true)]
    public static partial void ExportRecovered(ILogger logger, string endpoint, string duration, string lost);

    [LoggerMessage(22, LogLevel.Warning, "Spans are being dropped, because the buffer is full: {Reason}. Raise {Room}, lower {Share}, or make the collector faster.", SkipEnabledCheck = true)]
    public static partial void BufferFull(ILogger logger, string reason, string room, string share);

    [LoggerMessage(23, LogLevel.Warning, "The buffer has room again after {Duration}; {Lost}.", SkipEnabledCheck = true)]
    public static partial void BufferHasRoom(ILogger logger, string duration, string lost);

    [LoggerMessage(24, LogLevel.Warning, "A changed certificate cannot be used: {Problem}. The export to {Endpoint} goes on with the last good one.", SkipEnabledCheck = true)]
    public static partial void CertificateNotReadable(ILogger logger, string problem, string endpoint);

    [LoggerMessage(51, LogLevel.Warning, "Calls of HttpClient get no span and no trace headers, because {Switch} is false. Remove it.")]
    public static partial void PropagationSwitchedOff(ILogger logger, string @switch);

    [LoggerMessage(50, LogLevel.Warning, "A call to {Host} left with the platform's own traceparent and no other trace header, because its HttpClient was made before AddMeshTracing; such clients send it to every host. Call AddMeshTracing first, make the client later, or take it from IHttpClientFactory.")]
    public static partial void EarlyClient(ILogger logger, string host);

    [LoggerMessage(EventId = 3, Message = "Tracing stopped: {Spans}")]
    public static partial void Stopped(ILogger logger, LogLevel level, string spans);

    [LoggerMessage(5, LogLevel.Information, "Tracing continues: {Signal} did not end the process.")]
    public static partial void Continued(ILogger logger, System.Runtime.InteropServices.PosixSignal signal);

    [LoggerMessage(40, LogLevel.Warning, "OpenTelemetry traces {Kinds} in this process too ({Sources}), so each becomes two spans, in one backend or in two. Remove {Methods} from WithTracing(). Its metrics and logs can stay, and so can its instrumentation of databases.")]
    public static partial void OpenTelemetryRecordsToo(ILogger logger, string kinds, string sources, string methods);

    [LoggerMessage(41, LogLevel.Warning, "Tracing only forwards headers, but a TracerProvider of OpenTelemetry makes spans of {Sources}. Messages sent inside such a span name it as their parent, which no backend knows unless that provider exports it. Remove these sources from the provider (WithTracing(), AddSource(), or DisableTracing in the settings of an Aspire package), or let this library record.")]
    public static partial void OpenTelemetryRecordsForwarded(ILogger logger, string sources);

    [LoggerMessage(42, LogLevel.Warning, "Two tracings are live in this process, and spans outside of requests are exported by both. Dispose of the first before MeshTracing.Start() is called again, call AddMeshTracing() for one host only, and build its service provider once.")]
    public static partial void RecordedTwice(ILogger logger);

    [LoggerMessage(15, LogLevel.Warning, "The application's {Function} threw {Exception}; its spans go on without it. This line is not repeated.")]
    public static partial void UserCodeThrew(ILogger logger, string function, string exception);

    [LoggerMessage(43, LogLevel.Warning, "The activity \"{Name}\" of the source \"{Source}\" has no W3C trace id, so it is not recorded, nor are others like it. Remove SetIdFormat(ActivityIdFormat.Hierarchical) and assignments to Activity.DefaultIdFormat, and give explicit parents a valid ActivityContext.")]
    public static partial void NotW3C(ILogger logger, string name, string source);

    [LoggerMessage(44, LogLevel.Information, "Spans of the source {Source} begin traces of their own, because the span that they were started in ended more than {Seconds} s ago. Each has a link to it. {Setting} can change the time; 0 keeps them in one trace.")]
    public static partial void ParentEnded(ILogger logger, string source, double seconds, string setting);
}
