using Tracing.Sdk.Http;

namespace Tracing.Sdk.AspNetCore;

/// <summary>The options that concern requests of a web service.</summary>
/// <param name="ResponseHeader">The headers that tell the caller the trace id.</param>
/// <param name="AttemptHeader">The name of the header in which Envoy counts attempts.</param>
internal sealed record ServerSettings(TraceResponseHeader ResponseHeader, string AttemptHeader)
{
    public static ServerSettings Create(HttpOptions options) => new(options.ResponseHeader, options.EnvoyHeaderPrefix + "-attempt-count");
}
