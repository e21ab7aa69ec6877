using System.Diagnostics;
using Microsoft.Extensions.Primitives;
using Tracing.Sdk.Propagation;
using Tracing.Sdk.Propagation.Baggage;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Http;

/// <summary>
/// The process's <see cref="DistributedContextPropagator"/>: every HttpClient that the platform traces asks it what to write, wherever
/// it was made. Handlers capture it when they are built, so it is set as early as possible and looks up the tracing at each call.
/// </summary>
internal sealed class OutboundPropagator : DistributedContextPropagator
{
    // Before tracing has started, and after it has ended, the platform behaves as if we were not there.
    private static readonly DistributedContextPropagator Platform = CreateDefaultPropagator();

    public static void Install()
    {
        if (Current is OutboundPropagator) return;
        EarlyClients.Watch();
        Current = new OutboundPropagator();
    }

    /// <summary>Whether the platform makes the spans of this handler. One that was built before us is made to ask us, if it has not been used.</summary>
    public static bool IsAskedBy(SocketsHttpHandler handler)
    {
        // None means: no span either. Any but the platform's own was set by the user and stays.
        if (handler.ActivityHeadersPropagator != Platform) return handler.ActivityHeadersPropagator is not null;
        try
        {
            handler.ActivityHeadersPropagator = Current;
        }
        catch (InvalidOperationException)
        {
            // In use already: it goes on with the platform's headers.
        }

        return true;
    }

    // Without the request ids: libraries clear a message of these fields before they ask for new values, or look for one of them to see whether
    // there is a context, and a request id that the user set is neither.
    public override IReadOnlyCollection<string> Fields => OutboundHeaders.Fields;

    public override void Inject(Activity? activity, object? carrier, PropagatorSetterCallback? setter)
    {
        // The request of an exporter belongs to no trace, and it is none of the application's calls that may or may not leave the mesh.
        if (activity is null && Suppression.IsActive) return;
        EarlyClients.Asked(activity);
        if (MeshTracing.Find() is not { } tracing)
        {
            Platform.Inject(activity, carrier, setter);
            return;
        }

        if (carrier is HttpRequestMessage request)
        {
            var attempt = OutboundHeaders.Write(tracing, request, activity);
            if (activity is { IsAllDataRequested: true }) ClientSpan.Complete(activity, request, attempt);
        }
        else if (setter is not null)
        {
            OutboundHeaders.Write(tracing, carrier, setter, activity);
        }
    }

    public override void ExtractTraceIdAndState(object? carrier, PropagatorGetterCallback? getter, out string? traceId, out string? traceState)
    {
        (traceId, traceState) = (null, null);
        if (getter is null) return;
        // Where headers are only forwarded the settings understand none of them, and a library that asks still wants the context.
        var settings = MeshTracing.Find() is { Recorder: not null } tracing ? tracing.Propagation : PropagationSettings.ContextOnly;
        var remote = ContextExtractor.Extract(new CallbackReader(carrier, getter), settings);
        (traceId, traceState) = (remote.TraceParent, remote.TraceState);
    }

    public override IEnumerable<KeyValuePair<string, string?>>? ExtractBaggage(object? carrier, PropagatorGetterCallback? getter)
    {
        if (getter is null) return null;
        var fields = new CallbackReader(carrier, getter).Get(BaggageHeader.HeaderName);
        return BaggageHeader.Parse(fields, out _)?.ConvertAll(m => KeyValuePair.Create(m.Key, (string?)m.Value));
    }

    private readonly struct CallbackReader(object? carrier, PropagatorGetterCallback getter) : IHeaderReader
    {
        public StringValues Get(string name)
        {
            getter(carrier, name, out var value, out var values);
            return values is null ? new StringValues(value) : new StringValues([.. values]);
        }
    }
}
