using System.Diagnostics;
using System.Runtime.CompilerServices;
using Tracing.Sdk.Logging;

namespace Tracing.Sdk.Recording;

/// <summary>Which exceptions a trace has on record. One that passes through many spans on its way up is written down where it first was seen.</summary>
internal static class RecordedExceptions
{
    private static readonly ConditionalWeakTable<Exception, string> Traces = [];

    /// <summary>Adds the exception to the span, unless its trace has it already.</summary>
    public static void Record(Activity activity, Exception exception)
    {
        if (Traces.TryGetValue(exception, out var trace) && trace == activity.TraceId.ToHexString()) return;
        var texts = default(TagList);
        Add(activity, exception, ref texts);
        activity.AddException(exception, texts);
    }

    /// <summary>Notes that an exception is being added, and gives its texts, except those that the caller has given.</summary>
    public static void Add(Activity activity, Exception exception, ref TagList tags)
    {
        Traces.AddOrUpdate(exception, activity.TraceId.ToHexString());
        // The platform reads the exception itself for those that are missing.
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
