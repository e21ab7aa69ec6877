using System.Net;
using System.Net.Sockets;
using Tracing.Sdk.Export.Http;
using Tracing.Sdk.Recording;
using static Tracing.Sdk.Tests.Export.ScriptedCollector;

namespace Tracing.Sdk.Tests.Export;

/// <summary>An exporter opens its connection before the first request, to the address that answers, and again after a loss.</summary>
public sealed class ConnectionTests : IDisposable
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(30);

    private readonly TestAuthority _authority = new();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Start_CollectorListens_ConnectsWithoutARequest(bool isSecure)
    {
        using var collector = new ScriptedCollector(certificate: isSecure ? _authority.Issue("localhost") : null);
        var exporter = Start(collector);
        Assert.True(collector.Connected.Wait(Long));
        exporter.Dispose();
        Assert.True(collector.Closed.Wait(Long));
        Assert.Empty(collector.Requests);
        Assert.Empty(exporter.Log.Lines);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Export_First_UsesTheConnectionOfTheStart(bool isSecure)
    {
        using var collector = new ScriptedCollector(certificate: isSecure ? _authority.Issue("localhost") : null);
        using var exporter = Start(collector);
        Assert.True(collector.Connected.Wait(Long));
        Assert.True(exporter.Add(2).Flush());
        Assert.Equal((1, 1), (collector.Requests.Count, collector.Connections));
    }

    [Fact]
    public void Start_UsersHandler_OpensNothing()
    {
        var handler = new StubTransport();
        using var exporter = new ExporterUnderTest(FaultTests.Unused(), settings => settings with { HandlerFactory = () => handler });
        Assert.True(exporter.Flush());
        Assert.Equal(0, handler.Requests);
    }

    [Fact]
    public void Start_NoServer_IsSilent()
    {
        using var exporter = new ExporterUnderTest(FaultTests.Unused());
        exporter.Shutdown();
        Assert.Empty(exporter.Log.Lines);
    }

    [Fact]
    public async Task Connect_FirstAddressSwallowsEverything_UsesTheSecond()
    {
        using var silent = new SilentAddress(IPAddress.Parse("127.0.0.2"));
        using var collector = new ScriptedCollector(silent.Port);
        using var socket = await SocketConnector.ConnectAsync([IPAddress.Parse("127.0.0.2"), IPAddress.Loopback], silent.Port, CancellationToken.None);
        Assert.Equal(collector.Port, ((IPEndPoint)socket.RemoteEndPoint!).Port);
        Assert.True(collector.Connected.Wait(Long));
    }

    [Fact]
    public async Task Connect_FirstAddressRefuses_UsesTheSecond()
    {
        using var collector = new ScriptedCollector();
        using var socket = await SocketConnector.ConnectAsync([IPAddress.Parse("127.0.0.2"), IPAddress.Loopback], collector.Port, CancellationToken.None);
        Assert.True(collector.Connected.Wait(Long));
    }

    [Fact]
    public async Task Connect_AllAddressesRefuse_Throws()
    {
        var port = FaultTests.Unused().Port;
        var failure = await Assert.ThrowsAsync<SocketException>(
            () => SocketConnector.ConnectAsync([IPAddress.Parse("127.0.0.2"), IPAddress.Loopback], port, CancellationToken.None));
        Assert.Equal(SocketError.ConnectionRefused, failure.SocketErrorCode);
    }

    [Fact]
    public void Export_OnlyAddressSwallowsEverything_KeepsTheSpans()
    {
        using var silent = new SilentAddress(IPAddress.Loopback);
        using var exporter = new ExporterUnderTest(new Uri($"http://127.0.0.1:{silent.Port}/v1/traces"), isHeld: true).Add(2);
        exporter.Time.LeavesNoTime = true;
        Assert.False(exporter.Flush());
        exporter.AssertCounts(inFlight: 2);
        Assert.Contains("was made in time", Assert.Single(exporter.Log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public void Export_HandshakeThatNeverEnds_KeepsTheSpans()
    {
        // Reads the TLS handshake as the head of an endless request, and does not answer.
        using var collector = new ScriptedCollector();
        using var exporter = new ExporterUnderTest(new Uri($"https://localhost:{collector.Port}/v1/traces"), isHeld: true).Add(2);
        Assert.True(collector.Connected.Wait(Long));
        exporter.Time.LeavesNoTime = true;
        Assert.False(exporter.Flush());
        exporter.AssertCounts(inFlight: 2);
    }

    [Fact]
    public void Export_AnswerToTheFirstRequestNeverComes_TheNextGoesOverANewConnection()
    {
        using var collector = new ScriptedCollector().Then(Hang);
        using var exporter = new ExporterUnderTest(collector.Endpoint);
        collector.OnRequest = _ =>
        {
            collector.OnRequest = null;
            exporter.Time.Advance(TimeSpan.FromSeconds(10));
        };
        Assert.False(exporter.Add(2).Flush());
        Assert.True(exporter.Add(3).Flush());
        exporter.AssertCounts(exported: 3, dropped: 2, reason: DropReason.Timeout);
        Assert.Equal(2, collector.Connections);
    }

    [Fact]
    public void Export_AnswerIsNotReadToItsEnd_TheNextGoesOverANewConnection()
    {
        using var collector = new ScriptedCollector().Then(Reply(200, new byte[5 * 1024 * 1024]));
        using var exporter = new ExporterUnderTest(collector.Endpoint);
        Assert.False(exporter.Add(2).Flush());
        Assert.True(exporter.Add(3).Flush());
        exporter.AssertCounts(exported: 3, dropped: 2, reason: DropReason.Rejected);
    }

    public void Dispose() => _authority.Dispose();

    private ExporterUnderTest Start(ScriptedCollector collector) => new(
        collector.Endpoint, settings => settings with { CertificateFile = _authority.Write("ca.pem", _authority.Pem) });

    /// <summary>An address at which connecting takes for ever: its queue is full and is never served.</summary>
    private sealed class SilentAddress : IDisposable
    {
        private readonly List<Socket> _sockets = [];

        public SilentAddress(IPAddress address)
        {
            var listener = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            _sockets.Add(listener);
            listener.Bind(new IPEndPoint(address, 0));
            listener.Listen(0);
            Port = ((IPEndPoint)listener.LocalEndPoint!).Port;
            // Until a connection gets no answer.
            bool isFull;
            do
            {
                var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
                _sockets.Add(socket);
                try
                {
                    socket.Connect(address, Port);
                }
                catch (SocketException e) when (e.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
                {
                }

                isFull = !socket.Poll(TimeSpan.FromMilliseconds(100), SelectMode.SelectWrite);
            }
            while (!isFull);
        }

        public int Port { get; }

        public void Dispose() => _sockets.ForEach(socket => socket.Dispose());
    }

    private sealed class StubTransport : HttpMessageHandler
    {
        public int Requests { get; private set; }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Requests++;
            return Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK));
        }
    }
}
