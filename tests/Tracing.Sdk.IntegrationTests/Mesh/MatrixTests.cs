using System.Text.Json;
using MeshDemo.Processes;
using Tracing.Sdk.IntegrationTests.Harness;
using Tracing.Sdk.IntegrationTests.Wire;

namespace Tracing.Sdk.IntegrationTests.Mesh;

/// <summary>
/// What a client may send x what a proxy may speak x how many proxies stand between two services:
/// each time one whole tree, read back from the real Zipkin, with the proxies' spans between those of the services.
/// </summary>
[Collection(MeshSuite.Name)]
public sealed class MatrixTests(MeshFixture mesh, MatrixFixture matrix) : IClassFixture<MatrixFixture>
{
    private const string Parent = CallerHeaders.SpanId;

    private static readonly string[] Kinds = ["Internal", "Server", "Client", "Producer", "Consumer"];

    public static TheoryData<string, bool, Sent> Sampled => Rows(sent => !IsUnsampled(sent));

    public static TheoryData<string, bool, Sent> Unsampled => Rows(IsUnsampled);

    public static TheoryData<string, bool> Proxies
    {
        get
        {
            var rows = new TheoryData<string, bool>();
            foreach (var tracer in Enum.GetNames<Tracer>())
                foreach (var twoSidecars in (bool[])[false, true])
                    rows.Add(tracer, twoSidecars);
            return rows;
        }
    }

    [SkippableTheory]
    [MemberData(nameof(Sampled))]
    public async Task SampledRequest_IsOneTree(string tracerName, bool twoSidecars, Sent sent)
    {
        var tracer = Require(tracerName);
        var traceId = Guid.NewGuid().ToString("N");
        var answer = await SendAsync(matrix.Envoy.Front(tracer, 100), tracer, 100, twoSidecars, "headers", sent.Headers(traceId));

        var expected = SpanOutline.Chain([.. FrontSpans(tracer, sent), .. WayToB], Arrival(twoSidecars));
        var spans = await AssertTreeAsync(expected, answer, IsContinued(sent) ? Parent : null);
        Assert.Equal("1", answer["x-b3-sampled"]);
        if (IsContinued(sent))
            Assert.Equal(sent == Sent.B3Short ? traceId[16..].PadLeft(32, '0') : traceId, answer["traceparent"][3..35]);

        // Envoy knows no debug flag: only the services' spans can bear it.
        Assert.All(
            spans.Where(span => span.Service != EnvoyMatrix.ServiceName),
            span => Assert.Equal(sent == Sent.B3Debug, span.Debug));
        Assert.Equal(sent == Sent.B3Debug ? "1" : null, answer.GetValueOrDefault("x-b3-flags"));
        if (sent == Sent.W3CForeignTraceState)
            Assert.EndsWith(",congo=t61rcWkgMzE", answer["tracestate"], StringComparison.Ordinal);
    }

    [SkippableTheory]
    [MemberData(nameof(Unsampled))]
    public async Task UnsampledRequest_LeavesNoSpanOfOursAndZeroOnTheWire(string tracerName, bool twoSidecars, Sent sent)
    {
        var tracer = Require(tracerName);
        var traceId = Guid.NewGuid().ToString("N");
        var answer = await SendAsync(matrix.Envoy.Front(tracer, 100), tracer, 100, twoSidecars, "headers", sent.Headers(traceId));
        AssertUnsampled(answer);
        Assert.Equal($"00-{traceId}", answer["traceparent"][..35]);

        await FlushAsync(tracer, twoSidecars);
        Assert.Empty(await mesh.Zipkin.FindTraceAsync(traceId));
    }

    [SkippableTheory]
    [MemberData(nameof(Proxies))]
    public async Task ProxiesThatSampleNothing_NobodyRecords(string tracerName, bool twoSidecars)
    {
        var tracer = Require(tracerName);
        var answer = await SendAsync(matrix.Envoy.Front(tracer, 0), tracer, 0, twoSidecars, "headers", []);
        AssertUnsampled(answer);

        await FlushAsync(tracer, twoSidecars);
        Assert.Empty(await mesh.Zipkin.FindTraceAsync(answer["traceparent"][3..35]));
    }

    /// <summary>Envoy from 1.39 on un-samples in mid-trace unless it finds its own decision in x-request-id.</summary>
    [SkippableTheory]
    [MemberData(nameof(Proxies))]
    public async Task OnlyTheFrontProxySamples_IsOneTree(string tracerName, bool twoSidecars)
    {
        var tracer = Require(tracerName);
        var answer = await SendAsync(matrix.Envoy.Front(tracer, 100), tracer, 0, twoSidecars, "headers", []);
        await AssertTreeAsync(SpanOutline.Chain([.. FrontSpans(tracer, Sent.Nothing), .. WayToB], Arrival(twoSidecars)), answer);
    }

    /// <summary>The same where the trace starts in our service: the request id that we mint must say that we sampled.</summary>
    [SkippableTheory]
    [MemberData(nameof(Proxies))]
    public async Task NoFrontProxyAndTheOthersSampleNothing_IsOneTree(string tracerName, bool twoSidecars)
    {
        var tracer = Require(tracerName);
        var answer = await SendAsync(matrix.ServiceA, tracer, 0, twoSidecars, "headers", []);
        await AssertTreeAsync(SpanOutline.Chain(WayToB, Arrival(twoSidecars)), answer);
    }

    [SkippableTheory]
    [MemberData(nameof(Proxies))]
    public async Task RetriesByEnvoy_EachAttemptIsAServerSpanOfOneTree(string tracerName, bool twoSidecars)
    {
        var tracer = Require(tracerName);
        var answer = await SendAsync(matrix.Envoy.Front(tracer, 100), tracer, 100, twoSidecars, "third-attempt", []);
        var expected = SpanOutline.Chain([.. FrontSpans(tracer, Sent.Nothing), .. WayToB], Arrival(twoSidecars), times: 3);
        var spans = await AssertTreeAsync(expected, answer);
        Assert.Equal(["1", "2", "3"], spans.Where(span => span.Service == "b").Select(span => span.Tag("envoy.attempt_count")).Order());
    }

    [SkippableTheory]
    [InlineData(nameof(Tracer.Zipkin))]
    [InlineData(nameof(Tracer.ZipkinW3C))]
    [InlineData(nameof(Tracer.OpenTelemetry))]
    public async Task GrpcCall_IsOneTree(string tracerName)
    {
        var tracer = Require(tracerName);
        var answer = await SendAsync(matrix.Envoy.Front(tracer, 100), "grpc-call", matrix.Envoy.EgressToGrpc(tracer), []);

        await AssertTreeAsync(
            SpanOutline.Chain([.. FrontSpans(tracer, Sent.Nothing), "a SERVER", "a CLIENT", "envoy CLIENT"], ["c SERVER"]), answer);
        Assert.Equal("1", answer["x-b3-sampled"]);
    }

    /// <summary>The server refuses a whole list for one span that it cannot read: then other spans would be missing too.</summary>
    [SkippableFact]
    public async Task OddSpans_AreAllTakenByTheServer()
    {
        MeshTools.RequireZipkin();
        MeshTools.RequireEnvoy();
        var traceId = Guid.NewGuid().ToString("N");
        using var connection = await RawConnection.OpenAsync(matrix.ServiceA);
        var response = await connection.SendAsync("GET", "/odd-spans/matrix", [new("traceparent", $"00-{traceId}-{Parent}-01")]);
        var odd = JsonSerializer.Deserialize<string[]>(response.Body)!;
        // Each in each of the five kinds, one of each kind without a name, and that of the request.
        var expected = odd.SelectMany(name => (string[])[.. Kinds.Select(kind => $"{name} {kind}")])
            .Concat(Kinds.Select(_ => "")).Append("GET /odd-spans/{**tag}").Select(name => name.ToLowerInvariant()).Order(StringComparer.Ordinal).ToArray();
        var spans = await mesh.Zipkin.WaitForTraceAsync(traceId, expected.Length);

        Assert.Equal(expected, spans.Select(span => span.Name).Order(StringComparer.Ordinal));
    }

    private static string[] WayToB => ["a SERVER", "a CLIENT", "envoy CLIENT"];

    private static string[] Arrival(bool twoSidecars) => twoSidecars ? ["envoy SERVER", "b SERVER"] : ["b SERVER"];

    // A proxy that cannot read what the client sent starts a trace of its own, and ours goes on under the client's span.
    private static string[] FrontSpans(Tracer tracer, Sent sent) => Reads(tracer, sent) ? ["envoy SERVER", "envoy CLIENT"] : [];

    private static bool Reads(Tracer tracer, Sent sent) => tracer switch
    {
        Tracer.Zipkin => sent is not (Sent.W3CSampled or Sent.W3CUnsampled or Sent.W3CForeignTraceState),
        Tracer.OpenTelemetry => sent is not (Sent.B3Single or Sent.B3Multi or Sent.B3Unsampled or Sent.B3Debug or Sent.B3Deferred or Sent.B3Short),
        _ => true,
    };

    private static bool IsUnsampled(Sent sent) => sent is Sent.W3CUnsampled or Sent.B3Unsampled or Sent.BothUnsampled;

    private static bool IsContinued(Sent sent) => sent != Sent.Nothing;

    private static TheoryData<string, bool, Sent> Rows(Func<Sent, bool> where)
    {
        var rows = new TheoryData<string, bool, Sent>();
        foreach (var tracer in Enum.GetNames<Tracer>())
            foreach (var twoSidecars in (bool[])[false, true])
                foreach (var sent in Enum.GetValues<Sent>().Where(where))
                    rows.Add(tracer, twoSidecars, sent);
        return rows;
    }

    /// <summary>One request to service a, which calls service b through the proxies; answers with the headers that b got.</summary>
    private async Task<Dictionary<string, string>> SendAsync(
        Uri entry, Tracer tracer, int sampling, bool twoSidecars, string endpointOfB, HeaderLine[] headers) =>
        await SendAsync(entry, "echo-call", new Uri(matrix.Envoy.Egress(tracer, sampling, twoSidecars), $"/{endpointOfB}/matrix"), headers);

    private static async Task<Dictionary<string, string>> SendAsync(Uri entry, string verb, Uri url, HeaderLine[] headers)
    {
        using var connection = await RawConnection.OpenAsync(entry);
        var response = await connection.SendAsync("GET", $"/{verb}/matrix?url={Uri.EscapeDataString(url.ToString())}", headers);
        Assert.Equal(200, response.Status);
        return new(JsonSerializer.Deserialize<Dictionary<string, string>>(response.Body)!, StringComparer.OrdinalIgnoreCase);
    }

    private static void AssertUnsampled(Dictionary<string, string> answer)
    {
        Assert.Equal("0", answer["x-b3-sampled"]);
        Assert.Matches("-0[02]$", answer["traceparent"]);
    }

    private async Task<IReadOnlyList<CollectedSpan>> AssertTreeAsync(string expected, Dictionary<string, string> answer, string? remoteParent = null)
    {
        var spans = await mesh.Zipkin.WaitForTraceAsync(answer["traceparent"][3..35], count: expected.Count(character => character == '\n'));
        SpanOutline.AssertEqual(expected, spans, () => matrix.Logs, remoteParent);
        return spans;
    }

    // What was to be exported before has been by the time a later request of the same way is seen whole.
    private async Task FlushAsync(Tracer tracer, bool twoSidecars)
    {
        var answer = await SendAsync(matrix.Envoy.Front(tracer, 100), tracer, 100, twoSidecars, "headers", []);
        await AssertTreeAsync(SpanOutline.Chain([.. FrontSpans(tracer, Sent.Nothing), .. WayToB], Arrival(twoSidecars)), answer);
    }

    private static Tracer Require(string tracerName)
    {
        MeshTools.RequireEnvoy();
        MeshTools.RequireZipkin();
        return Enum.Parse<Tracer>(tracerName);
    }
}
