using Tracing.Sdk.Export.Otlp;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.IntegrationTests.Backends;

/// <summary>An exporter of ours, and real receivers: OTLP over gRPC, requests that are too large for them, and the port of the other protocol.</summary>
public sealed class ReceiverTests(ReceiverFixture receivers) : IClassFixture<ReceiverFixture>
{
    [SkippableTheory]
    [InlineData(ReceiverProgram.Collector, OtlpCompression.None)]
    [InlineData(ReceiverProgram.Collector, OtlpCompression.Gzip)]
    [InlineData(ReceiverProgram.Rotel, OtlpCompression.None)]
    [InlineData(ReceiverProgram.Rotel, OtlpCompression.Gzip)]
    public async Task Grpc_Spans_ArriveOnce(ReceiverProgram program, OtlpCompression compression)
    {
        using var exporter = Exporter(receivers.Require(program), WireFormat.OtlpGrpc, otlp => otlp.Compression = compression);
        Assert.True(exporter.Add(20).Flush());
        await AssertArrivedAsync(exporter, 20);
        Assert.Empty(exporter.Lines);
    }

    // What Jaeger has stored is read back in WholeSpanTests.
    [SkippableTheory]
    [InlineData(OtlpCompression.None)]
    [InlineData(OtlpCompression.Gzip)]
    public void Grpc_Jaeger_TakesTheSpans(OtlpCompression compression)
    {
        using var exporter = Exporter(receivers.Require(ReceiverProgram.Jaeger), WireFormat.OtlpGrpc, otlp => otlp.Compression = compression);
        Assert.True(exporter.Add(20).Flush());
        Assert.Equal(20, exporter.Metrics.Exported);
        Assert.Empty(exporter.Lines);
    }

    [SkippableTheory]
    [InlineData(ReceiverProgram.Collector, WireFormat.OtlpGrpc)]
    [InlineData(ReceiverProgram.Collector, WireFormat.OtlpProtobuf)]
    [InlineData(ReceiverProgram.Collector, WireFormat.OtlpJson)]
    [InlineData(ReceiverProgram.Collector, WireFormat.Zipkin)]
    [InlineData(ReceiverProgram.Rotel, WireFormat.OtlpGrpc)]
    public async Task TooLarge_ForTheReceiver_BatchesAreHalvedAndOneSpanIsCounted(ReceiverProgram program, WireFormat format)
    {
        using var exporter = Exporter(receivers.Require(program), format);
        Assert.False(exporter.Add(15, 100_000).Add(1, 1_500_000).Add(15, 100_000).Flush());
        await AssertArrivedAsync(exporter, 30);
        Assert.Equal((30, 1, 1), (exporter.Metrics.Exported, exporter.Metrics.TotalDropped, exporter.Metrics.Dropped(DropReason.TooLarge)));
    }

    // The Collector's and Jaeger's receivers of HTTP do not speak HTTP/2; Rotel's does, and knows no such path.
    [SkippableTheory]
    [InlineData(ReceiverProgram.Collector)]
    [InlineData(ReceiverProgram.Jaeger)]
    [InlineData(ReceiverProgram.Rotel)]
    public void Grpc_PortOfHttp_OneWarningNamesTheProtocol(ReceiverProgram program)
    {
        var endpoints = receivers.Require(program);
        using var exporter = Exporter(endpoints with { OtlpGrpc = endpoints.OtlpHttp }, WireFormat.OtlpGrpc);
        for (var i = 0; i < 3; i++) Assert.False(exporter.Add(2).Flush());
        AssertOneWarning(exporter, "For OTLP over HTTP, set MeshTracing:Export:Otlp:Protocol to http/protobuf");
    }

    [SkippableTheory]
    [InlineData(ReceiverProgram.Collector)]
    [InlineData(ReceiverProgram.Jaeger)]
    [InlineData(ReceiverProgram.Rotel)]
    public void Http_PortOfGrpc_OneWarningNamesTheProtocol(ReceiverProgram program)
    {
        var endpoints = receivers.Require(program);
        using var exporter = Exporter(endpoints with { OtlpHttp = endpoints.OtlpGrpc }, WireFormat.OtlpProtobuf);
        for (var i = 0; i < 3; i++) Assert.False(exporter.Add(2).Flush());
        AssertOneWarning(exporter, "set MeshTracing:Export:Otlp:Protocol to grpc");
    }

    private static LoneExporter Exporter(Endpoints endpoints, WireFormat format, Action<OtlpOptions>? change = null)
    {
        var options = new MeshTracingOptions();
        options.Export.Batch.Interval = TimeSpan.FromHours(1);
        options.Export.Otlp.Protocol = format switch
        {
            WireFormat.OtlpGrpc => OtlpProtocol.Grpc,
            WireFormat.OtlpJson => OtlpProtocol.HttpJson,
            _ => OtlpProtocol.HttpProtobuf,
        };
        options.Export.Otlp.Endpoint = format == WireFormat.OtlpGrpc ? endpoints.OtlpGrpc : new Uri(endpoints.OtlpHttp, "/v1/traces");
        if (format == WireFormat.Zipkin)
        {
            options.Export.Exporters.Clear();
            options.Export.Exporters.Add("zipkin");
            options.Export.Zipkin.Endpoint = new Uri(endpoints.Zipkin!, "/api/v2/spans");
        }

        change?.Invoke(options.Export.Otlp);
        return new LoneExporter(options);
    }

    private static void AssertOneWarning(LoneExporter exporter, string advice)
    {
        if (exporter.Lines is not [var line]) Assert.Fail($"Expected one warning, but there were:\n{string.Join('\n', exporter.Lines)}");
        else Assert.Contains(advice, line, StringComparison.Ordinal);
    }

    private async Task AssertArrivedAsync(LoneExporter exporter, int count)
    {
        var traceId = exporter.TraceId.ToHexString();
        var spans = await receivers.Backend.WaitForAsync($"{count} spans of {traceId}", all => all.Where(span => span.TraceId == traceId).ToArray() is var found && found.Length >= count ? found : null);
        Assert.Equal((count, count), (spans.Length, spans.Select(span => span.Id).Distinct().Count()));
    }
}
