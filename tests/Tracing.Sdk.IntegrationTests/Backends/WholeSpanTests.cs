using System.Globalization;
using System.Text;
using System.Text.Json;
using MeshDemo.Processes;
using Tracing.Sdk.IntegrationTests.Harness;
using Tracing.Sdk.IntegrationTests.Wire;

namespace Tracing.Sdk.IntegrationTests.Backends;

/// <summary>
/// A span of each kind with everything that a span can have, as the real Jaeger has stored it. OTLP says all of it, in both encodings;
/// Zipkin's format has text only and no links.
/// </summary>
[Collection(BackendSuite.Name)]
public sealed class WholeSpanTests(BackendFixture backend)
{
    private const string Parent = "b7ad6b7169203331", Linked = "00f067aa0ba902b7";

    // Kinds: 1 internal, 2 server, 3 client, 4 producer, 5 consumer. Status: 0 unset, 1 ok, 2 error.
    private const string Otlp = """
        whole Client, kind 3, status 1
        whole Consumer, kind 5, status 0
        whole Internal, kind 1, status 0
        whole Producer, kind 4, status 0
        whole Server, kind 2, status 2 no room
        double = doubleValue 0.25
        doubles = [doubleValue 1.5, doubleValue -1.5]
        empty = stringValue
        flags = [boolValue true, boolValue false]
        int = intValue 42
        long = intValue -9223372036854775808
        longs = [intValue 1, intValue -1]
        no = boolValue false
        text = stringValue a "quoted" text, 5 €
        texts = [stringValue a, stringValue b]
        yes = boolValue true
        event after 3 us: cache miss
          event.flag = boolValue true
          event.number = intValue 8
          event.ratio = doubleValue 2.5
          event.text = stringValue key
        link to {trace}-00f067aa0ba902b7 vendor=1
          link.flag = boolValue true
          link.number = intValue 7
          link.ratio = doubleValue 0.5
          link.text = stringValue why

        """;

    // The receiver does not know the OK of our tag otel.status_code, and a span without a kind is an internal one.
    private const string Zipkin = """
        whole Client, kind 3, status 0
        whole Consumer, kind 5, status 0
        whole Internal, kind 0, status 0
        whole Producer, kind 4, status 0
        whole Server, kind 2, status 2
        double = stringValue 0.25
        doubles = stringValue [1.5,-1.5]
        empty = stringValue
        flags = stringValue [true,false]
        int = stringValue 42
        long = stringValue -9223372036854775808
        longs = stringValue [1,-1]
        no = stringValue false
        text = stringValue a "quoted" text, 5 €
        texts = stringValue ["a","b"]
        yes = stringValue true
        event after 3 us: "cache miss": {"event.text":"key","event.number":8,"event.flag":true,"event.ratio":2.5}

        """;

    // Jaeger's own remarks, and what Zipkin's format has as tags: the status and the scope, which some receivers leave there, and the resource.
    private static readonly HashSet<string> Aside =
        ["@jaeger@warnings", "error", "otel.scope.name", "otel.scope.version", "deployment.environment.name", "host.name", "service.version"];

    public static TheoryData<string, string> Cases => new()
    {
        { nameof(WireFormat.OtlpProtobuf), nameof(Route.Straight) },
        { nameof(WireFormat.OtlpProtobuf), nameof(Route.ThroughCollector) },
        { nameof(WireFormat.OtlpJson), nameof(Route.Straight) },
        { nameof(WireFormat.OtlpGrpc), nameof(Route.Straight) },
        { nameof(WireFormat.OtlpGrpc), nameof(Route.ThroughCollector) },
        { nameof(WireFormat.Zipkin), nameof(Route.Straight) },
        { nameof(WireFormat.Zipkin), nameof(Route.ThroughCollector) },
    };

    [SkippableTheory]
    [MemberData(nameof(Cases))]
    public async Task Span_ReadBackFromJaeger_IsAsItEnded(string format, string route)
    {
        BackendFixture.Require();
        await using var service = await ServiceProcess.StartAsync("whole-spans", TestService.Dll, new Dictionary<string, string>(
            backend.EndpointsOf(Enum.Parse<Route>(route)).Variables(Enum.Parse<WireFormat>(format)))
        {
            ["OTEL_BSP_SCHEDULE_DELAY"] = "25",
        });
        var (traceId, linked) = (Guid.NewGuid().ToString("N"), Guid.NewGuid().ToString("N"));
        using var connection = await RawConnection.OpenAsync(service.Address);
        await connection.SendAsync("GET", $"/whole-spans/all?link=00-{linked}-{Linked}-01", [new("traceparent", $"00-{traceId}-{Parent}-01")]);

        var spans = await backend.WaitForOtlpAsync(traceId, spans => spans.Count >= 1 + 5);

        var whole = spans.Where(span => Text(span, "name").StartsWith("whole ", StringComparison.Ordinal)).OrderBy(span => Text(span, "name"), StringComparer.Ordinal).ToArray();
        var heads = string.Concat(whole.Select(Head));
        // Every kind has the same attributes, events and links.
        var body = Assert.Single(whole.Select(span => Body(span).Replace(linked, "{trace}", StringComparison.Ordinal)).Distinct());
        Assert.Equal(format == nameof(WireFormat.Zipkin) ? Zipkin : Otlp, heads + body);
    }

    private static string Head(JsonElement span)
    {
        var status = span.GetProperty("status");
        return $"{string.Create(CultureInfo.InvariantCulture, $"{Text(span, "name")}, kind {Number(span, "kind")}, status {Number(status, "code")} {Text(status, "message")}").TrimEnd()}\n";
    }

    private static string Body(JsonElement span)
    {
        var text = new StringBuilder();
        AppendAttributes(text, span, "");
        foreach (var item in List(span, "events"))
        {
            text.Append(CultureInfo.InvariantCulture, $"event after {(Time(item, "timeUnixNano") - Time(span, "startTimeUnixNano")) / 1000} us: {Text(item, "name")}\n");
            AppendAttributes(text, item, "  ");
        }

        foreach (var item in List(span, "links"))
        {
            text.Append(CultureInfo.InvariantCulture, $"link to {Text(item, "traceId")}-{Text(item, "spanId")} {Text(item, "traceState")}\n");
            AppendAttributes(text, item, "  ");
        }

        return text.ToString();
    }

    private static void AppendAttributes(StringBuilder text, JsonElement parent, string indent)
    {
        foreach (var attribute in List(parent, "attributes").Where(attribute => !Aside.Contains(Text(attribute, "key"))).OrderBy(attribute => Text(attribute, "key"), StringComparer.Ordinal))
            text.Append(indent).Append(Text(attribute, "key")).Append(" = ").Append(Value(attribute.GetProperty("value"))).Append('\n');
    }

    private static string Value(JsonElement value) => value.EnumerateObject().Single() switch
    {
        { Name: "arrayValue" } array => $"[{string.Join(", ", List(array.Value, "values").Select(Value))}]",
        { Name: "stringValue" } text => $"{text.Name} {text.Value.GetString()}".TrimEnd(),
        var other => $"{other.Name} {other.Value.GetRawText().Trim('"')}",
    };

    private static JsonElement.ArrayEnumerator List(JsonElement parent, string name) =>
        parent.TryGetProperty(name, out var list) ? list.EnumerateArray() : default;

    private static string Text(JsonElement parent, string name) => parent.TryGetProperty(name, out var text) ? text.GetString()! : "";

    private static int Number(JsonElement parent, string name) => parent.TryGetProperty(name, out var number) ? number.GetInt32() : 0;

    private static long Time(JsonElement parent, string name) => long.Parse(Text(parent, name), CultureInfo.InvariantCulture);
}
