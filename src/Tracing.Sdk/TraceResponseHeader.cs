namespace Tracing.Sdk;

/// <summary>How a web service tells its caller the trace id.</summary>
/// <remarks>The response to an exception that no middleware handles has no such header: the server clears all headers before it sends its own 500, and runs no callback
/// in between. With <c>app.UseExceptionHandler()</c> the application answers, and the header is there.</remarks>
[Flags]
public enum TraceResponseHeader
{
    /// <summary>No header.</summary>
    None = 0,

    /// <summary><c>server-timing: trace;desc=00-{trace-id}-{span-id}-{flags}</c>, which browsers show (W3C Trace Context, editor's draft).</summary>
    ServerTiming = 1,

    /// <summary><c>x-trace-id: {trace-id}</c>, which is easy to read with curl.</summary>
    TraceId = 2,
}
