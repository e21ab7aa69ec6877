using System.Diagnostics;
using System.Globalization;

namespace Tracing.Sdk.TestService;

/// <summary>Spans that some application somewhere makes, each odd in its own way. Zipkin refuses a whole list for one that it cannot read.</summary>
internal static class OddSpans
{
    private static readonly ActivitySource Source = new("Odd", "1.0 \"beta\"", [new("a\"b", "c\\d")]);

    private static readonly Dictionary<string, Action<Activity>> All = new()
    {
        ["null tag"] = a => a.AddTag("nothing", null),
        ["boolean tag"] = a => a.AddTag("yes", true).AddTag("no", false),
        ["numbers"] = a => a.AddTag("min", long.MinValue).AddTag("max", ulong.MaxValue).AddTag("nan", double.NaN).AddTag("inf", float.NegativeInfinity).AddTag("money", 0.1m),
        ["values"] = a => a.AddTag("guid", Guid.Empty).AddTag("time", DateTimeOffset.MaxValue).AddTag("enum", DayOfWeek.Friday).AddTag("bytes", new byte[] { 0, 255 }),
        ["array"] = a => a.AddTag("array", new object?[] { "a\"b", 1, null, new[] { 1.5, double.NaN } }),
        ["map"] = a => a.AddTag("map", new Dictionary<string, object?> { ["a\"b"] = null, ["c"] = new Dictionary<string, object?>() }),
        ["contains itself"] = a =>
        {
            var list = new List<object>();
            list.Add(list);
            a.AddTag("list", list);
        },
        ["throws"] = a => a.AddTag("throws", new Throwing()),
        ["control characters"] = a => a.AddTag("text", "\0\u0001\b\t\n\r\u001f\u007f\u0085\u2028\"\\/</script>"),
        ["half a surrogate"] = a => a.AddTag("\ud800", "\udc00"),
        ["emoji"] = a => a.AddTag("\ud83e\udd8a", "\ud83e\udd8a\u20ac\u00e9"),
        ["empty key"] = a => a.AddTag("", "").AddTag(" ", " "),
        ["same key twice"] = a => a.AddTag("key", 1).AddTag("key", "two"),
        ["long value"] = a => a.AddTag("long", new string('x', 200_000)),
        ["many tags"] = a =>
        {
            for (var i = 0; i < 500; i++) a.AddTag(i.ToString(CultureInfo.InvariantCulture), i);
        },
        ["error tag"] = a => a.AddTag("error", true).SetStatus(ActivityStatusCode.Error, "a \"quoted\" one"),
        ["no error"] = a => a.AddTag("error", false),
        ["status by tag"] = a => a.AddTag("otel.status_code", "ERROR").AddTag("otel.status_description", "old"),
        ["exception"] = a => a.AddException(new InvalidOperationException("line\nline", new ArgumentException("inner"))),
        ["events"] = a => a.AddEvent(new ActivityEvent("", DateTimeOffset.MinValue)).AddEvent(new ActivityEvent("yAnnotations", DateTimeOffset.MaxValue))
            .AddEvent(new ActivityEvent("with tags", DateTimeOffset.UnixEpoch, new() { ["a\"b"] = null, ["c"] = double.NaN })),
        ["trap of the old format"] = a => a.AddTag("yAnnotations", "binaryAnnotations").AddTag("list", (string[])["myAnnotations"]),
        ["link"] = a => a.AddLink(new ActivityLink(default)).AddLink(new ActivityLink(new(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), ActivityTraceFlags.Recorded))),
        ["started in 1900"] = a => a.SetStartTime(new DateTime(1900, 1, 1, 0, 0, 0, DateTimeKind.Utc)).SetEndTime(new DateTime(1900, 1, 2, 0, 0, 0, DateTimeKind.Utc)),
        ["started in 1970"] = a => a.SetStartTime(DateTime.UnixEpoch).SetEndTime(DateTime.UnixEpoch),
        ["started in 9999"] = a => a.SetStartTime(DateTime.MaxValue.ToUniversalTime()).SetEndTime(DateTime.MaxValue.ToUniversalTime()),
        ["ended before it began"] = a => a.SetEndTime(a.StartTimeUtc.AddHours(-1)),
        ["address v6"] = a => a.AddTag("server.address", "2001:db8::1").AddTag("server.port", 65536),
        ["address v6 of v4"] = a => a.AddTag("server.address", "::ffff:10.0.0.1").AddTag("server.port", "8080"),
        ["address with zone"] = a => a.AddTag("server.address", "fe80::1%eth0").AddTag("server.port", -1),
        ["address of nobody"] = a => a.AddTag("server.address", "").AddTag("peer.service", " ").AddTag("server.port", 0),
        ["peer with quotes"] = a => a.AddTag("peer.service", "a\"b\\c"),
        ["old trace state"] = a => a.TraceStateString = "a=\"b\\",
    };

    public static IReadOnlyCollection<string> Names => All.Keys;

    /// <summary>Each of them in each kind, below the current span.</summary>
    public static void Make()
    {
        foreach (var kind in Enum.GetValues<ActivityKind>())
        {
            foreach (var (name, build) in All)
            {
                using var activity = Source.StartActivity($"{name} {kind}", kind);
                if (activity is not null) build(activity);
            }

            using var nameless = Source.StartActivity("", kind);
        }
    }

    private sealed class Throwing
    {
        public override string ToString() => throw new InvalidOperationException("No text today.");
    }
}
