using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Tracing.Sdk.Export.Encoding;
using Tracing.Sdk.Export.Zipkin;
using Tracing.Sdk.Tests.Export.Encoding;

namespace Tracing.Sdk.Tests.Export.Zipkin;

public sealed class ZipkinEncoderTests : SpanEncoderContract
{
    protected override string LineSeparator => "\n";

    internal override SpanEncoder Encoder(SpanLimits limits) => new ZipkinEncoder(limits, Encoded.Resource);

    internal override IReadOnlyList<KeyValuePair<string, string?>> Attributes(byte[] span) =>
        [
            .. JsonNode.Parse(Encoded.Json(span))!["tags"]!.AsObject()
                .Where(tag => !tag.Key.StartsWith("otel.", StringComparison.Ordinal))
                .Select(tag => new KeyValuePair<string, string?>(tag.Key, tag.Value!.GetValue<string>())),
        ];

    [Fact]
    public void Encode_SpanWithEverything_IsZipkinV2() =>
        Snapshot.Match(Format(Encoded.Zipkin(
            TestSpan.Make(
                activity => activity
                    .SetTag("server.address", "shop.svc")
                    .SetTag("server.port", 8080)
                    .SetTag("array", new object?[] { "a\"b", 1, null })
                    .SetTag("map", new Dictionary<string, object?> { ["a"] = 1.5 })
                    .SetTag("bytes", new byte[] { 0, 1, 255 })
                    .SetTag("nothing", null)
                    .AddTag("bad", new Throwing())
                    .AddEvent(new("exception", new DateTimeOffset(TestSpan.Start), new() { ["exception.message"] = "a\nb" }))
                    .AddEvent(new("empty", new DateTimeOffset(TestSpan.Start)))
                    .SetStatus(ActivityStatusCode.Error, "boom"),
                ActivityKind.Client,
                traceState: "ot=th:8"),
            TestSpan.Facts with { IsDebug = true })));

    [Fact]
    public void Encode_BareSpan_LeavesOutWhatIsEmpty() =>
        Assert.Equal(
            """{"traceId":"5b8efff798038103d269b633813fc60c","id":"eee19b7ec3c1b174","name":"GET /","timestamp":1544712660000000,"duration":1000,"localEndpoint":{"serviceName":"my.service"},"tags":{"otel.scope.name":"my.library","otel.scope.version":"1.0.0"}}""",
            Encoded.Zipkin(TestSpan.Make(kind: ActivityKind.Internal), TestSpan.Root));

    [Fact]
    public void Encode_Resource_LeavesWhatTellsDeploymentsApart()
    {
        KeyValuePair<string, object>[] attributes =
        [
            new("service.name", "orders"), new("service.version", "1.2"), new("service.instance.id", "7"), new("k8s.pod.name", "orders-7d9c"), new("host.name", "orders-7d9c"),
            new("process.pid", 1), new("telemetry.sdk.name", "Tracing.Sdk"), new("team", "we\"st"), new("error", "true"),
        ];
        var encoder = new ZipkinEncoder(new SpanLimits(), new Resource(attributes) { Declared = new HashSet<string> { "team", "service.name", "error" } });
        var tags = JsonNode.Parse(Encoded.Json(Encoded.Bytes(encoder, TestSpan.Make())))!["tags"]!.AsObject();
        Assert.Equal(
            ["service.version=1.2", "k8s.pod.name=orders-7d9c", "team=we\"st"], tags.Where(tag => !tag.Key.StartsWith("otel.", StringComparison.Ordinal)).Select(tag => $"{tag.Key}={tag.Value}"));
    }

    [Theory]
    [InlineData(ActivityKind.Internal, null)]
    [InlineData(ActivityKind.Server, "SERVER")]
    [InlineData(ActivityKind.Client, "CLIENT")]
    [InlineData(ActivityKind.Producer, "PRODUCER")]
    [InlineData(ActivityKind.Consumer, "CONSUMER")]
    public void Encode_Kind_IsOneThatTheServerKnows(ActivityKind kind, string? expected) =>
        Assert.Equal(expected, Parse(TestSpan.Make(kind: kind))["kind"]?.GetValue<string>());

    [Fact]
    public void Encode_TraceIdWithZeroHighHalf_Has16Digits() =>
        Assert.Equal("d269b633813fc60c", Parse(TestSpan.Make(traceId: "0000000000000000d269b633813fc60c"))["traceId"]!.GetValue<string>());

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 1)]
    [InlineData(9, 1)]
    [InlineData(10, 1)]
    [InlineData(19, 1)]
    [InlineData(20, 2)]
    public void Encode_Duration_IsAtLeastOneMicrosecond(int ticks, long microseconds) =>
        Assert.Equal(microseconds, Parse(TestSpan.Make(duration: TimeSpan.FromTicks(ticks)))["duration"]!.GetValue<long>());

    [Theory]
    [InlineData("2018-12-13T14:51:00.0000019Z", 1544712660000001L)]
    [InlineData("1970-01-01T00:00:00Z", null)]
    [InlineData("1900-01-01T00:00:00Z", null)]
    public void Encode_Timestamp_IsPositiveOrAbsent(string start, long? microseconds)
    {
        var time = DateTime.Parse(start, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal);
        Assert.Equal(microseconds, Parse(TestSpan.Make(start: time))["timestamp"]?.GetValue<long>());
    }

    [Theory]
    [InlineData("myAnnotations")]
    [InlineData("yAnnotations")]
    public void Encode_MarkerOfTheOldFormat_IsHidden(string text)
    {
        var json = Encoded.Zipkin(TestSpan.Make(
            activity => activity.AddTag(text, text).AddTag("array", new[] { text }).AddEvent(new(text)),
            name: text));
        Assert.DoesNotContain("yAnnotations\"", json, StringComparison.Ordinal);
        Assert.Equal(text, JsonNode.Parse(json)!["tags"]![text]!.GetValue<string>());
    }

    [Theory]
    [InlineData("\u00e9\u2028", "\u00e9\n")]
    [InlineData("a\u2029\u20ac", "a\n\u20ac")]
    [InlineData("\u2026\u2028\u2028b", "\u2026\n\nb")]
    public void Encode_LineSeparators_AreLineFeeds(string text, string expected)
    {
        var json = Encoded.Zipkin(TestSpan.Make(
            activity => activity.AddTag(text, text).AddTag("array", new[] { text }).AddEvent(new(text, default, new() { ["a"] = text })),
            name: text));
        var span = JsonNode.Parse(json)!;

        Assert.False(json.Contains('\u2028') || json.Contains('\u2029'));
        Assert.Equal((expected, expected), (span["name"]!.GetValue<string>(), span["tags"]![expected]!.GetValue<string>()));
        Assert.Equal(expected, JsonNode.Parse(span["tags"]!["array"]!.GetValue<string>())![0]!.GetValue<string>());
        Assert.Equal(expected, JsonNode.Parse("{" + span["annotations"]![0]!["value"]!.GetValue<string>() + "}")![expected]!["a"]!.GetValue<string>());
    }

    [Fact]
    public void Encode_ErrorWithoutDescription_HasAnEmptyErrorTag() =>
        Assert.Equal("", Parse(TestSpan.Make(activity => activity.SetStatus(ActivityStatusCode.Error)))["tags"]!["error"]!.GetValue<string>());

    [Theory]
    [InlineData(ActivityStatusCode.Unset)]
    [InlineData(ActivityStatusCode.Ok)]
    public void Encode_ErrorTagFalseOnASpanThatDidNotFail_IsLeftOut(ActivityStatusCode status) =>
        Assert.Null(Parse(TestSpan.Make(activity => activity.SetTag("error", false).SetStatus(status)))["tags"]!["error"]);

    [Fact]
    public void Encode_ErrorTagAndErrorStatus_AreOneTag()
    {
        var json = Encoded.Zipkin(TestSpan.Make(activity => activity.SetTag("error", true).SetStatus(ActivityStatusCode.Error, "boom")));
        Assert.Equal("boom", JsonNode.Parse(json)!["tags"]!["error"]!.GetValue<string>());
        Assert.Equal(1, json.Split("\"error\":").Length - 1);
    }

    [Fact]
    public void Encode_ErrorStatusByTag_IsOneTag()
    {
        var tags = Parse(TestSpan.Make(activity => activity.SetTag("otel.status_code", "ERROR").SetTag("otel.status_description", "old")))["tags"]!;
        Assert.Equal(("ERROR", "old"), (tags["otel.status_code"]!.GetValue<string>(), tags["error"]!.GetValue<string>()));
    }

    [Fact]
    public void Encode_OverTheLimits_CountsWhatWasCut()
    {
        var link = new ActivityLink(new(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), ActivityTraceFlags.None));
        var json = Encoded.Zipkin(
            TestSpan.Make(
                activity => activity.AddTag("a", 1).AddTag("b", 2).AddEvent(new("x")).AddEvent(new("y")).AddEvent(new("z")),
                links: [link, link]),
            limits: new SpanLimits(Attributes: 1, Events: 1, Links: 1));
        var tags = JsonNode.Parse(json)!["tags"]!;
        Assert.Equal(
            ("1", "2", "1"),
            (tags["otel.dropped_attributes_count"]!.GetValue<string>(), tags["otel.dropped_events_count"]!.GetValue<string>(), tags["otel.dropped_links_count"]!.GetValue<string>()));
    }

    [Theory]
    // A service name ranks before a host name, and a name before an address.
    [InlineData("service.peer.name=orders peer.service=old server.address=h", """{"serviceName":"orders"}""")]
    [InlineData("server.address=h peer.service=old", """{"serviceName":"old"}""")]
    [InlineData("server.address=h server.port=80", """{"serviceName":"h","port":80}""")]
    [InlineData("server.address=10.1.2.3 server.port=80", """{"ipv4":"10.1.2.3","port":80}""")]
    [InlineData("network.peer.address=::ffff:10.1.2.3 network.peer.port=80", """{"ipv4":"10.1.2.3","port":80}""")]
    [InlineData("network.peer.address=2001:db8::1", """{"ipv6":"2001:db8::1"}""")]
    [InlineData("net.peer.name=h net.peer.port=99999", """{"serviceName":"h"}""")]
    [InlineData("net.sock.peer.addr=10.0.0.1 net.sock.peer.port=x", """{"ipv4":"10.0.0.1"}""")]
    [InlineData("network.peer.address=255.255.255.255", """{"ipv4":"255.255.255.255"}""")]
    [InlineData("network.peer.address=127.1", """{"ipv4":"127.0.0.1"}""")]
    [InlineData("network.peer.address=010.0.0.1", """{"ipv4":"8.0.0.1"}""")]
    [InlineData("network.peer.address=10.0.0.256", """{"serviceName":"10.0.0.256"}""")]
    [InlineData("network.peer.address=1.2.3.4.5", """{"serviceName":"1.2.3.4.5"}""")]
    [InlineData("network.peer.address=1..3.4", """{"serviceName":"1..3.4"}""")]
    // Each port belongs to one host.
    [InlineData("network.peer.port=1 server.port=2 server.address=h", """{"serviceName":"h","port":2}""")]
    [InlineData("server.port=2 network.peer.address=10.1.2.3", """{"ipv4":"10.1.2.3"}""")]
    [InlineData("db.name=orders", """{"serviceName":"orders"}""")]
    [InlineData("server.address= peer.hostname=h", """{"serviceName":"h"}""")]
    [InlineData("url.full=http://h/", null)]
    public void Encode_ClientTags_NameTheRemoteEndpoint(string tags, string? endpoint) =>
        Assert.Equal(endpoint, RemoteEndpoint(ActivityKind.Client, tags));

    [Theory]
    // The server's own address is not the remote endpoint.
    [InlineData("server.address=me server.port=80", null)]
    [InlineData("client.address=10.1.2.3 client.port=5000 network.peer.address=127.0.0.6", """{"ipv4":"10.1.2.3","port":5000}""")]
    [InlineData("client.address=browser", null)]
    [InlineData("service.peer.name=orders", """{"serviceName":"orders"}""")]
    public void Encode_ServerTags_NameTheCaller(string tags, string? endpoint) =>
        Assert.Equal(endpoint, RemoteEndpoint(ActivityKind.Server, tags));

    private static string? RemoteEndpoint(ActivityKind kind, string tags) =>
        Parse(TestSpan.Make(
            activity =>
            {
                foreach (var tag in tags.Split(' '))
                {
                    var (key, value) = (tag.Split('=')[0], tag.Split('=')[1]);
                    activity.SetTag(key, int.TryParse(value, CultureInfo.InvariantCulture, out var number) ? number : value);
                }
            },
            kind))["remoteEndpoint"]?.ToJsonString();

    private static JsonNode Parse(Activity activity) => JsonNode.Parse(Encoded.Zipkin(activity))!;

    private static string Format(string json) =>
        JsonNode.Parse(json)!.ToJsonString(new() { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
