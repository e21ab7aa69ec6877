using System.Diagnostics;
using Tracing.Sdk.Propagation;
using Tracing.Sdk.Propagation.Baggage;

namespace Tracing.Sdk.Messages;

/// <summary>The handling of one message. Disposing of it ends the span and gives the running code back the span, the context and the baggage that it had before, so that a
/// loop carries nothing of a message into the next one.</summary>
/// <remarks>A span that has ended in the meantime does not become current again. For one flow of execution: it is not thread-safe.</remarks>
public sealed class MessageScope : IDisposable
{
    private readonly Activity? _outerActivity = Activity.Current;
    private readonly RemoteContext? _outerContext = RemoteContext.Current;
    private readonly object? _outerBaggage;
    private readonly Activity? _started;
    private bool _isDisposed;

    internal MessageScope(ActivitySource source, string name, in ReceivedMessage message)
    {
        _outerBaggage = ReceivedBaggage.Enter(message.Baggage);
        // The sampler reads it.
        if (message.Context is not null) RemoteContext.Current = message.Context;
        // Otherwise a message without a context would be a child of it.
        Activity.Current = null;
        try
        {
            Activity = source.StartActivity(name, ActivityKind.Consumer, message.Parent, tags: null, message.Links);
            _started = Activity ?? (message.StandIn is { } flags ? StartStandIn(name, message.Parent, flags) : null);
        }
        catch (Exception)
        {
            // Another listener has thrown.
            Restore();
            throw;
        }

        if (_started is null || message.Baggage is null) return;
        // As hosting does for a request. Activity.Baggage lists the newest member first.
        for (var i = message.Baggage.Count - 1; i >= 0; i--) _started.AddBaggage(message.Baggage[i].Key, message.Baggage[i].Value);
    }

    /// <summary>The span of the message, for its tags and its status; null when none is made of it, because its source is left out, headers are only forwarded, or tracing has not started.
    /// The handling carries what came in then, too.</summary>
    public Activity? Activity { get; }

    /// <summary>Ends the handling. A second call does nothing.</summary>
    public void Dispose()
    {
        if (_isDisposed) return;
        _isDisposed = true;
        try
        {
            _started?.Dispose();
        }
        finally
        {
            Restore();
        }
    }

    // It is exported nowhere: its calls and the spans below it have the ids that came in.
    private static Activity StartStandIn(string name, in ActivityContext parent, ActivityTraceFlags flags)
    {
        var activity = new Activity(name) { TraceStateString = parent.TraceState };
        if (parent != default) activity.SetParentId(parent.TraceId, parent.SpanId, flags);
        return activity.Start();
    }

    private void Restore()
    {
        Activity.Current = _outerActivity;
        RemoteContext.Current = _outerContext;
        ReceivedBaggage.Restore(_outerBaggage);
    }
}
