using System.Diagnostics;
using System.Runtime.CompilerServices;
using Tracing.Sdk.Logging;

namespace Tracing.Sdk.Recording;

/// <summary>Records each exception once in a trace: on the first span that it passes through.</summary>
internal static class RecordedExceptions
{
    private static readonly ConditionalWeakTable<Exception, string> Traces = [];

    /// <summary>Adds the exception to the span, unless a span of the trace has it already.</summary>
    public static void Record(Activity activity, Exception exception)
    {
        if (Traces.TryGetValue(exception, out var trace) && trace == activity.TraceId.ToHexString()) return;
        var texts = default(TagList);
        Add(activity, exception, ref texts);
        activity.AddException(exception, texts);
    }

    /// <summary>Notes that an exception is added to a span, and sets its texts, except those that the caller has set.</summary>
    public static void Add(Activity activity, Exception exception, ref TagList tags)
    {
        Traces.AddOrUpdate(exception, activity.TraceId.ToHexString());
        // The platform would read missing texts from the exception itself.
        if (!Contains(tags, "exception.message")) tags.Add("exception.message", ExceptionText.Message(exception));
        if (!Contains(tags, "exception.stacktrace")) tags.Add("exception.stacktrace", ExceptionText.StackTrace(exception));
    }

    private static bool Contains(in TagList tags, string key)
    {
        for (var i = 0; i < tags.Count; i++)
        {
            if (tags[i].Key == key) return true;
        }

        return false;
    }
}
