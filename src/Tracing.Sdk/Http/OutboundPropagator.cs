using System.Diagnostics;
using Microsoft.Extensions.Primitives;
using Tracing.Sdk.Propagation;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Http;

/// <summary>
/// The process's <see cref="DistributedContextPropagator"/>: every HttpClient that the platform traces asks it what to write, whoever
/// made the client. Handlers capture it when they are built, so it is set as early as possible and looks up the tracing at each call.
/// </summary>
internal sealed class OutboundPropagator : DistributedContextPropagator
{
    // Before tracing has started, and after it has ended, the platform behaves as if we were not there.
    private static readonly DistributedContextPropagator Platform = CreateDefaultPropagator();

    public static void Install()
    {
        if (Current is not OutboundPropagator) Current = new OutboundPropagator();
    }

    /// <summary>Whether the platform makes the spans of this handler. One that was built before us is made to ask us, if it has not been used.</summary>
    public static bool IsAskedBy(SocketsHttpHandler handler)
    {
        // None means: no span either. Any but the platform's own is the user's word.
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

    // Named to nobody: the platform would take these fields off a message that it sends again, also those that the user had set. What is
    // ours we recognise, and so do we a copy of what came in, which is what a proxy built on HttpClient makes.
    public override IReadOnlyCollection<string> Fields => [];

    public override void Inject(Activity? activity, object? carrier, PropagatorSetterCallback? setter)
    {
        // An exporter's own request, through a handler of the user's.
        if (Suppression.IsActive) return;
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
        var remote = ContextExtractor.Extract(new CallbackReader(carrier, getter), MeshTracing.Find()?.Propagation ?? PropagationSettings.Default);
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
