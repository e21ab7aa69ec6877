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
