using Tracing.Sdk.Export;
using Tracing.Sdk.Export.Http;
using Tracing.Sdk.Tests.Export.Encoding;

namespace Tracing.Sdk.Tests.Export;

public sealed class RetryPolicyTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(0, 1.0, 1000)]
    [InlineData(1, 1.0, 1500)]
    [InlineData(2, 1.0, 2250)]
    [InlineData(4, 1.0, 5000)]
    [InlineData(int.MaxValue, 1.0, 5000)]
    [InlineData(0, 0.25, 250)]
    [InlineData(3, 0.0, 0)]
    public void Delay_Attempt_GrowsAndIsJittered(int attempt, double random, int milliseconds) =>
        Assert.Equal(milliseconds, RetryPolicy.Delay(attempt, random).TotalMilliseconds);

    [Theory]
    [InlineData("3", 3000)]
    [InlineData(" 3 ", 3000)]
    [InlineData("0", 100)]
    [InlineData("60", 60_000)]
    [InlineData("61", 60_000)]
    [InlineData("999999999", 60_000)]
    [InlineData("Sun, 22 Nov 2026 23:00:00 GMT", 60_000)]
    [InlineData("Sun, 22 Nov 2026 12:00:05 GMT", 5000)]
    [InlineData("Sunday, 22-Nov-26 12:00:05 GMT", 5000)]
    [InlineData("Sun, 22 Nov 2026 11:59:59 GMT", null)]
    [InlineData("Sun, 22 Nov 2026 12:00:00 GMT", null)]
    [InlineData("soon", null)]
    [InlineData("-1", null)]
    [InlineData("1.5", null)]
    [InlineData("", null)]
    [InlineData(null, null)]
    [InlineData("99999999999999999999", null)]
    public void RetryAfter_Header_IsSecondsOrADate(string? header, int? milliseconds) =>
        Assert.Equal(milliseconds, (int?)RetryPolicy.ParseRetryAfter(header, Now)?.TotalMilliseconds);

    [Theory]
    [InlineData(429, true, true)]
    [InlineData(502, true, true)]
    [InlineData(503, true, true)]
    [InlineData(504, true, true)]
    [InlineData(408, false, false)]
    [InlineData(413, false, false)]
    [InlineData(500, false, true)]
    [InlineData(501, false, false)]
    [InlineData(400, false, false)]
    public void IsRetryable_Status_AsTheProtocolSays(int status, bool otlp, bool zipkin) =>
        Assert.Equal((otlp, zipkin), (IsRetryable("otlp", status), IsRetryable("zipkin", status)));

    private static bool IsRetryable(string exporter, int status)
    {
        var settings = ExporterUnderTest.Settings(exporter);
        return ((HttpFormat)settings.CreateFormat(settings, Encoded.Resource)).IsRetryable(status);
    }
}
