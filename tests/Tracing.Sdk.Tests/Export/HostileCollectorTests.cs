using Tracing.Sdk.Recording;
using Tracing.Sdk.Tests.Export.Encoding;
using static Tracing.Sdk.Tests.Export.ScriptedCollector;

namespace Tracing.Sdk.Tests.Export;

/// <summary>Collectors, and proxies in front of them, that answer what no specification allows, or quote what they should not.</summary>
public sealed class HostileCollectorTests
{
    [Theory]
    [InlineData(502)]
    [InlineData(503)]
    [InlineData(504)]
    public void Otlp_OneBatchIsRefusedForNowForEver_TheOthersPass(int status)
    {
        using var collector = new ScriptedCollector();
        collector.OnRequest = request => collector.Otherwise =
            System.Text.Encoding.UTF8.GetString(request.Content).Contains("poison", StringComparison.Ordinal) ? Reply(status) : Reply(200);
        using var exporter = new ExporterUnderTest(collector.Endpoint, s => s with { MaxBatchSpans = 2 });
        Assert.False(exporter.Add(TestSpan.With("k", "poison")).Add(5).Flush());
        exporter.AssertCounts(exported: 4, dropped: 2, reason: DropReason.Rejected);
    }

    [Fact]
    public void Otlp_OneBatchIsRefusedByRate_IsKept()
    {
        using var collector = new ScriptedCollector();
        var refusals = 0;
        collector.OnRequest = request => collector.Otherwise =
            System.Text.Encoding.UTF8.GetString(request.Content).Contains("unlucky", StringComparison.Ordinal) && ++refusals <= 40 ? Reply(429) : Reply(200);
        using var exporter = new ExporterUnderTest(collector.Endpoint, s => s with { MaxBatchSpans = 2 });
        Assert.True(exporter.Add(TestSpan.With("k", "unlucky")).Add(5).Flush());
        exporter.AssertCounts(exported: 6);
    }

    [Theory]
    [InlineData("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("HTTP/1.0 200 OK\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n0\r\nX: y\r\nZ: b\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;ext=1\r\nab")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")]
    [InlineData("HTTP/1.1 204 No Content\r\n\r\n")]
    [InlineData("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello")]
    [InlineData("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 3\r\n\r\nabc")]
    [InlineData("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\nContent-Length: 0\n\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Type: ;;;garbage\r\nContent-Length: 2\r\n\r\n\0\0")]
    [InlineData("HTTP/1.1 299 Odd\r\nContent-Length: 0\r\n\r\n")]
    public void Success_InAnOddForm_IsTakenOnce(string answer)
    {
        using var collector = new ScriptedCollector { Otherwise = Raw(answer) };
        using var exporter = new ExporterUnderTest(collector.Endpoint);
        exporter.Add(3);
        exporter.Flush();
        exporter.AssertCounts(exported: 3);
        Assert.Single(collector.Requests);
    }

    [Theory]
    [InlineData("-5")]
    [InlineData("1e3")]
    [InlineData("3;foo")]
    [InlineData("99999999999999999999999")]
    [InlineData("9223372036854775807")]
    [InlineData("0")]
    [InlineData("Wed, 21 Oct 2015 07:28:00 GMT")]
    [InlineData("Fri, 31 Dec 9999 23:59:59 GMT")]
    [InlineData("0001-01-01")]
    [InlineData("9999-12-31T23:59:59-14:00")]
    [InlineData("0001-01-01T00:00:00+14:00")]
    [InlineData("٣")]
    [InlineData("1, 2")]
    [InlineData("12:00")]
    public void RetryAfter_Odd_DeliversAndNeverBreaks(string header)
    {
        using var collector = new ScriptedCollector();
        collector.Then(Reply(503, "", $"Retry-After: {header}"));
        using var exporter = new ExporterUnderTest(collector.Endpoint);
        Assert.True(exporter.Add(3).Flush());
        exporter.AssertCounts(exported: 3);
        Assert.All(exporter.Time.Pauses, p => Assert.InRange(p, TimeSpan.Zero, TimeSpan.FromMinutes(1)));
    }

    [Theory]
    [InlineData("Authorization", "Bearer tok-5ecret-value", "token tok-5ecret-value is not valid")]
    [InlineData("Authorization", "Basic dXNlcjp0b2stNWVjcmV0LXZhbHVl", "no such login: user:tok-5ecret-value")]
    [InlineData("Authorization", "Basic dXNlcjp0b2stNWVjcmV0LXZhbHVl", "cannot decode dXNlcjp0b2stNWVjcmV0LXZhbHVl")]
    [InlineData("x-api-key", "tok-5ecret-value", "KEY TOK-5ECRET-VALUE IS UNKNOWN")]
    public void Refusal_QuotesTheToken_IsNotLogged(string name, string value, string said)
    {
        using var collector = new ScriptedCollector { Otherwise = Reply(401, said, "Content-Type: text/plain") };
        using var exporter = new ExporterUnderTest(collector.Endpoint, s => s with { Headers = [new(name, value)] });
        exporter.Add(1).Flush();
        Assert.NotEmpty(exporter.Log.Lines);
        Assert.DoesNotContain("tok-5ecret-value", string.Join('\n', exporter.Log.Lines), StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("dXNlcjp0b2stNWVjcmV0LXZhbHVl", string.Join('\n', exporter.Log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public void Refusal_QuotesTheTokenAcrossTheCut_IsNotLogged()
    {
        using var collector = new ScriptedCollector { Otherwise = Reply(401, new string('x', 490) + "tok-5ecret-value", "Content-Type: text/plain") };
        using var exporter = new ExporterUnderTest(collector.Endpoint, s => s with { Headers = [new("x-api-key", "tok-5ecret-value")] });
        exporter.Add(1).Flush();
        Assert.DoesNotContain("tok-5ecre", string.Join('\n', exporter.Log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public void Refusal_QuotesQueryDecoded_IsNotLogged()
    {
        using var collector = new ScriptedCollector { Otherwise = Reply(401, "bad key tok 5ecret value", "Content-Type: text/plain") };
        using var exporter = new ExporterUnderTest(new Uri(collector.Endpoint + "?api-key=tok%205ecret%20value&x=1"));
        exporter.Add(1).Flush();
        Assert.DoesNotContain("tok 5ecret", string.Join('\n', exporter.Log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public void Refusal_QuotesOneQueryValue_IsNotLogged()
    {
        using var collector = new ScriptedCollector { Otherwise = Reply(401, "bad key tok5ecret", "Content-Type: text/plain") };
        using var exporter = new ExporterUnderTest(new Uri(collector.Endpoint + "?api-key=tok5ecret&x=1"));
        exporter.Add(1).Flush();
        Assert.DoesNotContain("tok5ecret", string.Join('\n', exporter.Log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public void Redirect_WithTheSecretInItsPath_IsNotLogged()
    {
        using var collector = new ScriptedCollector { Otherwise = Reply(302, "", "Location: https://u:tok5ecret@other/x?k=tok5ecret#tok5ecret") };
        using var exporter = new ExporterUnderTest(collector.Endpoint);
        exporter.Add(1).Flush();
        Assert.DoesNotContain("tok5ecret", string.Join('\n', exporter.Log.Lines), StringComparison.Ordinal);
    }
}
