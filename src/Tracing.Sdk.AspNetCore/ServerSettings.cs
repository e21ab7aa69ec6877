using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.AspNetCore;

/// <summary>The options that concern requests of a web service.</summary>
internal sealed class ServerSettings(MeshTracingOptions options)
{
    /// <summary>The headers that tell the caller the trace id.</summary>
    public TraceResponseHeader ResponseHeader { get; } = options.Http.ResponseHeader;

    /// <summary>The name of the header in which Envoy counts attempts.</summary>
    public string AttemptHeader { get; } = options.Http.EnvoyHeaderPrefix + "-attempt-count";

    /// <summary>Whether spans show the addresses of client and peer.</summary>
    public bool ClientAddress { get; } = options.Http.ClientAddress;

    public UrlRedaction Urls { get; } = new(options.Http);

    /// <summary>The application's functions that add to the spans of requests.</summary>
    public Action<Activity, HttpContext>? RequestStart { get; } = options.Enrich.RequestStartFunction as Action<Activity, HttpContext>;

    /// <inheritdoc cref="RequestStart"/>
    public Action<Activity, HttpContext, Exception?>? RequestEnd { get; } = options.Enrich.RequestEndFunction as Action<Activity, HttpContext, Exception?>;
}
