using System.Diagnostics;
using Microsoft.Extensions.Primitives;
using Tracing.Sdk.Propagation;
using Tracing.Sdk.Propagation.Baggage;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Http;

/// <summary>The process's <see cref="DistributedContextPropagator"/>: the platform calls it for the headers of every HttpClient that it traces. Handlers capture it when
/// they are built, so it is set as early as possible and finds the tracing at each call.</summary>
internal sealed class OutboundPropagator : DistributedContextPropagator
{
    // Used before tracing has started and after it has ended.
    private static readonly DistributedContextPropagator Platform = CreateDefaultPropagator();

    public static void Install()
    {
        if (Current is OutboundPropagator) return;
        EarlyClients.Watch();
        Current = new OutboundPropagator();
    }

    /// <summary>Whether the platform makes the spans of this handler. An unused handler with the platform's propagator gets this one.</summary>
    public static bool IsTraced(SocketsHttpHandler handler)
    {
        // Without a propagator the platform makes no span either. One that is not the platform's was set by user code and is kept.
        if (handler.ActivityHeadersPropagator != Platform) return handler.ActivityHeadersPropagator is not null;
        try
        {
            handler.ActivityHeadersPropagator = Current;
        }
        catch (InvalidOperationException)
        {
            // The handler is in use already and keeps writing the platform's headers.
        }

        return true;
    }

    // Without the request ids: libraries remove these fields from a message before an injection, and take any of them for a sign of a context.
    // A request id that user code has set must not be removed, and is no context.
    public override IReadOnlyCollection<string> Fields { get; } = Array.AsReadOnly(ContextHeaders.Propagated);

    public override void Inject(Activity? activity, object? carrier, PropagatorSetterCallback? setter)
    {
        // The request of an exporter belongs to no trace, and its host needs no log line about targets.
        if (activity is null && Suppression.IsActive) return;
        EarlyClients.HeadersRequested(activity);
        var request = carrier as HttpRequestMessage;
        var call = request is null ? null : CallSettings.Find(request);
        if (TracingInstance.Find() is not { } tracing)
        {
            if (call is not { IsTarget: false }) Platform.Inject(activity, carrier, setter);
            return;
        }

        if (request is not null)
        {
            if (IsSpanOfCall(activity))
            {
                if (call is { HasSpan: false }) activity = TakeBack(tracing, activity!, request, DecisionReason.Ignored);
                else if (tracing.Rules.Ignored.HasCalls && tracing.Rules.Ignored.FindCall(request, tracing.UserCode) is { } reason) activity = TakeBack(tracing, activity!, request, reason);
                else if (FindGrpcCall(tracing, activity!.Parent, request) is { } grpcCall) activity = TakeBackAttempt(tracing, activity, request, grpcCall);
            }

            var attempt = OutboundHeaders.Write(tracing, request, activity);
            if (activity is not { IsAllDataRequested: true }) return;
            if (activity.Source.Name == SourceNames.HttpClient) ClientSpan.Complete(activity, request, tracing.Urls, attempt);
            else if (GrpcCalls.IsCall(activity) && GrpcCalls.IsMessage(request)) GrpcCalls.Sent(activity, request, attempt);
            else return;
            CallEnrichment.Start(tracing, activity, request);
        }
        else if (setter is not null)
        {
            var headers = new CallbackWriter(carrier, setter);
            OutboundHeaders.Write(tracing, ref headers, activity);
        }
    }

    public override void ExtractTraceIdAndState(object? carrier, PropagatorGetterCallback? getter, out string? traceId, out string? traceState)
    {
        (traceId, traceState) = (null, null);
        if (getter is null) return;
        // Where headers are only forwarded, the settings of the tracing read no format, but a library that extracts expects the context.
        var settings = TracingInstance.Find() is { Recorder: not null } tracing ? tracing.Propagation.Settings : PropagationSettings.ContextOnly;
        var remote = ContextExtractor.Extract(new CallbackReader(carrier, getter), settings);
        (traceId, traceState) = (remote.TraceParent, remote.ActivityTraceState);
    }

    public override IEnumerable<KeyValuePair<string, string?>>? ExtractBaggage(object? carrier, PropagatorGetterCallback? getter)
    {
        if (getter is null) return null;
        var fields = new CallbackReader(carrier, getter).Get(BaggageHeader.HeaderName);
        return BaggageHeader.Parse(fields, out _)?.ConvertAll(m => KeyValuePair.Create(m.Key, (string?)m.Value));
    }

    /// <summary>The recorded gRPC call that sends a request; null when it is no such request.</summary>
    /// <param name="tracing">The tracing.</param>
    /// <param name="activity">The activity around the request.</param>
    /// <param name="request">The request.</param>
    public static Activity? FindGrpcCall(TracingInstance tracing, Activity? activity, HttpRequestMessage request) =>
        GrpcCalls.Find(activity) is { } call && tracing.Recorder?.IsRecorded(call) == true && GrpcCalls.IsMessage(request) ? call : null;

    // The headers of a call without a span are those of the code around it: the callee's parent is then a span that is exported.
    private static Activity? TakeBack(TracingInstance tracing, Activity activity, HttpRequestMessage request, DecisionReason reason)
    {
        OutboundHeaders.RemoveContextOf(activity, request);
        tracing.Recorder?.TakeBackCall(activity, reason);
        if (FindGrpcCall(tracing, activity.Parent, request) is not { } call) return activity.Parent;
        tracing.Recorder!.TakeBackCall(call, reason);
        return call.Parent;
    }

    // The headers are those of the call, whatever other activities are in between.
    private static Activity TakeBackAttempt(TracingInstance tracing, Activity attempt, HttpRequestMessage request, Activity call)
    {
        OutboundHeaders.RemoveContextOf(attempt, request);
        tracing.Recorder!.TakeBackAttempt(attempt);
        return call;
    }

    // Other code may inject an activity of its own.
    private static bool IsSpanOfCall(Activity? activity) => activity is { Kind: ActivityKind.Client, Source.Name: SourceNames.HttpClient };

    private readonly struct CallbackReader(object? carrier, PropagatorGetterCallback getter) : IHeaderReader
    {
        public StringValues Get(string name)
        {
            getter(carrier, name, out var value, out var values);
            return values is null ? new StringValues(value) : new StringValues([.. values]);
        }
    }

    private readonly struct CallbackWriter(object? carrier, PropagatorSetterCallback setter) : IHeaderWriter
    {
        public void Set(string name, string value) => setter(carrier, name, value);
    }
}
