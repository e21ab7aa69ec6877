using Microsoft.Extensions.Primitives;
using Tracing.Sdk.Propagation;
using Tracing.Sdk.Propagation.Mesh;
using Tracing.Sdk.Propagation.W3C;

namespace Tracing.Sdk.Http;

/// <summary>What a request message does not show when it is sent again: how often it was sent, and which headers user code had set. Most messages have none, because it
/// costs a dictionary: a <see cref="SentMark"/> is enough where all headers are this library's.</summary>
internal sealed class RequestNote
{
    private static readonly HttpRequestOptionsKey<RequestNote> Key = new("Tracing.Sdk.Note");

    // In the order in which they were set; null for none.
    private List<KeyValuePair<string, StringValues>>? _setByUser;

    // Whether the context on the message is this library's.
    private bool _isContextOurs;

    /// <summary>How often the message has been sent before.</summary>
    public int Attempts { get; private set; }

    /// <summary>Whether the message has been sent to a host that gets headers, so that it may hold what must not go to others.</summary>
    public bool WasSentInside { get; private set; }

    /// <summary>Returns the note of a message that is about to be sent, and makes one if it has none.</summary>
    public static RequestNote GetOrAdd(HttpRequestMessage request, RemoteContext? remote, bool wasSent)
    {
        var isOurs = HasOurMarker(new RequestCarrier(request), remote);
        if (request.Options.TryGetValue(Key, out var note))
        {
            note.Attempts++;
            note._isContextOurs |= isOurs;
            return note;
        }

        isOurs |= wasSent;
        note = new RequestNote { Attempts = isOurs ? 1 : 0, _isContextOurs = isOurs, WasSentInside = isOurs };
        request.Options.Set(Key, note);
        return note;
    }

    /// <summary>Brings the headers of a message back to what user code had set: those of the last sending may name a span of that sending.</summary>
    public void Restore(HttpRequestMessage request)
    {
        if (_isContextOurs) new RequestCarrier(request).Remove(ContextHeaders.TraceContext);
        for (var i = 0; i < _setByUser?.Count; i++)
        {
            var (name, values) = _setByUser[i];
            if (!request.Headers.Contains(name)) request.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
        }
    }

    /// <summary>Remembers the headers that user code has set, before the first sending.</summary>
    public void Remember(HttpRequestMessage request, params ReadOnlySpan<string> names)
    {
        if (Attempts > 0) return;
        var headers = new RequestCarrier(request);
        foreach (var name in names)
        {
            if (headers.Get(name) is { Count: > 0 } values) (_setByUser ??= []).Add(new(name, values));
        }
    }

    /// <summary>Notes that the message is sent to a host that gets headers.</summary>
    public void SentInside(bool isContextOurs) => (_isContextOurs, WasSentInside) = (isContextOurs, true);

    // A marker that names the span in traceparent was written by this library, here unless the headers are a copy of what came in.
    private static bool HasOurMarker(in RequestCarrier headers, RemoteContext? remote) =>
        headers.Get(TraceStateList.HeaderName) is [{ } list]
        && Marker.Find(list).SpanId is not 0 and var marker
        && headers.Get(TraceParent.HeaderName) is [{ } parent]
        && TraceParent.TryParse(parent, out var ids)
        && ids.SpanId == marker
        && !CopiedHeaders.IsCopy(ids, remote);
}
