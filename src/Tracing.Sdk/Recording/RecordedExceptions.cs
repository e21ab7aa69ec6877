using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Tracing.Sdk.Recording;

/// <summary>Which exceptions a trace has on record. One that passes through many spans on its way up is written down where it first was seen.</summary>
internal static class RecordedExceptions
{
    private static readonly ConditionalWeakTable<Exception, string> Traces = [];

    /// <summary>Adds the exception to the span, unless its trace has it already.</summary>
    public static void Record(Activity activity, Exception exception)
    {
        if (Traces.TryGetValue(exception, out var trace) && trace == activity.TraceId.ToHexString()) return;
        Note(activity, exception);
        activity.AddException(exception);
    }

    /// <summary>Notes that somebody has added it.</summary>
    public static void Note(Activity activity, Exception exception) => Traces.AddOrUpdate(exception, activity.TraceId.ToHexString());
}
