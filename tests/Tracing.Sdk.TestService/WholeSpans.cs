using System.Diagnostics;

namespace Tracing.Sdk.TestService;

/// <summary>Spans with everything that a span can have, to be compared with what a backend answers.</summary>
internal static class WholeSpans
{
    private static readonly ActivitySource Source = new("Whole", "1.2.3");

    /// <summary>One span of each kind below the current one, with attributes of every type, an event and a link.</summary>
    /// <param name="link">The traceparent of the link.</param>
    public static void Make(string link)
    {
        foreach (var kind in Enum.GetValues<ActivityKind>())
        {
            using var activity = Source.StartActivity($"whole {kind}", kind, default(ActivityContext), links:
            [
                new ActivityLink(ActivityContext.Parse(link, "vendor=1"), new() { ["link.text"] = "why", ["link.number"] = 7L, ["link.flag"] = true, ["link.ratio"] = 0.5 }),
            ]);
            if (activity is null) continue;
            activity
                .SetTag("text", "a \"quoted\" text, 5 €")
                .SetTag("empty", "")
                .SetTag("yes", true)
                .SetTag("no", false)
                .SetTag("long", long.MinValue)
                .SetTag("int", 42)
                .SetTag("double", 0.25)
                .SetTag("texts", (string[])["a", "b"])
                .SetTag("flags", (bool[])[true, false])
                .SetTag("longs", (long[])[1, -1])
                .SetTag("doubles", (double[])[1.5, -1.5])
                .AddEvent(new ActivityEvent("cache miss", activity.StartTimeUtc.AddMicroseconds(3), new() { ["event.text"] = "key", ["event.number"] = 8L, ["event.flag"] = true, ["event.ratio"] = 2.5 }));
            _ = kind switch
            {
                ActivityKind.Server => activity.SetStatus(ActivityStatusCode.Error, "no room"),
                ActivityKind.Client => activity.SetStatus(ActivityStatusCode.Ok),
                _ => activity,
            };
        }
    }

    /// <summary>Spans of nearly this many bytes each, below the current one.</summary>
    public static void MakeLarge(int count, int bytes)
    {
        var value = new string('x', bytes);
        for (var i = 0; i < count; i++)
            Source.StartActivity($"large {i}")?.SetTag("value", value).Dispose();
    }
}
