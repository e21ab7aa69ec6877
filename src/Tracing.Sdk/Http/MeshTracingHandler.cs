using System.Diagnostics;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Http;

/// <summary>Makes a client span for each request and writes the trace headers, in front of any handler: a stub, a test server, a transport of your own. Every client of
/// IHttpClientFactory gets one automatically.</summary>
/// <remarks>In front of the platform's own handlers (<see cref="SocketsHttpHandler"/>, <see cref="HttpClientHandler"/>) it does nothing: there the platform makes one
/// span for each attempt, redirects included, and gets the headers from this library. There is never a second span, however many of these handlers a client
/// has.</remarks>
public sealed class MeshTracingHandler : DelegatingHandler
{
    private static readonly ActivitySource Source = new(SourceNames.OwnHttpClient, typeof(MeshTracingHandler).Assembly.GetName().Version?.ToString(3));

    // Determined at the first request: the inner handlers may be assigned until then.
    private bool? _isInnerTraced;

    /// <summary>Makes a handler whose <see cref="DelegatingHandler.InnerHandler"/> is still to be set.</summary>
    public MeshTracingHandler() { }

    /// <summary>Makes a handler in front of another.</summary>
    /// <param name="innerHandler">The handler that sends the request.</param>
    public MeshTracingHandler(HttpMessageHandler innerHandler) : base(innerHandler) { }

    /// <summary>Settings of the client that this handler belongs to; null when it has none.</summary>
    internal CallSettings? Settings { get; set; }

    /// <inheritdoc/>
    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        Settings?.AddTo(request);
        if (IsInnerTraced() || TracingInstance.Find() is not { } tracing) return base.SendAsync(request, cancellationToken);
        return FindGrpcCall(tracing, request) is { } call
            ? SendOfCallAsync(tracing, call, request, cancellationToken)
            : SendTracedAsync(tracing, request, cancellationToken);
    }

    /// <inheritdoc/>
    protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        Settings?.AddTo(request);
        if (IsInnerTraced() || TracingInstance.Find() is not { } tracing) return base.Send(request, cancellationToken);
        using var activity = Begin(tracing, request, cancellationToken);
        try
        {
            var response = base.Send(request, cancellationToken);
            if (activity is { IsAllDataRequested: true }) End(tracing, activity, request, response);
            return response;
        }
        catch (Exception e) when (Fail(tracing, activity, request, e))
        {
            throw;
        }
    }

    private async Task<HttpResponseMessage> SendTracedAsync(TracingInstance tracing, HttpRequestMessage request, CancellationToken cancellationToken)
    {
        using var activity = Begin(tracing, request, cancellationToken);
        try
        {
            var response = await base.SendAsync(request, cancellationToken).ConfigureAwait(false);
            if (activity is { IsAllDataRequested: true }) End(tracing, activity, request, response);
            return response;
        }
        catch (Exception e) when (Fail(tracing, activity, request, e))
        {
            throw;
        }
    }

    private async Task<HttpResponseMessage> SendOfCallAsync(TracingInstance tracing, Activity call, HttpRequestMessage request, CancellationToken cancellationToken)
    {
        GrpcCalls.Sent(call, request, OutboundHeaders.Write(tracing, request, call));
        CallEnrichment.Start(tracing, call, request);
        try
        {
            var response = await base.SendAsync(request, cancellationToken).ConfigureAwait(false);
            CallEnrichment.End(tracing, call, request, response, exception: null);
            return response;
        }
        catch (Exception e) when (FailCall(tracing, call, request, e))
        {
            throw;
        }
    }

    // The gRPC call whose span is that of the request; null when there is none, or when it is to have none.
    private static Activity? FindGrpcCall(TracingInstance tracing, HttpRequestMessage request)
    {
        if (OutboundPropagator.FindGrpcCall(tracing, Activity.Current, request) is not { } call) return null;
        var rules = tracing.Rules.Ignored;
        var reason = CallSettings.Find(request) is { HasSpan: false } ? DecisionReason.Ignored : rules.HasCalls ? rules.FindCall(request, tracing.UserCode) : null;
        if (reason is null) return call;
        tracing.Recorder!.TakeBackCall(call, reason.Value);
        return null;
    }

    private static Activity? Begin(TracingInstance tracing, HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var rules = tracing.Rules.Ignored;
        var isIgnored = rules.HasCalls && tracing.Recorder is not null && rules.FindCall(request, tracing.UserCode) is not null;
        // A call that is cancelled before it begins gets no span, as with the platform's transport.
        var activity = isIgnored || cancellationToken.IsCancellationRequested || CallSettings.Find(request) is { HasSpan: false }
            ? null
            : Source.StartActivity("HTTP", ActivityKind.Client);
        var attempt = OutboundHeaders.Write(tracing, request, activity ?? Activity.Current);
        if (activity is { IsAllDataRequested: true })
        {
            ClientSpan.Begin(activity, request, tracing.Urls);
            if (attempt > 0) activity.SetTag("http.request.resend_count", attempt);
            CallEnrichment.Start(tracing, activity, request);
        }

        return activity;
    }

    private static void End(TracingInstance tracing, Activity activity, HttpRequestMessage request, HttpResponseMessage? response)
    {
        ClientSpan.End(activity, response);
        CallEnrichment.End(tracing, activity, request, response, exception: null);
    }

    // Used as an exception filter that is never true, so that the exception keeps its stack.
    private static bool Fail(TracingInstance tracing, Activity? activity, HttpRequestMessage request, Exception exception)
    {
        if (activity is not { IsAllDataRequested: true }) return false;
        ClientSpan.Fail(activity, exception);
        CallEnrichment.End(tracing, activity, request, response: null, exception);
        return false;
    }

    // As above.
    private static bool FailCall(TracingInstance tracing, Activity call, HttpRequestMessage request, Exception exception)
    {
        GrpcCalls.Fail(call, exception);
        CallEnrichment.End(tracing, call, request, response: null, exception);
        return false;
    }

    private bool IsInnerTraced() => _isInnerTraced ??= IsTraced(InnerHandler);

    private static bool IsTraced(HttpMessageHandler? handler) => handler switch
    {
        SocketsHttpHandler sockets => OutboundPropagator.IsTraced(sockets),
        HttpClientHandler or MeshTracingHandler => true,
        DelegatingHandler delegating => IsTraced(delegating.InnerHandler),
        _ => false,
    };
}
