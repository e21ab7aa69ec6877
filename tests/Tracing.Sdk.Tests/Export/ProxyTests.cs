using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.Export;

/// <summary>Exports through the process's proxy.</summary>
[Collection(Alone.Name)]
public sealed class ProxyTests : IDisposable
{
    private readonly IWebProxy _before = HttpClient.DefaultProxy;

    [Fact]
    public void Export_ThroughAProxy_IsDelivered()
    {
        using var proxy = new ScriptedCollector();
        HttpClient.DefaultProxy = new WebProxy($"http://localhost:{proxy.Port}");
        using var exporter = new ExporterUnderTest(new Uri("http://collector.example:4318/v1/traces")).Add(2);
        Assert.True(exporter.Flush());
        exporter.AssertCounts(exported: 2);
        Assert.Equal("POST http://collector.example:4318/v1/traces HTTP/1.1", proxy.Take().Line);
        Assert.Equal(1, proxy.Connections);
    }

    [Fact]
    public void Export_ProxyIsDead_KeepsTheSpansAndNamesIt()
    {
        var port = FaultTests.Unused().Port;
        HttpClient.DefaultProxy = new WebProxy($"http://user:SECRET@localhost:{port}");
        var variable = Environment.GetEnvironmentVariable("http_proxy");
        Environment.SetEnvironmentVariable("http_proxy", $"http://user:SECRET@localhost:{port}");
        try
        {
            using var exporter = new ExporterUnderTest(new Uri("http://collector.example:4318/v1/traces"), isHeld: true).Add(2);
            Assert.False(exporter.Flush());
            exporter.AssertCounts(inFlight: 2);
            var line = Assert.Single(exporter.Log.Lines);
            Assert.StartsWith(
                $"Warning: Spans cannot be exported. The proxy http://localhost:{port} (http_proxy), through which http://collector.example:4318/v1/traces is reached, does not answer",
                line,
                StringComparison.Ordinal);
            Assert.EndsWith("Change http_proxy, or name the host in NO_PROXY.", line, StringComparison.Ordinal);
        }
        finally
        {
            Environment.SetEnvironmentVariable("http_proxy", variable);
        }
    }

    [Fact]
    public void Export_ProxyRefusesTheTunnel_KeepsTheSpansAndNamesIt()
    {
        using var proxy = new TcpListener(IPAddress.Loopback, 0);
        proxy.Start();
        var port = ((IPEndPoint)proxy.LocalEndpoint).Port;
        new Thread(() =>
        {
            try
            {
                while (true)
                {
                    using var socket = proxy.AcceptSocket();
                    var buffer = new byte[4096];
                    socket.Receive(buffer);
                    socket.Send("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"u8);
                    // Closing with unread bytes would reset the connection, and the client might never read the answer.
                    socket.Shutdown(SocketShutdown.Send);
                    while (socket.Receive(buffer) > 0)
                    {
                    }
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException)
            {
                // Stopped. Between two connections the listener throws InvalidOperationException, which would end the process on this thread.
            }
        })
        { IsBackground = true }.Start();
        HttpClient.DefaultProxy = new WebProxy($"http://localhost:{port}");
        using var exporter = new ExporterUnderTest(new Uri("https://collector.example:4318/v1/traces"), isHeld: true).Add(2);
        Assert.False(exporter.Flush());
        exporter.AssertCounts(inFlight: 2);
        Assert.Contains($"The proxy http://localhost:{port} (HttpClient.DefaultProxy) makes no connection to", Assert.Single(exporter.Log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public void Export_GrpcWithoutTlsThroughAProxy_KeepsTheSpansAndNamesTheWayOut()
    {
        using var proxy = new ScriptedCollector();
        HttpClient.DefaultProxy = new WebProxy($"http://localhost:{proxy.Port}");
        using var exporter = new ExporterUnderTest(new Uri("http://collector.example:4317"), ExporterUnderTest.AsOtlpGrpc, isHeld: true).Add(2);
        Assert.False(exporter.Flush());
        exporter.AssertCounts(inFlight: 2);
        Assert.EndsWith(
            $"gRPC without TLS cannot pass the proxy http://localhost:{proxy.Port} (HttpClient.DefaultProxy), through which http://collector.example:4317/ is reached. " +
            "Name the host in NO_PROXY, or use https:// or OTLP over HTTP.",
            Assert.Single(exporter.Log.Lines),
            StringComparison.Ordinal);
    }

    // Nor the request that opens the connection, which would count as cancelled.
    [Fact]
    public void Export_HttpMetricsOfTheApplication_HoldNoneOfIt()
    {
        using var collector = new ScriptedCollector();
        var measured = 0;
        using var listener = new MeterListener { InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter.Name == "System.Net.Http") self.EnableMeasurementEvents(instrument);
        } };
        listener.SetMeasurementEventCallback<double>((_, _, _, _) => Interlocked.Increment(ref measured));
        listener.SetMeasurementEventCallback<long>((_, _, _, _) => Interlocked.Increment(ref measured));
        listener.Start();
        using var exporter = new ExporterUnderTest(collector.Endpoint).Add(2);
        Assert.True(exporter.Flush());
        exporter.Shutdown();
        Assert.Equal(0, measured);
    }

    public void Dispose() => HttpClient.DefaultProxy = _before;
}
