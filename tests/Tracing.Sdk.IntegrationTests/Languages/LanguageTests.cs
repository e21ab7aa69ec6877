namespace Tracing.Sdk.IntegrationTests.Languages;

/// <summary>
/// Services in Go before, between and after ours: with OpenTelemetry and any propagators, with Zipkin's own library, and with none at all.
/// They are called by HTTP and gRPC, straight and through Envoy with each of its tracers.
/// </summary>
public sealed class LanguageTests(LanguageMesh mesh) : IClassFixture<LanguageMesh>
{
    public static TheoryData<string> Straight => Rows(LanguageRequests.Straight);

    public static TheoryData<string> Proxied => Rows(LanguageRequests.Proxied);

    public static TheoryData<string> Mixed => Rows(LanguageRequests.Mixed);

    public static TheoryData<string> NotWhole => Rows(LanguageRequests.NotWhole);

    public static TheoryData<string> RightFormats => Rows(LanguageRequests.RightFormats);

    public static TheoryData<string> Grpc => Rows(LanguageRequests.Grpc);

    public static TheoryData<string> GrpcOfOurs => Rows(LanguageRequests.GrpcOfOurs);

    public static TheoryData<string> Unsampled => Rows(LanguageRequests.Unsampled);

    public static TheoryData<string> Debug => Rows(LanguageRequests.Debug);

    public static TheoryData<string> NoDebug => Rows(LanguageRequests.NoDebug);

    public static TheoryData<string> Baggage => Rows(LanguageRequests.Baggage);

    [SkippableTheory]
    [MemberData(nameof(Straight))]
    public Task StraightCalls_AreOneTree(string request) => AssertTreeAsync(request);

    [SkippableTheory]
    [MemberData(nameof(Proxied))]
    public Task CallsThroughProxiesOfTheSameFormat_AreOneTree(string request) => AssertTreeAsync(request);

    [SkippableTheory]
    [MemberData(nameof(Mixed))]
    public Task CallsThroughSeveralLanguages_AreOneTree(string request) => AssertTreeAsync(request);

    [SkippableTheory]
    [MemberData(nameof(NotWhole))]
    public Task CallsInFormatsThatTheOtherDoesNotRead_AreTheTreeThatIsPossible(string request) => AssertTreeAsync(request);

    [SkippableTheory]
    [MemberData(nameof(RightFormats))]
    public Task CallsInTheFormatOfTheProxies_AreOneTree(string request) => AssertTreeAsync(request);

    [SkippableTheory]
    [MemberData(nameof(Grpc))]
    public Task GrpcCalls_AreOneTree(string request) => AssertTreeAsync(request);

    // The caller's span is an error for any status but OK, the service's if the service is at fault. Envoy's span agrees with the service's, or with the caller's
    // if its tracer is OpenTelemetry's.
    [SkippableTheory]
    [MemberData(nameof(GrpcOfOurs))]
    public async Task GrpcCalls_AreNamedByTheirMethod_AndAgreeWithTheProxyAboutErrors(string request)
    {
        var spans = mesh.SpansOf(await AssertTreeAsync(request));
        var kind = request.Split(' ')[1];
        var calls = spans.Where(span => span.Tag("rpc.system.name") is not null).OrderBy(span => span.Kind, StringComparer.Ordinal).ToArray();
        var method = "shop.Echo/" + (kind switch { "stream" => "Stream", "collect" => "Collect", "duplex" => "Duplex", _ => "Unary" });
        var status = kind switch { "fail" => "FAILED_PRECONDITION", "broken" => "UNKNOWN", _ => "OK" };

        Assert.Equal([("CLIENT", method), ("SERVER", method)], calls.Select(span => (span.Kind!, span.Name)));
        Assert.All(calls, span => Assert.Equal((method, status), (span.Tag("rpc.method"), span.Tag("rpc.response.status_code"))));
        Assert.Equal([kind is "fail" or "broken", kind == "broken"], calls.Select(span => span.Status == 2));
        var proxy = Assert.Single(spans, span => span.Id == calls[1].ParentId);
        var agreed = calls[request.Contains("OpenTelemetry", StringComparison.Ordinal) ? 0 : 1];
        Assert.Equal(agreed.Status == 2, proxy.Status == 2 || proxy.Tag("error") == "true");
    }

    [SkippableTheory]
    [MemberData(nameof(Unsampled))]
    public async Task UnsampledCalls_LeaveNoSpanAndSayNoToTheNext(string request)
    {
        var answer = await AssertTreeAsync(request);
        Assert.Equal("0", answer.Last!.One("X-B3-Sampled"));
        Assert.Matches("-0[02]$", answer.Last.One("traceparent"));
        Assert.Equal(Assert.Single(answer.TraceIds), answer.Last.One("X-B3-TraceId"));
    }

    [SkippableTheory]
    [MemberData(nameof(Debug))]
    public async Task DebugCalls_StayDebug(string request)
    {
        var answer = await AssertTreeAsync(request);
        Assert.Equal("1", answer.Last!.One("X-B3-Flags"));
    }

    [SkippableTheory]
    [MemberData(nameof(NoDebug))]
    public async Task DebugCallsInOneHeaderThroughEnvoy_StaySampledOnly(string request)
    {
        var answer = await AssertTreeAsync(request);
        Assert.Null(answer.Last!.One("X-B3-Flags"));
        Assert.Equal("1", answer.Last.One("X-B3-Sampled"));
    }

    [SkippableTheory]
    [MemberData(nameof(Baggage))]
    public async Task Baggage_GoesThroughWhatSpeaksIt(string request)
    {
        var answer = await AssertTreeAsync(request);
        var isSpoken = request.Contains("baggage", StringComparison.Ordinal) || request.Contains("forward", StringComparison.Ordinal);
        Assert.Equal(isSpoken ? "shop=7" : null, answer.Last!.One("baggage"));
    }

    private static TheoryData<string> Rows(IEnumerable<LanguageRequest> requests) => new(requests.Select(request => request.ToString()));

    private async Task<LanguageAnswer> AssertTreeAsync(string name)
    {
        var request = LanguageRequests.All.First(request => request.ToString() == name);
        var answer = await mesh.AnswerAsync(request);
        var tree = mesh.OutlineOf(answer);
        if (tree != request.Expected)
            Assert.Fail($"Expected:\n{request.Expected}\nbut the tree is\n{tree}\nand the last service sent\n{string.Join('\n', answer.Last?.Headers ?? [])}\nThe services said:\n{mesh.Logs}");
        return answer;
    }
}
