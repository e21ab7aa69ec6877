using System.Text;
using System.Text.Json;
using Tracing.Sdk.IntegrationTests.Harness;
using Tracing.Sdk.IntegrationTests.Mesh;
using Tracing.Sdk.IntegrationTests.Wire;
using Entry = Tracing.Sdk.IntegrationTests.ControlPlanes.ControlPlaneTree.Entry;

namespace Tracing.Sdk.IntegrationTests.ControlPlanes;

/// <summary>
/// An untouched service behind the real Envoy, configured as control planes write it. Each row sends what every kind of caller may send, with
/// every request id that means something to Envoy, and compares the trees, decisions and headers with those that the configuration allows.
/// </summary>
public sealed class ControlPlaneTests(ControlPlaneFixture mesh) : IClassFixture<ControlPlaneFixture>
{
    // Envoy's decision in a request id counts where the caller has none, or where the tracer asks for both; elsewhere two ids are enough.
    private static readonly string[] AskedAgain = [nameof(Sent.Nothing), nameof(Sent.W3CSampled), nameof(Sent.B3Deferred)];

    private static readonly ControlPlaneCaller Flush = ControlPlaneCaller.All.Single(caller => caller.Name == nameof(Sent.B3Debug));

    public static TheoryData<string> Behind(string position) =>
        [.. ControlPlanes.All.Where(plane => plane.Proxies.Any(proxy => proxy.Position == position)).Select(plane => plane.Name)];

    [SkippableTheory]
    [MemberData(nameof(Behind), "gateway")]
    public Task CallerAtTheGateway_GetsTheWholeTree(string plane) => AssertAllAsync(plane, Entry.Gateway, ControlPlaneCaller.All);

    [SkippableTheory]
    [MemberData(nameof(Behind), "inbound")]
    public Task CallerInTheMesh_GetsTheWholeTree(string plane) => AssertAllAsync(plane, Entry.Sidecar, ControlPlaneCaller.All);

    [SkippableTheory]
    [MemberData(nameof(Behind), "outbound")]
    public Task WorkThatBeginsInTheService_GetsTheWholeTree(string plane) =>
        AssertAllAsync(plane, Entry.Service, [.. ControlPlaneCaller.All.Where(caller => !caller.HasTrace)]);

    /// <summary>Proxies that have chosen one request in a hundred follow a service that decides anew, because it says so in x-request-id too.</summary>
    [SkippableTheory]
    [InlineData("istio, zipkin provider, 0 %")]
    [InlineData("istio, opentelemetry provider, 0 %")]
    public async Task ServiceThatTrustsIdsOnly_DecidesForTheProxiesBehindIt(string planeName)
    {
        MeshTools.RequireEnvoy();
        var plane = ControlPlanes.All.Single(plane => plane.Name == planeName);
        var traceId = Guid.NewGuid().ToString("N");
        var answer = await SendAsync(mesh.Edge, plane, [.. Sent.BothUnsampled.Headers(traceId), new("x-request-id", Guid.NewGuid().ToString())]);
        Assert.Equal("1", answer["x-b3-sampled"]);

        var expected = SpanOutline.Chain(["edge SERVER", "edge CLIENT", "outbound CLIENT", "inbound-b SERVER", "b SERVER"], []);
        var spans = await mesh.Collector.WaitForAsync("the trace", spans =>
            spans.Where(span => span.TraceId == traceId).Select(span => span with { Service = ControlPlaneFixture.NameOf(span) }).ToList() is { Count: >= 5 } found ? found : null);
        SpanOutline.AssertEqual(expected, spans, () => mesh.Logs, CallerHeaders.SpanId);
    }

    private async Task AssertAllAsync(string planeName, Entry entry, IReadOnlyList<ControlPlaneCaller> callers)
    {
        MeshTools.RequireEnvoy();
        var plane = ControlPlanes.All.Single(plane => plane.Name == planeName);
        mesh.Collector.Forget();
        var exchanges = await Task.WhenAll(callers.SelectMany(caller => Digits(caller).Select(digit => SendAsync(plane, entry, caller, digit))));
        await WaitForAsync(exchanges);
        // What was to be exported before has been by the time a later request of the same way is seen whole.
        await WaitForAsync([await SendAsync(plane, entry, Flush, '9'), await SendAsync(plane, entry, exchanges.MaxBy(exchange => exchange.Expected.Count)!.Caller, '9')]);

        var traces = mesh.Collector.Spans.ToLookup(span => span.TraceId);
        var wrong = new StringBuilder();
        foreach (var exchange in exchanges)
            foreach (var difference in exchange.Differences([.. traces[exchange.TraceId]]))
                wrong.Append(exchange.Name).Append(": ").AppendLine(difference);
        if (wrong.Length > 0) Assert.Fail($"{wrong}The programs said:\n{mesh.Logs}");
    }

    private static char?[] Digits(ControlPlaneCaller caller) => AskedAgain.Contains(caller.Name) ? [null, '4', '9', 'a', 'b'] : [null, '9'];

    private async Task WaitForAsync(IReadOnlyList<Exchange> exchanges) =>
        await mesh.Collector.WaitForAsync("a trace", spans =>
        {
            var counts = spans.CountBy(span => span.TraceId).ToDictionary();
            return exchanges.All(exchange => counts.GetValueOrDefault(exchange.TraceId) >= exchange.Expected.Count) ? spans : null;
        });

    private async Task<Exchange> SendAsync(ControlPlane plane, Entry entry, ControlPlaneCaller caller, char? digit)
    {
        var traceId = Guid.NewGuid().ToString("N");
        // Its first eight digits, from which Envoy decides at random, are beyond 1 %.
        var requestId = digit is null ? null : $"ffffffff-{Guid.NewGuid().ToString()[9..14]}{digit}{Guid.NewGuid().ToString()[15..]}";
        var headers = caller.Headers(traceId);
        var answer = await SendAsync(mesh.Address(plane, entry), plane, requestId is null ? headers : [.. headers, new("x-request-id", requestId)]);
        return new Exchange(plane, entry, caller, digit, traceId, requestId, answer);
    }

    /// <summary>One request to a service, which calls service b; answers with the headers that b got.</summary>
    private async Task<Dictionary<string, string>> SendAsync(Uri entry, ControlPlane plane, HeaderLine[] headers)
    {
        using var connection = await RawConnection.OpenAsync(entry);
        var response = await connection.SendAsync(
            "GET", $"/echo-call/control-plane?url={Uri.EscapeDataString(new Uri(mesh.WayToB(plane), "/headers/control-plane").ToString())}", headers);
        Assert.Equal(200, response.Status);
        return new(JsonSerializer.Deserialize<Dictionary<string, string>>(response.Body)!, StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>One request, what became of it, and what should have.</summary>
    private sealed class Exchange(
        ControlPlane plane, Entry entry, ControlPlaneCaller caller, char? digit, string sentTraceId, string? sentRequestId, Dictionary<string, string> answer)
    {
        public ControlPlaneCaller Caller => caller;

        public string Name => $"{caller.Name}, x-request-id {digit?.ToString() ?? "none"}";

        /// <summary>The trace of service b.</summary>
        public string TraceId { get; } = answer["traceparent"][3..35];

        public ControlPlaneTree Expected { get; } = ControlPlaneTree.Of(
            plane, entry, caller, digit,
            observedHit: answer["x-request-id"][14] == '9',
            observedDecision: answer["traceparent"].EndsWith("-01", StringComparison.Ordinal));

        private IEnumerable<ControlPlaneProxy> Before => new[] { entry == Entry.Gateway ? plane.Gateway : null, entry != Entry.Service ? plane.Inbound : null }.OfType<ControlPlaneProxy>();

        public IEnumerable<string> Differences(IReadOnlyList<CollectedSpan> spans) =>
        [
            .. Compare("the tree", Expected.Outline, Outline(spans)),
            .. Compare("the debug flag of spans of services", Expected.IsDebug && Expected.IsRecorded, spans.Any(span => span.Debug)),
            .. Compare("the trace", Expected.IsCallersTrace, TraceId == ExpectedTraceId),
            .. Compare("x-b3-flags", Expected.IsDebug ? "1" : null, answer.GetValueOrDefault("x-b3-flags")),
            .. Compare("the decision of service a", Expected.IsRecorded ? "1" : "0", answer["x-b3-sampled"]),
            .. Compare("the request id", sentRequestId is not null && !Before.Any(proxy => proxy.ReplacesRequestId), Mask(answer["x-request-id"]) == Mask(sentRequestId)),
            .. Compare("the digit of the request id", Expected.Digit, answer["x-request-id"][14]),
            .. caller.ForeignTraceState(sentTraceId) is { } foreign
                ? Compare("the caller's tracestate", Expected.IsCallersTrace, answer.GetValueOrDefault("tracestate")?.Contains(foreign, StringComparison.Ordinal) == true)
                : [],
        ];

        private string ExpectedTraceId => caller.Name == nameof(Sent.B3Short) ? sentTraceId[16..].PadLeft(32, '0') : sentTraceId;

        private static IEnumerable<string> Compare<T>(string what, T expected, T actual) =>
            EqualityComparer<T>.Default.Equals(expected, actual) ? [] : [$"{what}: expected {Text(expected)} but is {Text(actual)}"];

        // A tree begins on a line of its own.
        private static string Text<T>(T value) => value?.ToString() is not { Length: > 0 } text ? "nothing" : text.Contains('\n', StringComparison.Ordinal) ? $"\n{text}" : text;

        private static string? Mask(string? requestId) => requestId?.Remove(14, 1);

        private static string Outline(IReadOnlyList<CollectedSpan> spans)
        {
            // A proxy that shares span ids reports the caller's own id: then its span is the root here.
            var isShared = spans.Any(span => span.Id == CallerHeaders.SpanId);
            var outline = SpanOutline.Of(
                [.. spans.OrderBy(span => span.StartMicroseconds).Select(span => span with { Service = ControlPlaneFixture.NameOf(span) })],
                isShared ? null : CallerHeaders.SpanId);
            return string.Concat(outline.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(line => line.StartsWith("orphan of", StringComparison.Ordinal) ? "orphan\n" : $"{line}\n"));
        }
    }
}
