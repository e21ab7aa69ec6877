using System.Diagnostics;
using System.Globalization;
using Google.Protobuf;
using Tracing.Sdk.Export.Encoding;
using Tracing.Sdk.Export.Otlp;
using Tracing.Sdk.Recording;
using Tracing.Sdk.Tests.Export.Encoding;
using Tracing.Sdk.Tests.Otlp;

namespace Tracing.Sdk.Tests.Export.Otlp;

public sealed class OtlpProtobufEncoderTests : SpanEncoderContract
{
    internal override SpanEncoder Encoder(SpanLimits limits) => new OtlpProtobufEncoder(limits);

    internal override IReadOnlyList<KeyValuePair<string, string?>> Attributes(byte[] span) =>
        [.. Assert.Single(ScopeSpans.Parser.ParseFrom(span).Spans).Attributes.Select(a => new KeyValuePair<string, string?>(a.Key, Text(a.Value)))];

    [Fact]
    public void Encode_SpanWithEverything_IsReadByTheOracle()
    {
        var linked = new ActivityContext(
            ActivityTraceId.CreateFromString("0af7651916cd43dd8448eb211c80319c"),
            ActivitySpanId.CreateFromString("b7ad6b7169203331"),
            ActivityTraceFlags.Recorded,
            "a=1",
            isRemote: true);
        var span = Encoded.Otlp(
            TestSpan.Make(
                activity => activity
                    .SetTag("int", 1)
                    .SetTag("double", 1.5)
                    .SetTag("bool", false)
                    .SetTag("array", new object?[] { "a", 1, null })
                    .SetTag("map", new Dictionary<string, object?> { ["a"] = 123 })
                    .SetTag("bytes", new byte[] { 0, 1, 255 })
                    .AddEvent(new("exception", new DateTimeOffset(TestSpan.Start), new() { ["exception.type"] = "X" }))
                    .SetStatus(ActivityStatusCode.Error, "boom"),
                ActivityKind.Client,
                traceState: "ot=th:8",
                links: [new ActivityLink(linked, new() { ["why"] = "retry" })]),
            TestSpan.Facts with { ParentIsRemote = true, TraceFlags = 3 });
        Snapshot.Match(new JsonFormatter(JsonFormatter.Settings.Default.WithIndentation()).Format(span));
    }

    [Fact]
    public void Encode_Root_HasNoParent() => Assert.True(Encoded.Otlp(TestSpan.Make(), TestSpan.Root).ParentSpanId.IsEmpty);

    [Theory]
    [InlineData(1, false, 0x101)]
    [InlineData(3, false, 0x103)]
    [InlineData(1, true, 0x301)]
    [InlineData(0xFF, false, 0x103)]
    public void Encode_Flags_HaveTheParentsSide(byte traceFlags, bool isRemote, uint flags) =>
        Assert.Equal(flags, Encoded.Otlp(TestSpan.Make(), new SpanMetadata(default, isRemote, traceFlags, false)).Flags);

    [Fact]
    public void Encode_ParentOfTheFacts_NotTheActivitys()
    {
        var facts = TestSpan.Facts with { ParentSpanId = ActivitySpanId.CreateFromString("00000000000000aa") };
        Assert.Equal("00000000000000AA", Convert.ToHexString(Encoded.Otlp(TestSpan.Make(), facts).ParentSpanId.Span));
    }

    [Fact]
    public void Encode_DisplayName_WinsOverOperationName() =>
        Assert.Equal("GET /a", Encoded.Otlp(TestSpan.Make(activity => activity.DisplayName = "GET /a")).Name);

    [Fact]
    public void Encode_EmptyDisplayName_FallsBackToOperationName() =>
        Assert.Equal("GET /", Encoded.Otlp(TestSpan.Make(activity => activity.DisplayName = "")).Name);

    [Theory]
    [InlineData("2018-12-13T14:51:00.0000005Z", 1544712660000000500)]
    [InlineData("1970-01-01T00:00:00Z", 0)]
    [InlineData("1969-12-31T23:59:59Z", 0)]
    [InlineData("9999-12-31T23:59:00Z", 9223372036854775800)]
    public void Encode_StartTime_IsClampedToWhatReceiversRead(string start, ulong nanoseconds)
    {
        var time = DateTime.Parse(start, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal);
        var bytes = Encoded.Bytes(Encoder(new SpanLimits()), TestSpan.Make(start: time));
        var span = Assert.Single(ScopeSpans.Parser.ParseFrom(bytes).Spans);
        Assert.Equal(nanoseconds, span.StartTimeUnixNano);
        Assert.True(span.EndTimeUnixNano >= span.StartTimeUnixNano);
    }

    [Fact]
    public void Encode_UnsetStatus_IsNoField() => Assert.Null(Encoded.Otlp(TestSpan.Make()).Status);

    [Fact]
    public void Encode_OkWithDescription_HasNoMessage()
    {
        var status = Encoded.Otlp(TestSpan.Make(activity => activity.SetStatus(ActivityStatusCode.Ok, "fine"))).Status;
        Assert.Equal((Status.Types.StatusCode.Ok, ""), (status.Code, status.Message));
    }

    [Fact]
    public void Encode_StatusTags_AreTheStatusAndNoAttributes()
    {
        var span = Encoded.Otlp(TestSpan.Make(activity =>
            activity.SetTag("otel.status_code", "ERROR").SetTag("otel.status_description", "old").SetTag("a", 1)));
        Assert.Equal((Status.Types.StatusCode.Error, "old"), (span.Status.Code, span.Status.Message));
        Assert.Equal("a", Assert.Single(span.Attributes).Key);
    }

    [Fact]
    public void Encode_StatusTagOnAnEvent_StaysAnAttribute()
    {
        var span = Encoded.Otlp(TestSpan.Make(activity => activity.AddEvent(new("e", tags: new() { ["otel.status_code"] = "ERROR" }))));
        Assert.Equal("otel.status_code", Assert.Single(Assert.Single(span.Events).Attributes).Key);
        Assert.Null(span.Status);
    }

    [Fact]
    public void Encode_OverEveryLimit_CountsWhatWasCut()
    {
        var limits = new SpanLimits(Attributes: 1, Events: 2, Links: 1, AttributesPerEvent: 1, AttributesPerLink: 0);
        var link = new ActivityLink(
            new(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), ActivityTraceFlags.None),
            new() { ["a"] = 1, ["b"] = 2 });
        var span = Encoded.Otlp(
            TestSpan.Make(
                activity =>
                {
                    activity.AddTag("a", 1).AddTag("b", 2).AddTag("c", 3);
                    for (var i = 0; i < 5; i++) activity.AddEvent(new("e", tags: new() { ["a"] = 1, ["b"] = 2 }));
                },
                links: [link, link, link]),
            limits: limits);
        Assert.Equal((2u, 3u, 2u), (span.DroppedAttributesCount, span.DroppedEventsCount, span.DroppedLinksCount));
        Assert.Equal((1u, 2u), (span.Events[0].DroppedAttributesCount, span.Links[0].DroppedAttributesCount));
    }

    [Fact]
    public void Encode_ThrowingToString_IsCounted() =>
        Assert.Equal(1u, Encoded.Otlp(TestSpan.With("bad", new Throwing())).DroppedAttributesCount);

    [Fact]
    public void Encode_Exception_IsAnEvent()
    {
        var recorded = Assert.Single(Encoded.Otlp(TestSpan.Make(activity => activity.AddException(new InvalidOperationException("boom")))).Events);
        Assert.Equal("exception", recorded.Name);
        Assert.Equal("boom", recorded.Attributes.Single(attribute => attribute.Key == "exception.message").Value.StringValue);
        Assert.Equal("System.InvalidOperationException", recorded.Attributes.Single(attribute => attribute.Key == "exception.type").Value.StringValue);
    }

    [Fact]
    public void Encode_Array_OfEveryElementTypeKeepsTheTypes()
    {
        var value = Assert.Single(Encoded.Otlp(TestSpan.With("k", new object?[] { "a", 1L, 1.5, true, null, new byte[] { 1 } })).Attributes).Value;
        Assert.Equal(
            [
                AnyValue.ValueOneofCase.StringValue, AnyValue.ValueOneofCase.IntValue, AnyValue.ValueOneofCase.DoubleValue,
                AnyValue.ValueOneofCase.BoolValue, AnyValue.ValueOneofCase.None, AnyValue.ValueOneofCase.BytesValue,
            ],
            value.ArrayValue.Values.Select(element => element.ValueCase));
    }

    [Fact]
    public void Encode_ArrayOfEnumsOrSignedBytes_IsNoArrayOfIntsOrBytes()
    {
        var enums = Assert.Single(Encoded.Otlp(TestSpan.With("k", new[] { Colour.Red })).Attributes).Value;
        Assert.Equal("Red", Assert.Single(enums.ArrayValue.Values).StringValue);
        var signed = Assert.Single(Encoded.Otlp(TestSpan.With("k", new sbyte[] { -1 })).Attributes).Value;
        Assert.Equal(-1, Assert.Single(signed.ArrayValue.Values).IntValue);
    }

    [Fact]
    public void Encode_EndlessSequence_IsCutAt1024() =>
        Assert.Equal(1024, Assert.Single(Encoded.Otlp(TestSpan.With("k", Enumerable.Range(0, int.MaxValue))).Attributes).Value.ArrayValue.Values.Count);

    [Fact]
    public void Encode_Query_IsNotRun()
    {
        var wasRun = false;
        var query = Enumerable.Range(0, 1).Select(i => wasRun = true).AsQueryable();
        Encoded.Otlp(TestSpan.With("k", query));
        Assert.False(wasRun);
    }

    private static string? Text(AnyValue value) => value.ValueCase switch
    {
        AnyValue.ValueOneofCase.StringValue => value.StringValue,
        AnyValue.ValueOneofCase.BoolValue => value.BoolValue ? "true" : "false",
        AnyValue.ValueOneofCase.IntValue => value.IntValue.ToString(CultureInfo.InvariantCulture),
        AnyValue.ValueOneofCase.DoubleValue => value.DoubleValue.ToString(CultureInfo.InvariantCulture),
        _ => null,
    };
}
