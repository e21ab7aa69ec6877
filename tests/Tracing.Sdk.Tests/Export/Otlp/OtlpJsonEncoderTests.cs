using System.Diagnostics;
using System.Text.Json.Nodes;
using Tracing.Sdk.Export.Encoding;
using Tracing.Sdk.Export.Otlp;
using Tracing.Sdk.Tests.Export.Encoding;

namespace Tracing.Sdk.Tests.Export.Otlp;

public sealed class OtlpJsonEncoderTests : SpanEncoderContract
{
    internal override SpanEncoder Encoder(SpanLimits limits) => new OtlpJsonEncoder(limits);

    internal override IReadOnlyList<KeyValuePair<string, string?>> Attributes(byte[] span) =>
        [
            .. JsonNode.Parse(Encoded.Json(span))!["attributes"]!.AsArray().Select(attribute => new KeyValuePair<string, string?>(
                attribute!["key"]!.GetValue<string>(),
                attribute["value"]!.AsObject().FirstOrDefault().Value?.ToString())),
        ];

    [Fact]
    public void Encode_SpanWithEverything_IsOtlpJson()
    {
        var linked = new ActivityContext(
            ActivityTraceId.CreateFromString("0af7651916cd43dd8448eb211c80319c"),
            ActivitySpanId.CreateFromString("b7ad6b7169203331"),
            ActivityTraceFlags.Recorded,
            "a=1",
            isRemote: true);
        var json = Encoded.OtlpJson(
            TestSpan.Make(
                activity => activity
                    .SetTag("int", 1)
                    .SetTag("double", double.NaN)
                    .SetTag("array", new object?[] { "a", 1, null })
                    .SetTag("map", new Dictionary<string, object?> { ["a"] = 123 })
                    .SetTag("bytes", new byte[] { 0, 1, 255 })
                    .SetTag("bad", new Throwing())
                    .AddEvent(new("exception", new DateTimeOffset(TestSpan.Start), new() { ["exception.type"] = "X" }))
                    .AddEvent(new("empty", new DateTimeOffset(TestSpan.Start)))
                    .SetStatus(ActivityStatusCode.Error, "boom"),
                ActivityKind.Client,
                traceState: "ot=th:8",
                links: [new ActivityLink(linked, new() { ["why"] = "retry" })]),
            TestSpan.Facts with { ParentIsRemote = true });
        Snapshot.Match(JsonNode.Parse(json)!.ToJsonString(Indented));
    }

    [Fact]
    public void Encode_BareSpan_LeavesOutWhatIsEmpty() =>
        Assert.Equal(
            """{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","name":"GET /","kind":2,"startTimeUnixNano":"1544712660000000500","endTimeUnixNano":"1544712660001000500","flags":257}""",
            Encoded.OtlpJson(TestSpan.Make(), TestSpan.Root));

    private static System.Text.Json.JsonSerializerOptions Indented { get; } = new() { WriteIndented = true };
}
