using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.AspNetCore;

/// <summary>The options that concern requests of a web service.</summary>
/// <param name="options">The options.</param>
/// <param name="urls">What spans show of URLs.</param>
internal sealed class ServerSettings(MeshTracingOptions options, UrlRedaction urls)
{
    /// <summary>The headers that tell the caller the trace id.</summary>
    public TraceResponseHeader ResponseHeader { get; } = options.Http.ResponseHeader;

    /// <summary>The name of the header in which Envoy counts attempts.</summary>
    public string AttemptHeader { get; } = options.Http.EnvoyHeaderPrefix + "-attempt-count";

    /// <summary>Whether spans show the addresses of client and peer.</summary>
    public bool ClientAddress { get; } = options.Http.ClientAddress;

    /// <summary>What spans show of URLs.</summary>
    public UrlRedaction Urls { get; } = urls;

    /// <summary>The application's functions that add to the spans of requests.</summary>
    public Action<Activity, HttpContext>? RequestStart { get; } = options.Enrich.RequestStart;

    /// <inheritdoc cref="RequestStart"/>
    public Action<Activity, HttpContext, Exception?>? RequestEnd { get; } = options.Enrich.RequestEnd;
}
