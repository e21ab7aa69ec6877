using System.Diagnostics;
using System.Runtime.CompilerServices;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Tests.Export.Encoding;

/// <summary>Ended activities with literal ids and times.</summary>
internal static class TestSpan
{
    public const string TraceId = "5b8efff798038103d269b633813fc60c";
    public const string SpanId = "eee19b7ec3c1b174";
    public const string ParentId = "eee19b7ec3c1b173";

    public static readonly DateTime Start = new DateTime(2018, 12, 13, 14, 51, 0, DateTimeKind.Utc).AddTicks(5);

    public static readonly ActivitySource Source = new("my.library", "1.0.0");

    /// <summary>A child of a local parent, sampled.</summary>
    public static SpanMetadata Facts { get; } = new(ActivitySpanId.CreateFromString(ParentId), false, 1, false);

    public static SpanMetadata Root { get; } = new(default, false, 1, false);

    /// <summary>An ended span of 1 ms. The listener hears this source only.</summary>
    public static Activity Make(
        Action<Activity>? build = null,
        ActivityKind kind = ActivityKind.Server,
        string name = "GET /",
        ActivitySource? source = null,
        string traceId = TraceId,
        string? traceState = null,
        IEnumerable<KeyValuePair<string, object?>>? tags = null,
        IEnumerable<ActivityLink>? links = null,
        TimeSpan? duration = null,
        DateTime? start = null)
    {
        using var listener = source is null ? Listen(Source) : null;
        var parent = new ActivityContext(
            ActivityTraceId.CreateFromString(traceId),
            ActivitySpanId.CreateFromString(ParentId),
            ActivityTraceFlags.Recorded,
            traceState);
        var activity = (source ?? Source).CreateActivity(name, kind, parent, tags, links)!;
        activity.SetStartTime(start ?? Start);
        activity.Start();
        SpanIdField(activity) = SpanId;
        build?.Invoke(activity);
        activity.SetEndTime((start ?? Start) + (duration ?? TimeSpan.FromMilliseconds(1)));
        activity.Stop();
        return activity;
    }

    /// <summary>A span with a single tag.</summary>
    public static Activity With(string key, object? value) => Make(activity => activity.AddTag(key, value));

    public static ActivityListener Listen(ActivitySource source)
    {
        var listener = new ActivityListener
        {
            ShouldListenTo = heard => ReferenceEquals(heard, source),
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
        };
        ActivitySource.AddActivityListener(listener);
        return listener;
    }

    // The platform creates random span ids only.
    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_spanId")]
    private static extern ref string? SpanIdField(Activity activity);
}

/// <summary>A value whose own code throws.</summary>
internal sealed class Throwing : System.Collections.IEnumerable
{
    public override string ToString() => throw new InvalidOperationException("ToString");

    public System.Collections.IEnumerator GetEnumerator() => throw new InvalidOperationException("GetEnumerator");
}
