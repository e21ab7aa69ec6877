using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Tracing.Sdk.Export.Otlp;
using Tracing.Sdk.Export.Http;
using Tracing.Sdk.Tests.Export.Encoding;

namespace Tracing.Sdk.Tests.Export.Otlp;

/// <summary>Bytes and JSON of <c>vectors/otlp.json</c>.</summary>
public sealed class OtlpVectorTests
{
    public static TheoryData<string> AnyValues => [.. Vectors("AnyValue").Select(vector => vector.GetProperty("name").GetString()!)];

    [Theory]
    [MemberData(nameof(AnyValues))]
    public void Protobuf_AnyValue_HasTheVectorsBytes(string name)
    {
        var vector = Vectors("AnyValue").Single(vector => vector.GetProperty("name").GetString() == name);
        var attribute = Assert.Single(Encoded.Otlp(TestSpan.With("k", Value(vector.GetProperty("otlpJson")))).Attributes);
        Assert.Equal(vector.GetProperty("protobufHex").GetString(), Convert.ToHexStringLower(attribute.Value.ToByteArray()));
    }

    [Theory]
    [MemberData(nameof(AnyValues))]
    public void Json_AnyValue_HasTheVectorsJson(string name)
    {
        var vector = Vectors("AnyValue").Single(vector => vector.GetProperty("name").GetString() == name).GetProperty("otlpJson");
        var span = JsonNode.Parse(Encoded.OtlpJson(TestSpan.With("k", Value(vector))))!;
        // "values" may be left out of an empty array; we write it.
        var expected = name == "any-array-empty" ? JsonNode.Parse("""{"arrayValue":{"values":[]}}""") : JsonNode.Parse(vector.GetRawText());
        Assert.Equal(expected!.ToJsonString(), span["attributes"]![0]!["value"]!.ToJsonString());
    }

    [Fact]
    public void Protobuf_Event_HasTheVectorsBytes()
    {
        var tags = new System.Diagnostics.ActivityTagsCollection { ["exception.type"] = "X", ["b"] = 1, ["c"] = 2 };
        var activity = TestSpan.Make(activity => activity.AddEvent(new("exception", new DateTimeOffset(TestSpan.Start), tags)));
        var recorded = Assert.Single(Encoded.Otlp(activity, limits: new Sdk.Export.Encoding.SpanLimits(AttributesPerEvent: 1)).Events);
        Assert.Equal(Hex("event"), Convert.ToHexStringLower(recorded.ToByteArray()));
    }

    [Fact]
    public void Protobuf_StatusOk_HasTheVectorsBytes()
    {
        var span = Encoded.Otlp(TestSpan.Make(activity => activity.SetStatus(System.Diagnostics.ActivityStatusCode.Ok)));
        Assert.Equal(Hex("status-ok"), Convert.ToHexStringLower(span.Status.ToByteArray()));
    }

    [Fact]
    public void Reply_PartialSuccess_IsRead()
    {
        var vector = Vectors("ExportTraceServiceResponse").Single();
        var expected = new ExportResponse(3, "too old");
        Assert.Equal(expected, OtlpResponse.ReadProtobuf(Convert.FromHexString(vector.GetProperty("protobufHex").GetString()!), isSuccess: true));
        Assert.Equal(expected, OtlpResponse.ReadJson(System.Text.Encoding.UTF8.GetBytes(vector.GetProperty("otlpJson").GetRawText()), isSuccess: true));
    }

    [Fact]
    public void Reply_Status_IsRead()
    {
        var vector = Vectors("google.rpc.Status").Single();
        var expected = new ExportResponse(0, "bad data");
        Assert.Equal(expected, OtlpResponse.ReadProtobuf(Convert.FromHexString(vector.GetProperty("protobufHex").GetString()!), isSuccess: false));
        Assert.Equal(expected, OtlpResponse.ReadJson(System.Text.Encoding.UTF8.GetBytes(vector.GetProperty("otlpJson").GetRawText()), isSuccess: false));
    }

    private static IEnumerable<JsonElement> Vectors(string message) =>
        JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "vectors", "otlp.json")))
            .RootElement.EnumerateArray().Where(vector => vector.GetProperty("message").GetString() == message);

    private static string Hex(string name) =>
        JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "vectors", "otlp.json")))
            .RootElement.EnumerateArray().Single(vector => vector.GetProperty("name").GetString() == name).GetProperty("protobufHex").GetString()!;

    // The value that an application would put into the tag.
    private static object? Value(JsonElement any)
    {
        if (!any.EnumerateObject().Any()) return null;
        var member = any.EnumerateObject().Single();
        return member.Name switch
        {
            "stringValue" => member.Value.GetString(),
            "boolValue" => member.Value.GetBoolean(),
            "intValue" => long.Parse(member.Value.GetString()!, CultureInfo.InvariantCulture),
            "doubleValue" when member.Value.ValueKind == JsonValueKind.Number => member.Value.GetDouble(),
            // The sign of .NET's NaN is set, that of the vector is not.
            "doubleValue" when member.Value.GetString() == "NaN" => BitConverter.UInt64BitsToDouble(0x7FF8000000000000),
            "doubleValue" => double.Parse(member.Value.GetString()!, CultureInfo.InvariantCulture),
            "bytesValue" => member.Value.GetBytesFromBase64(),
            "arrayValue" => Array.Empty<object>(),
            "kvlistValue" => member.Value.GetProperty("values").EnumerateArray()
                .Select(pair => new KeyValuePair<string, object?>(pair.GetProperty("key").GetString()!, Value(pair.GetProperty("value")))).ToArray(),
            var name => throw new InvalidOperationException(name),
        };
    }
}
