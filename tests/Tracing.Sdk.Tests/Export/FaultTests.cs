using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using Tracing.Sdk.Export.Http;
using Tracing.Sdk.Recording;
using Tracing.Sdk.Tests.Testbed;
using static Tracing.Sdk.Tests.Export.ScriptedCollector;

namespace Tracing.Sdk.Tests.Export;

/// <summary>Faults between an exporter and its collector, over real sockets. Each test checks the counts.</summary>
public sealed class FaultTests
{
    [Fact]
    public void Export_HealthyCollector_TakesAll()
    {
        using var collector = new ScriptedCollector();
        using var exporter = new ExporterUnderTest(collector.Endpoint).Add(3);
        Assert.True(exporter.Flush());
        exporter.AssertCounts(exported: 3);
        Assert.Equal(3, collector.Take().Spans);
        Assert.Empty(exporter.Log.Lines);
    }

    [Fact]
    public void Export_Twice_UsesOneConnection()
    {
        using var collector = new ScriptedCollector();
        using var exporter = new ExporterUnderTest(collector.Endpoint);
        Assert.True(exporter.Add().Flush());
        Assert.True(exporter.Add().Flush());
        Assert.Equal((2, 1), (collector.Requests.Count, collector.Connections));
    }

    [Fact]
    public void Export_NoServer_KeepsSpansAndLogsOnce()
    {
        using var exporter = new ExporterUnderTest(Unused(), isHeld: true);
        Assert.False(exporter.Add(2).Flush());
        Assert.False(exporter.Add(2).Flush());
        exporter.AssertCounts(inFlight: 4);
        Assert.StartsWith("Warning: Spans cannot be exported. Nothing answers at http://localhost:", Assert.Single(exporter.Log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public void Shutdown_NoServer_CountsAllAtOnce()
    {
        using var exporter = new ExporterUnderTest(Unused(), isHeld: true);
        Assert.False(exporter.Add(2).Flush());
        exporter.Shutdown();
        exporter.AssertCounts(dropped: 2, reason: DropReason.Unreachable);
    }

    [Fact]
    public void Export_CollectorComesBack_LosesNothing()
    {
        var endpoint = Unused();
        using var exporter = new ExporterUnderTest(endpoint, isHeld: true);
        Assert.False(exporter.Add(5).Flush());
        using var collector = new ScriptedCollector(endpoint.Port);
        Assert.True(exporter.Flush());
        exporter.AssertCounts(exported: 5);
        Assert.Matches($"^Warning: The export to {endpoint} works again after [0-9.]+ s; no span was lost.$", exporter.Log.Lines[^1]);
        Assert.Equal(2, exporter.Log.Lines.Count);
    }

    [Fact]
    public void Export_CollectorDiesAndComesBack_LosesNothing()
    {
        var first = new ScriptedCollector();
        using var exporter = new ExporterUnderTest(first.Endpoint, isHeld: true);
        Assert.True(exporter.Add().Flush());
        first.Dispose();
        Assert.False(exporter.Add().Flush());
        using var second = new ScriptedCollector(first.Port);
        Assert.True(exporter.Flush());
        exporter.AssertCounts(exported: 2);
    }

    [Fact]
    public async Task Flush_LastAndCollectorComesBack_WaitsForIt()
    {
        var first = new ScriptedCollector();
        using var exporter = new ExporterUnderTest(first.Endpoint);
        Assert.True(exporter.Add().Flush());
        first.Dispose();
        var flush = exporter.Add().FlushLast();
        using var second = new ScriptedCollector(first.Port);
        Assert.True(await flush);
        exporter.AssertCounts(exported: 2);
    }

    [Fact]
    public async Task Flush_LastAndCollectorWasNotThereBefore_ReturnsAtOnce()
    {
        using var exporter = new ExporterUnderTest(Unused(), isHeld: true);
        Assert.False(exporter.Add().Flush());
        Assert.False(await exporter.FlushLast());
        exporter.AssertCounts(inFlight: 1);
    }

    [Fact]
    public void Shutdown_CallbackOfTheHandlerThrows_CountsAll()
    {
        using var exporter = new ExporterUnderTest(new Uri("http://localhost:1/"), settings => settings with { HandlerFactory = () => new CancelledHandler() }).Add(2);
        exporter.Shutdown(TimeSpan.FromMilliseconds(100));
        exporter.AssertCounts(dropped: 2, reason: DropReason.Shutdown);
    }

    [Fact]
    public void Export_HostIsUnknown_KeepsSpansAndNamesTheSetting()
    {
        using var exporter = new ExporterUnderTest(new Uri("http://no-such-host.invalid:4318/v1/traces"), isHeld: true);
        Assert.False(exporter.Add().Flush());
        exporter.AssertCounts(inFlight: 1);
        Assert.Contains("host name", Assert.Single(exporter.Log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public void Export_AcceptsAndNeverAnswers_GivesUpInTime()
    {
        using var collector = new ScriptedCollector { Otherwise = Hang };
        using var exporter = new ExporterUnderTest(collector.Endpoint);
        collector.OnRequest = _ => exporter.Time.Advance(TimeSpan.FromSeconds(10));
        Assert.False(exporter.Add(2).Flush());
        exporter.AssertCounts(dropped: 2, reason: DropReason.Timeout);
        Assert.Contains("did not answer in time", Assert.Single(exporter.Log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public void Export_CollectorReadsNothing_GivesUpInTime()
    {
        using var server = new TcpListener(IPAddress.Loopback, 0);
        server.Server.ReceiveBufferSize = 4096;
        server.Start();
        // The body is larger than the buffers of both sockets.
        using var exporter = new ExporterUnderTest(
            new Uri($"http://localhost:{((IPEndPoint)server.LocalEndpoint).Port}/v1/traces"),
            settings => settings with { MaxQueueBytes = 64 * 1024 * 1024, MaxBatchBytes = 64 * 1024 * 1024 });
        for (var i = 0; i < 5; i++) exporter.Add(Encoding.TestSpan.With("large", new string('x', 3_900_000)));
        var reading = new Thread(() =>
        {
            using var socket = server.AcceptSocket();
            socket.Receive(new byte[1]);
            exporter.Time.Advance(TimeSpan.FromSeconds(10));
            while (Receive(socket) > 0)
            {
                // Until the exporter closes the connection.
            }
        });
        reading.Start();
        Assert.False(exporter.Flush());
        exporter.AssertCounts(dropped: 5, reason: DropReason.Timeout);
        Assert.Contains("did not answer in time", Assert.Single(exporter.Log.Lines), StringComparison.Ordinal);
        reading.Join();
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1)]
    public void Export_ClockJumpsBetweenAttempts_DoesNotCount(int days)
    {
        using var collector = new ScriptedCollector().Then(Reply(503));
        using var exporter = new ExporterUnderTest(collector.Endpoint).Add(2);
        collector.OnRequest = _ => exporter.Time.ClockError = TimeSpan.FromDays(days);
        Assert.True(exporter.Flush());
        exporter.AssertCounts(exported: 2);
        Assert.Equal(1, exporter.Metrics.Retries);
    }

    [Fact]
    public void Shutdown_AcceptsAndNeverAnswers_EndsInItsTime()
    {
        using var collector = new ScriptedCollector { Otherwise = Hang };
        using var exporter = new ExporterUnderTest(collector.Endpoint).Add(2);
        exporter.Shutdown(TimeSpan.FromMilliseconds(100));
        exporter.AssertCounts(dropped: 2, reason: DropReason.Shutdown);
    }

    [Fact]
    public void Export_ResetInMidBody_IsTriedAgain()
    {
        using var collector = new ScriptedCollector().Then(Reset);
        using var exporter = new ExporterUnderTest(collector.Endpoint).Add(2);
        Assert.True(exporter.Flush());
        exporter.AssertCounts(exported: 2);
        Assert.Equal(1, exporter.Metrics.Retries);
    }

    [Fact]
    public void Export_ClosedWhileIdle_GoesOverANewConnectionAtOnce()
    {
        using var collector = new ScriptedCollector().Then(Reply(200), Reset);
        using var exporter = new ExporterUnderTest(collector.Endpoint);
        Assert.True(exporter.Add().Flush());
        Assert.True(exporter.Add().Flush());
        exporter.AssertCounts(exported: 2);
        Assert.Equal(0, exporter.Metrics.Retries);
    }

    [Theory]
    [InlineData(429)]
    [InlineData(502)]
    [InlineData(503)]
    [InlineData(504)]
    public void Export_Later_IsTriedAgain(int status)
    {
        using var collector = new ScriptedCollector().Then(Reply(status), Reply(status));
        using var exporter = new ExporterUnderTest(collector.Endpoint).Add();
        Assert.True(exporter.Flush());
        exporter.AssertCounts(exported: 1);
        Assert.All(exporter.Time.Pauses, pause => Assert.InRange(pause, TimeSpan.Zero, TimeSpan.FromSeconds(5)));
    }

    [Theory]
    [InlineData(400)]
    [InlineData(401)]
    [InlineData(404)]
    [InlineData(408)]
    [InlineData(500)]
    [InlineData(501)]
    [InlineData(302)]
    [InlineData(307)]
    public void Export_Refused_IsNotTriedAgain(int status)
    {
        using var collector = new ScriptedCollector().Then(Reply(status, "", "Location: http://localhost:1/"));
        using var exporter = new ExporterUnderTest(collector.Endpoint).Add(2);
        Assert.False(exporter.Flush());
        exporter.AssertCounts(dropped: 2, reason: DropReason.Rejected);
        Assert.Single(collector.Requests);
        Assert.Contains($"answered {status}", Assert.Single(exporter.Log.Lines), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("2", 2000)]
    [InlineData("0", 100)]
    [InlineData("Sat, 01 Jan 2000 00:00:03 GMT", 3000)]
    public void Export_RetryAfter_IsHonoured(string header, int milliseconds)
    {
        using var collector = new ScriptedCollector().Then(Reply(503, "", $"Retry-After: {header}"));
        using var exporter = new ExporterUnderTest(collector.Endpoint).Add();
        Assert.True(exporter.Flush());
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), Assert.Single(exporter.Time.Pauses));
    }

    [Theory]
    [InlineData("3600", 60_000)]
    [InlineData("Sat, 01 Jan 2000 01:00:00 GMT", 60_000)]
    public void Export_RetryAfterOfHours_IsTriedAgainAfterAMinute(string header, int milliseconds)
    {
        using var collector = new ScriptedCollector().Then(Reply(429, "", $"Retry-After: {header}"));
        using var exporter = new ExporterUnderTest(collector.Endpoint).Add();
        Assert.True(exporter.Flush());
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), exporter.Time.Pauses.Aggregate(TimeSpan.Zero, (sum, pause) => sum + pause));
    }

    [Fact]
    public void Export_RetryAfterThatIsNoNumber_IsTriedAgainSoon()
    {
        using var collector = new ScriptedCollector().Then(Reply(429, "", "Retry-After: 99999999999999999999"));
        using var exporter = new ExporterUnderTest(collector.Endpoint).Add();
        Assert.True(exporter.Flush());
        Assert.InRange(Assert.Single(exporter.Time.Pauses), TimeSpan.Zero, TimeSpan.FromSeconds(1));
    }

    [Theory]
    [InlineData(429)]
    [InlineData(502)]
    [InlineData(503)]
    [InlineData(504)]
    public void Export_LaterForLong_KeepsTheSpans(int status)
    {
        using var collector = new ScriptedCollector();
        collector.Then([.. Enumerable.Repeat(Reply(status), 40)]);
        using var exporter = new ExporterUnderTest(collector.Endpoint).Add(2);
        Assert.True(exporter.Flush());
        exporter.AssertCounts(exported: 2);
        Assert.True(exporter.Time.Pauses.Aggregate(TimeSpan.Zero, (sum, pause) => sum + pause) > TimeSpan.FromSeconds(20));
        Assert.Equal(40, exporter.Metrics.Retries);
    }

    [Fact]
    public void Export_Later_LogsThatSpansAreKept()
    {
        using var collector = new ScriptedCollector().Then(Reply(503, "data refused due to high memory usage", "Content-Type: text/plain"));
        using var exporter = new ExporterUnderTest(collector.Endpoint).Add(2);
        Assert.True(exporter.Flush());
        Assert.Equal(2, exporter.Log.Lines.Count);
        Assert.EndsWith("answered 503: data refused due to high memory usage. The spans are kept and tried again.", exporter.Log.Lines[0], StringComparison.Ordinal);
        Assert.Matches("^Warning: .* works again after [0-9.]+ s; no span was lost.$", exporter.Log.Lines[1]);
    }

    [Fact]
    public void Shutdown_LaterForEver_CountsInItsTime()
    {
        using var collector = new ScriptedCollector { Otherwise = Reply(503) };
        using var exporter = new ExporterUnderTest(collector.Endpoint).Add(2);
        exporter.Shutdown(TimeSpan.FromSeconds(5));
        exporter.AssertCounts(dropped: 2, reason: DropReason.Shutdown);
    }

    [Fact]
    public void Shutdown_InALongPause_TriesOnceMore()
    {
        using var collector = new ScriptedCollector().Then(Reply(503, "", "Retry-After: 60"));
        using var exporter = new ExporterUnderTest(collector.Endpoint, isHeld: true).Add(2);
        collector.OnRequest = _ => { };
        Assert.False(exporter.Flush(TimeSpan.FromMilliseconds(1)));
        collector.Take();
        exporter.Time.WaitForPause();
        exporter.Shutdown(TimeSpan.FromSeconds(5));
        exporter.AssertCounts(exported: 2);
    }

    [Fact]
    public void Export_ReasonChanges_LogsEachReasonOnce()
    {
        using var collector = new ScriptedCollector().Then(Reply(400), Reply(400), Reply(401), Reply(400), Reply(401));
        using var exporter = new ExporterUnderTest(collector.Endpoint);
        for (var i = 0; i < 5; i++) exporter.Add().Flush();
        Assert.Collection(
            exporter.Log.Lines,
            line => Assert.Contains(" answered 400", line, StringComparison.Ordinal),
            line => Assert.Contains(" answered 401", line, StringComparison.Ordinal));
    }

    [Fact]
    public void Export_ManyReasons_LogsEight()
    {
        using var collector = new ScriptedCollector().Then([.. Enumerable.Range(451, 20).Select(status => Reply(status))]);
        using var exporter = new ExporterUnderTest(collector.Endpoint);
        for (var i = 0; i < 20; i++) exporter.Add().Flush();
        Assert.Equal(8, exporter.Log.Lines.Count);
    }

    [Fact]
    public void Export_FailsAndRecovers_LogsTheLoss()
    {
        using var collector = new ScriptedCollector().Then(Reply(500), Reply(500));
        using var exporter = new ExporterUnderTest(collector.Endpoint);
        Assert.False(exporter.Add(2).Flush());
        Assert.False(exporter.Add(3).Flush());
        Assert.True(exporter.Add(4).Flush());
        Assert.Equal(2, exporter.Log.Lines.Count);
        Assert.EndsWith("; 5 spans were lost.", exporter.Log.Lines[1], StringComparison.Ordinal);
        exporter.AssertCounts(exported: 4, dropped: 5, reason: DropReason.Rejected);
    }

    [Fact]
    public void Export_PartialSuccess_IsCountedAndNotTriedAgain()
    {
        // partial_success { rejected_spans: 2, error_message: "too old" }
        using var collector = new ScriptedCollector().Then(Reply(200, Convert.FromHexString("0a0b08021207746f6f206f6c64")));
        using var exporter = new ExporterUnderTest(collector.Endpoint).Add(5);
        Assert.False(exporter.Flush());
        exporter.AssertCounts(exported: 3, dropped: 2, reason: DropReason.Rejected);
        Assert.Single(collector.Requests);
        Assert.Contains("did not take 2 spans: too old", Assert.Single(exporter.Log.Lines), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0a0908ffffffffffffff7f", 5)]
    [InlineData("0a0b08ffffffffffffffffff01", 0)]
    [InlineData("0a04ffffffff", 0)]
    [InlineData("0a02", 0)]
    [InlineData("ffffffffffffffffffffffff", 0)]
    public void Export_NonsenseInPartialSuccess_CountsNoMoreThanWasSent(string body, int rejected)
    {
        using var collector = new ScriptedCollector().Then(Reply(200, Convert.FromHexString(body)));
        using var exporter = new ExporterUnderTest(collector.Endpoint).Add(5);
        exporter.Flush();
        exporter.AssertCounts(exported: 5 - rejected, dropped: rejected, reason: DropReason.Rejected);
    }

    [Theory]
    [InlineData("SSH-2.0-OpenSSH_9.6\r\n")]
    [InlineData("\0\0\0\u0006\u0004\0\0\0\0\0\0\u0005\0\0@\0")]
    [InlineData("HTTP/1.1 abc\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nno header\r\n\r\n")]
    [InlineData("")]
    public void Export_PortBelongsToSomethingElse_IsGivenUpInTime(string answer)
    {
        using var collector = new ScriptedCollector { Otherwise = Raw(answer) };
        using var exporter = new ExporterUnderTest(collector.Endpoint).Add(2);
        Assert.False(exporter.Flush());
        exporter.AssertCounts(dropped: 2, reason: DropReason.Timeout);
        Assert.Single(exporter.Log.Lines);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\n\u001a\0\r\n0\r\nTrailer: x\r\n\r\n")]
    [InlineData("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("HTTP/1.0 200 OK\r\n\r\n")]
    [InlineData("HTTP/1.1 204 No Content\r\n\r\n")]
    [InlineData("HTTP/1.1 202 Accepted\nContent-Length: 0\n\n")]
    [InlineData("HTTP/1.1 200 OK\r\nX-Folded: one\r\n two\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n")]
    [InlineData("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")]
    public void Export_AnswerInAnotherForm_IsUnderstood(string answer)
    {
        using var collector = new ScriptedCollector { Otherwise = Raw(answer) };
        using var exporter = new ExporterUnderTest(collector.Endpoint).Add(2);
        Assert.True(exporter.Flush());
        exporter.AssertCounts(exported: 2);
    }

    // The status decides, although the body cannot be read.
    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nshort")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\ntoo long\r\n0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 5\r\n\r\nplain")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Encoding: ,;\u00ff\r\nContent-Length: 5\r\n\r\nplain")]
    [InlineData("HTTP/1.1 202 Accepted\r\nContent-Encoding: gzip\r\nContent-Length: 100\r\n\r\n\u001f\u008b")]
    public void Export_SuccessWithABodyThatCannotBeRead_IsTakenOnce(string answer)
    {
        using var collector = new ScriptedCollector { Otherwise = Raw(answer) };
        using var exporter = new ExporterUnderTest(collector.Endpoint).Add(2);
        Assert.True(exporter.Flush());
        exporter.AssertCounts(exported: 2);
        Assert.Single(collector.Requests);
    }

    [Theory]
    [InlineData("HTTP/1.1 400 Bad\r\nContent-Length: 100\r\n\r\nshort")]
    [InlineData("HTTP/1.1 400 Bad\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain")]
    public void Export_RefusalWithABodyThatCannotBeRead_IsARefusal(string answer)
    {
        using var collector = new ScriptedCollector { Otherwise = Raw(answer) };
        using var exporter = new ExporterUnderTest(collector.Endpoint).Add(2);
        Assert.False(exporter.Flush());
        exporter.AssertCounts(dropped: 2, reason: DropReason.Rejected);
        Assert.Single(collector.Requests);
    }

    [Fact]
    public void Export_SuccessWithABodyThatNeverEnds_IsTakenWhenTheTimeIsUp()
    {
        using var body = new BlockedStream();
        using var handler = new StubHandler((_, _) => new HttpResponseMessage(HttpStatusCode.OK) { Content = new StreamContent(body) });
        using var exporter = new ExporterUnderTest(Unused(), settings => settings with { HandlerFactory = () => handler }).Add(2);
        body.OnRead = () => exporter.Time.Advance(TimeSpan.FromSeconds(10));
        Assert.True(exporter.Flush());
        exporter.AssertCounts(exported: 2);
    }

    [Fact]
    public void Shutdown_SuccessWithABodyThatNeverEnds_IsTaken()
    {
        using var collector = new ScriptedCollector().Then(BodyThatNeverEnds);
        using var exporter = new ExporterUnderTest(collector.Endpoint).Add(2);
        Assert.False(exporter.Flush(TimeSpan.FromMilliseconds(1)));
        collector.Take();
        exporter.Shutdown(TimeSpan.FromSeconds(1));
        exporter.AssertCounts(exported: 2);
    }

    [Fact]
    public void Export_SuccessByteByByte_IsTaken()
    {
        using var collector = new ScriptedCollector().Then((stream, _, _) =>
        {
            foreach (var b in "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\u001a\0"u8.ToArray()) stream.WriteByte(b);
        });
        using var exporter = new ExporterUnderTest(collector.Endpoint).Add(2);
        Assert.True(exporter.Flush());
        exporter.AssertCounts(exported: 2);
    }

    [Fact]
    public void Export_ThreeHundredHeaders_AreRead()
    {
        string[] headers = [.. Enumerable.Range(0, 300).Select(i => $"X-Header-{i}: {i}")];
        using var collector = new ScriptedCollector().Then(Reply(200, "", headers));
        using var exporter = new ExporterUnderTest(collector.Endpoint).Add(2);
        Assert.True(exporter.Flush());
        exporter.AssertCounts(exported: 2);
    }

    [Fact]
    public void Export_HeaderOf20Kilobytes_IsRead()
    {
        using var collector = new ScriptedCollector().Then(Reply(200, "", $"X-Large: {new string('x', 20 * 1024)}"));
        using var exporter = new ExporterUnderTest(collector.Endpoint).Add(2);
        Assert.True(exporter.Flush());
        exporter.AssertCounts(exported: 2);
    }

    // SocketsHttpHandler's limit is 64 KiB.
    [Fact]
    public void Export_HeadersWithoutEnd_AreGivenUpInTime()
    {
        using var collector = new ScriptedCollector { Otherwise = Reply(200, "", $"X-Large: {new string('x', 100 * 1024)}") };
        using var exporter = new ExporterUnderTest(collector.Endpoint).Add(2);
        Assert.False(exporter.Flush());
        exporter.AssertCounts(dropped: 2, reason: DropReason.Timeout);
    }

    [Theory]
    [InlineData("Location: http://[::1")]
    [InlineData("Location: //")]
    [InlineData("Location: ?secret")]
    [InlineData("Location: \u00ff\u0001")]
    [InlineData("Retry-After: \u00ff")]
    [InlineData("Content-Type: text/plain; charset=\"no such")]
    [InlineData("Content-Type: ///")]
    [InlineData("Date: yesterday")]
    public void Export_OddHeader_ChangesNothing(string header)
    {
        using var collector = new ScriptedCollector().Then(Reply(307, "x", header), Reply(400, "x", header), Reply(200, "", header));
        using var exporter = new ExporterUnderTest(collector.Endpoint);
        Assert.False(exporter.Add(2).Flush());
        Assert.False(exporter.Add(3).Flush());
        Assert.True(exporter.Add(4).Flush());
        exporter.AssertCounts(exported: 4, dropped: 5, reason: DropReason.Rejected);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<html>please log in")]
    [InlineData("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n\r\n  <!DOCTYPE html><html></html>")]
    [InlineData("HTTP/1.0 200 OK\r\n\r\n<html>please log in</html>")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n<html>cut short")]
    public void Export_WebPageInOneSegment_IsNoSuccess(string answer)
    {
        using var collector = new ScriptedCollector { Otherwise = Raw(answer) };
        using var exporter = new ExporterUnderTest(collector.Endpoint).Add(2);
        Assert.False(exporter.Flush());
        exporter.AssertCounts(dropped: 2, reason: DropReason.Rejected);
        Assert.Contains("answered 200 with a web page", Assert.Single(exporter.Log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public void Export_WebPageInsteadOfAnAnswer_IsNoSuccess()
    {
        using var collector = new ScriptedCollector().Then(Reply(200, "<html>Welcome</html>", "Content-Type: text/html"));
        using var exporter = new ExporterUnderTest(collector.Endpoint).Add();
        Assert.False(exporter.Flush());
        exporter.AssertCounts(dropped: 1, reason: DropReason.Rejected);
        Assert.Contains("web page", Assert.Single(exporter.Log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public void Export_EndlessAnswer_IsCutOff()
    {
        using var collector = new ScriptedCollector().Then((stream, _, _) =>
        {
            stream.Write("HTTP/1.1 200 OK\r\n\r\n"u8);
            var zeros = new byte[64 * 1024];
            while (true) stream.Write(zeros);
        });
        using var exporter = new ExporterUnderTest(collector.Endpoint).Add();
        exporter.Flush();
        exporter.AssertCounts(dropped: 1, reason: DropReason.Rejected);
        Assert.Contains("more than 4 MiB", Assert.Single(exporter.Log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public void Export_AnswerThatUnpacksToGigabytes_IsCutOff()
    {
        var bomb = new MemoryStream();
        using (var gzip = new GZipStream(bomb, CompressionLevel.SmallestSize, leaveOpen: true))
        {
            var zeros = new byte[1024 * 1024];
            for (var i = 0; i < 64; i++) gzip.Write(zeros);
        }

        using var collector = new ScriptedCollector().Then(Reply(400, bomb.ToArray(), "Content-Encoding: gzip"));
        using var exporter = new ExporterUnderTest(collector.Endpoint).Add();
        Assert.False(exporter.Flush());
        exporter.AssertCounts(dropped: 1, reason: DropReason.Rejected);
    }

    [Fact]
    public void Export_RefusedBeforeTheBodyIsRead_IsUnderstood()
    {
        using var collector = new ScriptedCollector();
        using var server = new TcpListener(IPAddress.Loopback, 0);
        server.Start();
        var accepting = new Thread(() =>
        {
            using var socket = server.AcceptSocket();
            socket.Receive(new byte[100]);
            socket.Send("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"u8);
            socket.Shutdown(SocketShutdown.Send);
            while (Receive(socket) > 0)
            {
                // Reads the rest, so that no reset overtakes the answer.
            }
        });
        accepting.Start();
        using var exporter = new ExporterUnderTest(new Uri($"http://localhost:{((IPEndPoint)server.LocalEndpoint).Port}/v1/traces"));
        exporter.Add(Encoding.TestSpan.With("large", new string('x', 3_000_000)));
        Assert.False(exporter.Flush());
        exporter.AssertCounts(dropped: 1, reason: DropReason.TooLarge);
        accepting.Join();
    }

    // A reset is an end too: on a thread of the test its exception would end the process.
    private static int Receive(Socket socket)
    {
        try
        {
            return socket.Receive(new byte[64 * 1024]);
        }
        catch (SocketException)
        {
            return 0;
        }
    }

    [Fact]
    public void Export_GrpcPort_NamesTheOther()
    {
        var settings = ExporterUnderTest.Settings("otlp") with { Endpoint = new Uri("http://collector:4317/v1/traces") };
        var message = new FailureMessage(settings, (HttpFormat)settings.CreateFormat(settings, Encoding.Encoded.Resource), new ConnectionState(isHttp2: false));
        Assert.Contains("4318", message.NoAnswer(new HttpRequestException(HttpRequestError.InvalidResponse, "no")), StringComparison.Ordinal);
    }

    [Fact]
    public void Export_TlsAgainstPlainHttp_LogsIt()
    {
        using var collector = new ScriptedCollector { Greeting = "HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray() };
        using var exporter = new ExporterUnderTest(new Uri($"https://localhost:{collector.Port}/v1/traces"), isHeld: true).Add();
        Assert.False(exporter.Flush());
        exporter.AssertCounts(inFlight: 1);
        Assert.Contains("No secure connection", Assert.Single(exporter.Log.Lines), StringComparison.Ordinal);
    }

    /// <summary>Reads the request, waits until it is cancelled, and has registered a callback that throws then.</summary>
    private sealed class CancelledHandler : HttpMessageHandler
    {
        protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            request.Content!.CopyTo(Stream.Null, null, CancellationToken.None);
            cancellationToken.UnsafeRegister(_ => throw new InvalidOperationException("Already disposed."), null);
            cancellationToken.WaitHandle.WaitOne();
            throw new OperationCanceledException(cancellationToken);
        }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            throw new NotSupportedException();
    }

    /// <summary>A success that announces its body's length and sends one byte of it.</summary>
    internal static Answer BodyThatNeverEnds => (stream, _, disposed) =>
    {
        stream.Write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx"u8);
        disposed.WaitHandle.WaitOne();
    };

    /// <summary>A port on which no server listens.</summary>
    internal static Uri Unused()
    {
        // Bound and not listening: connections are refused, and no other test gets the port.
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        Held.Add(socket);
        return new Uri($"http://localhost:{((IPEndPoint)socket.LocalEndPoint!).Port}/v1/traces");
    }

    private static readonly System.Collections.Concurrent.ConcurrentBag<Socket> Held = [];

    /// <summary>Blocks its readers until it is disposed of.</summary>
    private sealed class BlockedStream : MemoryStream
    {
        private readonly ManualResetEventSlim _disposed = new();

        public Action? OnRead { get; set; }

        public override int Read(Span<byte> buffer)
        {
            OnRead?.Invoke();
            Assert.True(_disposed.Wait(TimeSpan.FromSeconds(30)));
            throw new ObjectDisposedException(nameof(BlockedStream));
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        protected override void Dispose(bool disposing)
        {
            _disposed.Set();
            base.Dispose(disposing);
        }
    }
}
