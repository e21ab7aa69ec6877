using System.Diagnostics;
using Microsoft.Extensions.Primitives;
using Tracing.Sdk.Propagation;

namespace Tracing.Sdk.Http;

/// <summary>Recognises headers of a call that are copies of headers of the request around it, as a reverse proxy makes them.</summary>
internal static class CopiedHeaders
{
    // The operation of Azure.Core's activity around each attempt.
    private const string AzureAttempt = "Azure.Core.Http.Request";

    /// <summary>Removes the headers that have the received value.</summary>
    public static void Remove(HttpRequestMessage request, IReadOnlyList<KeyValuePair<string, StringValues>> received)
    {
        for (var i = 0; i < received.Count; i++) Remove(request, received[i].Key, received[i].Value);
    }

    public static void Remove(HttpRequestMessage request, string name, StringValues received)
    {
        if (IsCopy(new RequestCarrier(request).Get(name), received)) request.Headers.Remove(name);
    }

    /// <summary>Whether a context is a copy, or names a span that is open here.</summary>
    public static bool IsCopyOrOpenSpan(in TraceIds written, RemoteContext? remote, Activity? activity) => IsCopy(written, remote) || IsOpenSpan(written, activity);

    /// <summary>Whether a context names an activity or one that it was started in: other instrumentation writes that before this library does.</summary>
    public static bool IsOpenSpan(in TraceIds written, Activity? activity)
    {
        if (!written.HasIds) return false;
        for (var a = activity; a is { IdFormat: ActivityIdFormat.W3C }; a = a.Parent)
        {
            if (Hex.ToUInt64(a.SpanId) == written.SpanId) return true;
            // A retry of Azure.Core has the header of the first attempt, whose activity has ended.
            if (a.OperationName == AzureAttempt && written.ToActivityTraceId() == a.TraceId) return true;
        }

        return false;
    }

    /// <summary>Whether a context is the one that came in, that of its stale format, the one that is only linked, or the one that was refused.</summary>
    public static bool IsCopy(in TraceIds written, RemoteContext? remote) =>
        remote is not null
        && (!written.HasIds ? written.State != SamplingState.Defer && written == remote.Ids
            : IsCopy(written, remote.Ids, remote.StaleSpanId) || (remote.Link is { } link && IsCopy(written, link.Ids, remote.StaleSpanId))
            || IsCopy(written, remote.Refused?.Received));

    private static bool IsCopy(in TraceIds written, in TraceIds received, ulong stale) =>
        written.TraceLow == received.TraceLow && (written.SpanId == received.SpanId || written.SpanId == stale);

    // All received values, one of several, or several joined into one.
    private static bool IsCopy(StringValues written, StringValues received)
    {
        if (written.Count == 0) return false;
        foreach (var value in written)
        {
            if (!received.Contains(value)) return written.ToString() == received.ToString();
        }

        return true;
    }
}
