using System.Diagnostics.Metrics;
using System.IO.Compression;
using Google.Protobuf;
using Microsoft.AspNetCore.Http;
using Tracing.Sdk.Export;
using Tracing.Sdk.Recording;
using Tracing.Sdk.Tests.Otlp;
using static Tracing.Sdk.Tests.Export.Grpc.GrpcCollector;

namespace Tracing.Sdk.Tests.Export.Grpc;

/// <summary>What the answers to a gRPC export mean. Each test checks the counts.</summary>
public sealed class GrpcStatusTests : IDisposable
{
    private readonly GrpcCollector _collector = new();

    [Fact]
    public void Status_Ok_IsExportedSilently()
    {
        using var exporter = Exporter().Add(3);
        Assert.True(exporter.Flush());
        exporter.AssertCounts(exported: 3);
        Assert.Empty(exporter.Log.Lines);
    }

    [Theory]
    [InlineData(1, "CANCELLED")]
    [InlineData(4, "DEADLINE_EXCEEDED")]
    [InlineData(10, "ABORTED")]
    [InlineData(11, "OUT_OF_RANGE")]
    [InlineData(14, "UNAVAILABLE")]
    [InlineData(15, "DATA_LOSS")]
    public void Status_ForNow_IsTriedAgain(int status, string name)
    {
        _collector.Then(Status(status, "later"), TrailersOnly(status));
        using var exporter = Exporter().Add(2);
        Assert.True(exporter.Flush());
        exporter.AssertCounts(exported: 2);
        Assert.Equal((3, 2), (_collector.Calls.Count, exporter.Metrics.Retries));
        Assert.All(exporter.Time.Pauses, pause => Assert.InRange(pause, TimeSpan.Zero, TimeSpan.FromSeconds(5)));
        Assert.EndsWith($"answered {name}: later. The spans are kept and tried again.", exporter.Log.Lines[0], StringComparison.Ordinal);
        Assert.Matches("works again after [0-9.]+ s; no span was lost.$", exporter.Log.Lines[1]);
    }

    [Theory]
    [InlineData(2, "UNKNOWN")]
    [InlineData(3, "INVALID_ARGUMENT")]
    [InlineData(5, "NOT_FOUND")]
    [InlineData(6, "ALREADY_EXISTS")]
    [InlineData(7, "PERMISSION_DENIED")]
    [InlineData(8, "RESOURCE_EXHAUSTED")]
    [InlineData(9, "FAILED_PRECONDITION")]
    [InlineData(12, "UNIMPLEMENTED")]
    [InlineData(13, "INTERNAL")]
    [InlineData(16, "UNAUTHENTICATED")]
    public void Status_ForGood_IsNotTriedAgain(int status, string name)
    {
        _collector.Then(Status(status, "no"));
        using var exporter = Exporter().Add(2);
        Assert.False(exporter.Flush());
        exporter.AssertCounts(dropped: 2, reason: DropReason.Rejected);
        Assert.Single(_collector.Calls);
        Assert.Contains($"answered {name}: no. ", Assert.Single(exporter.Log.Lines), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("17")]
    [InlineData("99999999999999999999")]
    [InlineData("-1")]
    [InlineData("zero")]
    [InlineData("0x0")]
    [InlineData("+0")]
    [InlineData("0.0")]
    [InlineData("1, 14")]
    public void Status_NoneOfTheList_IsUnknown(string status)
    {
        _collector.Then(Status(status));
        using var exporter = Exporter().Add(2);
        Assert.False(exporter.Flush());
        exporter.AssertCounts(dropped: 2, reason: DropReason.Rejected);
        Assert.Contains("answered UNKNOWN. ", Assert.Single(exporter.Log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public void Status_InTheHeadersOnly_IsUnderstood()
    {
        _collector.Then(TrailersOnly(16, "no key"));
        using var exporter = Exporter().Add(2);
        Assert.False(exporter.Flush());
        exporter.AssertCounts(dropped: 2, reason: DropReason.Rejected);
        Assert.EndsWith("answered UNAUTHENTICATED: no key. Check MeshTracing:Export:Otlp:Headers.", Assert.Single(exporter.Log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public void Status_OkInTheHeadersOnly_IsAccepted()
    {
        _collector.Then(TrailersOnly(0));
        using var exporter = Exporter().Add(2);
        Assert.True(exporter.Flush());
        exporter.AssertCounts(exported: 2);
    }

    [Fact]
    public void Status_TrailersAgainstHeaders_TheTrailersDecide()
    {
        _collector.Then(async context =>
        {
            context.Response.Headers["grpc-status"] = "0";
            await Status(13)(context);
        });
        using var exporter = Exporter().Add(2);
        Assert.False(exporter.Flush());
        exporter.AssertCounts(dropped: 2, reason: DropReason.Rejected);
    }

    [Fact]
    public void Status_Missing_IsLostAndNotSentTwice()
    {
        _collector.Then(OverHttp(200, "fine"));
        using var exporter = Exporter().Add(2);
        Assert.False(exporter.Flush());
        exporter.AssertCounts(dropped: 2, reason: DropReason.Rejected);
        Assert.Single(_collector.Calls);
        Assert.Contains("answered 200 without a gRPC status", Assert.Single(exporter.Log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public void Status_Forever_IsKept()
    {
        _collector.Then([.. Enumerable.Repeat(Status(14), 40)]);
        using var exporter = Exporter().Add(2);
        Assert.True(exporter.Flush());
        exporter.AssertCounts(exported: 2);
        Assert.Equal(40, exporter.Metrics.Retries);
    }

    [Fact]
    public void Status_OneBatchIsRefusedForNowForEver_TheOthersPass()
    {
        _collector.OnCall = call => _collector.Otherwise = Status(System.Text.Encoding.UTF8.GetString(call.Message).Contains("poison", StringComparison.Ordinal) ? 14 : 0);
        using var exporter = Exporter(settings => settings with { MaxBatchSpans = 2 });
        Assert.False(exporter.Add(Encoding.TestSpan.With("k", "poison")).Add(5).Flush());
        exporter.AssertCounts(exported: 4, dropped: 2, reason: DropReason.Rejected);
    }

    [Fact]
    public void Shutdown_ForNowForEver_CountsInItsTime()
    {
        _collector.Otherwise = Status(14);
        using var exporter = Exporter().Add(2);
        exporter.Shutdown(TimeSpan.FromSeconds(5));
        exporter.AssertCounts(dropped: 2, reason: DropReason.Shutdown);
    }

    [Theory]
    [InlineData(2, 500_000_000, 2500)]
    [InlineData(0, 5_000_000, 100)]
    [InlineData(59, 0, 59_000)]
    public void RetryInfo_Delay_IsHonoured(long seconds, int nanoseconds, int milliseconds)
    {
        _collector.Then(Status(14, "later", Details(seconds, nanoseconds)));
        using var exporter = Exporter().Add();
        Assert.True(exporter.Flush());
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), exporter.Time.Pauses.Aggregate(TimeSpan.Zero, (sum, pause) => sum + pause));
    }

    [Theory]
    [InlineData(3600, 0)]
    [InlineData(long.MaxValue, 0)]
    [InlineData(60, int.MaxValue)]
    public void RetryInfo_DelayOfHours_IsAMinute(long seconds, int nanoseconds)
    {
        _collector.Then(Status(14, null, Details(seconds, nanoseconds)));
        using var exporter = Exporter().Add();
        Assert.True(exporter.Flush());
        Assert.Equal(TimeSpan.FromMinutes(1), exporter.Time.Pauses.Aggregate(TimeSpan.Zero, (sum, pause) => sum + pause));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(-1, 0)]
    [InlineData(0, -1)]
    [InlineData(long.MinValue, int.MinValue)]
    public void RetryInfo_WithoutADelay_BacksOff(long seconds, int nanoseconds)
    {
        _collector.Then(Status(14, null, Details(seconds, nanoseconds)));
        using var exporter = Exporter().Add();
        Assert.True(exporter.Flush());
        Assert.InRange(Assert.Single(exporter.Time.Pauses), TimeSpan.Zero, TimeSpan.FromSeconds(1));
    }

    [Fact]
    public void RetryInfo_OfAnExhaustedQuota_IsHonoured()
    {
        _collector.Then(Status(8, "message too large a share", Details(1, 0)));
        using var exporter = Exporter().Add(4);
        Assert.True(exporter.Flush());
        exporter.AssertCounts(exported: 4);
        Assert.Equal(TimeSpan.FromSeconds(1), Assert.Single(exporter.Time.Pauses));
        Assert.Equal(2, _collector.Calls.Count);
    }

    [Fact]
    public void RetryInfo_OfAStatusForGood_ChangesNothing()
    {
        _collector.Then(Status(3, "no", Details(1, 0)));
        using var exporter = Exporter().Add(2);
        Assert.False(exporter.Flush());
        exporter.AssertCounts(dropped: 2, reason: DropReason.Rejected);
    }

    [Fact]
    public void RetryInfo_QuotaForEver_IsKept()
    {
        var refusals = 0;
        _collector.OnCall = call => _collector.Otherwise =
            System.Text.Encoding.UTF8.GetString(call.Message).Contains("unlucky", StringComparison.Ordinal) && ++refusals <= 40 ? Status(8, "quota", Details(3, 0)) : Status(0);
        using var exporter = Exporter(settings => settings with { MaxBatchSpans = 2 });
        Assert.True(exporter.Add(Encoding.TestSpan.With("k", "unlucky")).Add(5).Flush());
        exporter.AssertCounts(exported: 6);
    }

    [Theory]
    [InlineData("not base64!")]
    [InlineData("A")]
    [InlineData("====")]
    [InlineData("/////////w==")]
    [InlineData("CAgS")]
    [InlineData("Gv///////////wE=")]
    [InlineData("")]
    public void RetryInfo_Broken_IsNone(string details)
    {
        _collector.Then(Status(14, "later", details), Status(8, "quota", details));
        using var exporter = Exporter().Add(2);
        Assert.False(exporter.Flush());
        exporter.AssertCounts(dropped: 2, reason: DropReason.Rejected);
        Assert.InRange(Assert.Single(exporter.Time.Pauses), TimeSpan.Zero, TimeSpan.FromSeconds(1));
    }

    [Fact]
    public void RetryInfo_BehindThousandsOfDetails_IsNone()
    {
        var details = Convert.ToBase64String([.. Enumerable.Repeat((byte[])[0x1A, 0x00], 20_000).SelectMany(detail => detail), .. Convert.FromBase64String(Details(1, 0))]);
        _collector.Then(Status(14, "later", details));
        using var exporter = Exporter().Add(2);
        Assert.True(exporter.Flush());
        exporter.AssertCounts(exported: 2);
    }

    [Fact]
    public void RetryInfo_UnpaddedBehindAnother_IsFound()
    {
        var details = Convert.ToBase64String([0x08, 0x0E, 0x1A, 0x05, 0x0A, 0x01, (byte)'x', 0x12, 0x00, .. Convert.FromBase64String(Details(3, 0))]).TrimEnd('=');
        _collector.Then(Status(14, null, details));
        using var exporter = Exporter().Add();
        Assert.True(exporter.Flush());
        Assert.Equal(TimeSpan.FromSeconds(3), Assert.Single(exporter.Time.Pauses));
    }

    [Theory]
    [InlineData("caf%C3%A9 100%25", "café 100%")]
    [InlineData("broken %zz %e", "broken %zz %e")]
    [InlineData("%ff%fe", "%ff%fe")]
    [InlineData("two%0D%0Alines", "two  lines")]
    public void Message_PercentEncoded_IsOneDecodedLine(string sent, string shown)
    {
        _collector.Then(Status(13, sent));
        using var exporter = Exporter().Add();
        Assert.False(exporter.Flush());
        var line = Assert.Single(exporter.Log.Lines);
        Assert.Contains($"answered INTERNAL: {shown}. ", line.Replace("\\r", " ", StringComparison.Ordinal).Replace("\\n", " ", StringComparison.Ordinal), StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain('\n', line);
    }

    [Fact]
    public void Message_QuotesAHeader_HidesIt()
    {
        _collector.Then(Status(16, "no such key: SECRET%2DHEADER"));
        using var exporter = Exporter(settings => settings with { Headers = [new("x-otlp-api-key", "SECRET-HEADER")] }).Add();
        Assert.False(exporter.Flush());
        Assert.EndsWith("answered UNAUTHENTICATED: no such key: (hidden). Check MeshTracing:Export:Otlp:Headers.", Assert.Single(exporter.Log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public void Message_Of50Kilobytes_IsCut()
    {
        _collector.Then(Status(13, new string('x', 50_000)));
        using var exporter = Exporter().Add(2);
        Assert.False(exporter.Flush());
        exporter.AssertCounts(dropped: 2, reason: DropReason.Rejected);
        Assert.InRange(Assert.Single(exporter.Log.Lines).Length, 400, 1000);
    }

    [Fact]
    public void Log_StatusChanges_NamesEachOnce()
    {
        _collector.Then(Status(13), Status(16), Status(13), Status(16), Status(3));
        using var exporter = Exporter();
        for (var i = 0; i < 5; i++) exporter.Add().Flush();
        Assert.Equal(["INTERNAL", "UNAUTHENTICATED", "INVALID_ARGUMENT"], exporter.Log.Lines.Select(line => line.Split("answered ")[1].Split('.')[0]));
    }

    [Fact]
    public void PartialSuccess_Rejected_IsCountedAndNotTriedAgain()
    {
        var answer = new ExportTraceServiceResponse { PartialSuccess = new() { RejectedSpans = 2, ErrorMessage = "too old" } };
        _collector.Then(Message(answer.ToByteArray(), 0));
        using var exporter = Exporter().Add(5);
        Assert.False(exporter.Flush());
        exporter.AssertCounts(exported: 3, dropped: 2, reason: DropReason.Rejected);
        Assert.Single(_collector.Calls);
        Assert.Contains("did not take 2 spans: too old", Assert.Single(exporter.Log.Lines), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0a0908ffffffffffffff7f", 5)]
    [InlineData("0a0b08ffffffffffffffffff01", 0)]
    [InlineData("0a04ffffffff", 0)]
    [InlineData("0a02", 0)]
    [InlineData("ffffffffffffffffffffffff", 0)]
    public void PartialSuccess_Nonsense_CountsNoMoreThanWasSent(string message, int rejected)
    {
        _collector.Then(Message(Convert.FromHexString(message), 0));
        using var exporter = Exporter().Add(5);
        exporter.Flush();
        exporter.AssertCounts(exported: 5 - rejected, dropped: rejected, reason: DropReason.Rejected);
    }

    // The status decides, although the message cannot be read.
    [Theory]
    [InlineData("")]
    [InlineData("00")]
    [InlineData("0000000064")]
    [InlineData("00ffffffff00")]
    [InlineData("0200000000")]
    [InlineData("01000000021f8b")]
    [InlineData("00000000000000000000")]
    public void Success_WithAMessageThatCannotBeRead_IsTakenOnce(string body)
    {
        _collector.Then(async context =>
        {
            await context.Response.Body.WriteAsync(Convert.FromHexString(body));
            context.Response.AppendTrailer("grpc-status", "0");
        });
        using var exporter = Exporter().Add(2);
        Assert.True(exporter.Flush());
        exporter.AssertCounts(exported: 2);
        Assert.Single(_collector.Calls);
    }

    [Fact]
    public void Success_CompressedAlthoughNotAskedFor_IsTaken()
    {
        using var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionLevel.Fastest, leaveOpen: true)) gzip.Write(new ExportTraceServiceResponse().ToByteArray());
        _collector.Then(Message(compressed.ToArray(), 0, flag: 1));
        using var exporter = Exporter().Add(2);
        Assert.True(exporter.Flush());
        exporter.AssertCounts(exported: 2);
    }

    [Fact]
    public void Answer_Over4MiB_IsCutOff()
    {
        _collector.Then(Message(new byte[5 * 1024 * 1024], 0));
        using var exporter = Exporter();
        Assert.False(exporter.Add(2).Flush());
        Assert.True(exporter.Add(3).Flush());
        exporter.AssertCounts(exported: 3, dropped: 2, reason: DropReason.Rejected);
        Assert.Contains("more than 4 MiB", exporter.Log.Lines[0], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(429)]
    [InlineData(502)]
    [InlineData(503)]
    [InlineData(504)]
    public void Proxy_RefusesForNow_IsTriedAgain(int status)
    {
        _collector.Then(OverHttp(status, "no upstream", ("Content-Type", "text/plain"), ("Retry-After", "2")));
        using var exporter = Exporter().Add(2);
        Assert.True(exporter.Flush());
        exporter.AssertCounts(exported: 2);
        Assert.Equal(TimeSpan.FromSeconds(2), Assert.Single(exporter.Time.Pauses));
        Assert.EndsWith($"answered {status}: no upstream. The spans are kept and tried again.", exporter.Log.Lines[0], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(302, "Redirects are not followed. Set MeshTracing:Export:Otlp:Endpoint to http://new.example/.")]
    [InlineData(400, "The spans are lost. Check MeshTracing:Export:Otlp:Endpoint.")]
    [InlineData(401, "Check MeshTracing:Export:Otlp:Headers.")]
    [InlineData(403, "Check MeshTracing:Export:Otlp:Headers.")]
    [InlineData(404, "For OTLP over HTTP, set MeshTracing:Export:Otlp:Protocol to http/protobuf")]
    [InlineData(415, "For OTLP over HTTP, set MeshTracing:Export:Otlp:Protocol to http/protobuf")]
    [InlineData(500, "The collector's own log should say why.")]
    public void Proxy_Refuses_IsNotTriedAgain(int status, string advice)
    {
        _collector.Then(OverHttp(status, "", ("Location", "http://new.example/")));
        using var exporter = Exporter().Add(2);
        Assert.False(exporter.Flush());
        exporter.AssertCounts(dropped: 2, reason: DropReason.Rejected);
        Assert.Single(_collector.Calls);
        var line = Assert.Single(exporter.Log.Lines);
        Assert.Contains($"answered {status}. ", line, StringComparison.Ordinal);
        Assert.Contains(advice, line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(200)]
    [InlineData(403)]
    public void Proxy_AnswersWithAWebPage_IsNoSuccess(int status)
    {
        _collector.Then(OverHttp(status, "<html>Log in</html>", ("Content-Type", "text/html")));
        using var exporter = Exporter().Add(2);
        Assert.False(exporter.Flush());
        exporter.AssertCounts(dropped: 2, reason: DropReason.Rejected);
        Assert.Contains($"answered {status} with a web page", Assert.Single(exporter.Log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public void Proxy_RefusesWithAStatusOfGrpc_TheLatterDecides()
    {
        _collector.Then(async context =>
        {
            context.Response.StatusCode = 415;
            await TrailersOnly(14, "no upstream")(context);
        });
        using var exporter = Exporter().Add(2);
        Assert.True(exporter.Flush());
        exporter.AssertCounts(exported: 2);
        Assert.Contains("answered UNAVAILABLE: no upstream.", exporter.Log.Lines[0], StringComparison.Ordinal);
    }

    // https://opentelemetry.io/docs/specs/semconv/otel/sdk-metrics/#metric-otelsdkexporteroperationduration
    [Theory]
    [InlineData(0, "rpc.response.status_code=OK")]
    [InlineData(13, "error.type=INTERNAL rpc.response.status_code=INTERNAL")]
    [InlineData(404, "error.type=404 http.response.status_code=404")]
    [InlineData(200, "error.type=Rejected http.response.status_code=200")]
    public void Metrics_Duration_NamesTheStatus(int status, string expected)
    {
        using var metrics = new SpanMetrics();
        var measured = new List<string>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (metrics.Owns(instrument.Meter) && instrument.Name == "otel.sdk.exporter.operation.duration") self.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<double>((_, _, tags, _) => measured.Add(string.Join(' ', tags.ToArray()
            .Where(tag => !tag.Key.StartsWith("otel.component", StringComparison.Ordinal)).Select(tag => $"{tag.Key}={tag.Value}").Order(StringComparer.Ordinal))));
        listener.Start();
        _collector.Then(status < 100 ? Status(status) : OverHttp(status));
        using var exporter = new ExporterUnderTest(_collector.Endpoint, ExporterUnderTest.AsOtlpGrpc, metrics: metrics.AddExporter("otlp_grpc_span_exporter"));
        exporter.Add().Flush();
        Assert.Equal(expected, Assert.Single(measured));
    }

    public void Dispose() => _collector.Dispose();

    // google.rpc.Status with one detail, a google.rpc.RetryInfo.
    private static string Details(long seconds, int nanoseconds)
    {
        byte[] delay = [0x08, .. Varint((ulong)seconds), 0x10, .. Varint((ulong)(long)nanoseconds)];
        byte[] info = Field(1, delay);
        byte[] detail = [.. Field(1, "type.googleapis.com/google.rpc.RetryInfo"u8.ToArray()), .. Field(2, info)];
        return Convert.ToBase64String(Field(3, detail));
    }

    private static byte[] Field(int number, byte[] content) => [(byte)((number << 3) | 2), .. Varint((ulong)content.Length), .. content];

    private static byte[] Varint(ulong value)
    {
        var bytes = new List<byte>();
        for (; value >= 0x80; value >>= 7) bytes.Add((byte)(value | 0x80));
        bytes.Add((byte)value);
        return [.. bytes];
    }

    private ExporterUnderTest Exporter(Func<ExporterSettings, ExporterSettings>? change = null) => new(
        _collector.Endpoint, settings => change?.Invoke(ExporterUnderTest.AsOtlpGrpc(settings)) ?? ExporterUnderTest.AsOtlpGrpc(settings));
}
