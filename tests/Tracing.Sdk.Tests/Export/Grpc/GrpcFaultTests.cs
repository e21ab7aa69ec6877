using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Tracing.Sdk.Export;
using Tracing.Sdk.Recording;
using static Tracing.Sdk.Tests.Export.Grpc.GrpcCollector;

namespace Tracing.Sdk.Tests.Export.Grpc;

/// <summary>Faults between a gRPC export and its collector, over real sockets. Each test checks the counts.</summary>
public sealed class GrpcFaultTests : IDisposable
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(30);

    private readonly TestAuthority _authority = new();

    [Fact]
    public void Export_NoServer_KeepsSpansAndLogsOnce()
    {
        using var exporter = Exporter(new Uri(FaultTests.Unused(), "/"), isHeld: true);
        Assert.False(exporter.Add(2).Flush());
        Assert.False(exporter.Add(2).Flush());
        exporter.AssertCounts(inFlight: 4);
        Assert.StartsWith("Warning: Spans cannot be exported. Nothing answers at http://localhost:", Assert.Single(exporter.Log.Lines), StringComparison.Ordinal);
        exporter.Shutdown();
        exporter.AssertCounts(dropped: 4, reason: DropReason.Unreachable);
    }

    [Fact]
    public void Export_CollectorDiesAndComesBack_LosesNothing()
    {
        var first = new GrpcCollector();
        using var exporter = Exporter(first.Endpoint, isHeld: true);
        Assert.True(exporter.Add().Flush());
        first.Dispose();
        Assert.False(exporter.Add(2).Flush());
        exporter.AssertCounts(exported: 1, inFlight: 2);
        using var second = new GrpcCollector(first.Port);
        Assert.True(exporter.Flush());
        exporter.AssertCounts(exported: 3);
        Assert.Equal(2, second.Calls.Sum(call => call.Spans.Length));
    }

    [Theory]
    [InlineData(0x1)]
    [InlineData(0x2)]
    [InlineData(0x8)]
    [InlineData(0xB)]
    public void Export_StreamIsReset_IsTriedAgain(int error)
    {
        using var collector = new GrpcCollector().Then(Reset(error));
        using var exporter = Exporter(collector.Endpoint).Add(2);
        Assert.True(exporter.Flush());
        exporter.AssertCounts(exported: 2);
        Assert.Equal((2, 1), (collector.Calls.Count, exporter.Metrics.Retries));
        Assert.Contains("failed: ", exporter.Log.Lines[0], StringComparison.Ordinal);
        Assert.DoesNotContain("in HTTP", exporter.Log.Lines[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Export_StreamIsResetForEver_IsGivenUpInTime()
    {
        using var collector = new GrpcCollector { Otherwise = Reset(0x2) };
        using var exporter = Exporter(collector.Endpoint).Add(2);
        Assert.False(exporter.Flush());
        exporter.AssertCounts(dropped: 2, reason: DropReason.Timeout);
    }

    [Fact]
    public void Export_StreamIsNotTaken_IsSentAgainAtOnce()
    {
        using var collector = new GrpcCollector().Then(Reset(0x7));
        using var exporter = Exporter(collector.Endpoint).Add(2);
        Assert.True(exporter.Flush());
        exporter.AssertCounts(exported: 2);
        Assert.Equal(0, exporter.Metrics.Retries);
        Assert.Empty(exporter.Log.Lines);
    }

    [Fact]
    public void Export_ConnectionIsClosedInTheMiddle_IsSentAgain()
    {
        using var collector = new GrpcCollector().Then(Status(0), CloseConnection);
        using var exporter = Exporter(collector.Endpoint);
        Assert.True(exporter.Add().Flush());
        Assert.True(exporter.Add(2).Flush());
        exporter.AssertCounts(exported: 3);
        Assert.Equal(2, collector.Connections);
    }

    [Fact]
    public void Export_AnswerIsCutOff_IsTriedAgain()
    {
        using var collector = new GrpcCollector().Then(async context =>
        {
            await context.Response.Body.WriteAsync(new byte[3]);
            await context.Response.Body.FlushAsync();
            await Reset(0x2)(context);
        });
        using var exporter = Exporter(collector.Endpoint).Add(2);
        Assert.True(exporter.Flush());
        exporter.AssertCounts(exported: 2);
        Assert.Contains("was cut off.", exporter.Log.Lines[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Export_ServerSaysGoAway_GoesOverANewConnectionSilently()
    {
        using var collector = new GrpcCollector().Then(async context =>
        {
            context.Features.Get<IConnectionLifetimeNotificationFeature>()!.RequestClose();
            await Status(0)(context);
        });
        using var exporter = Exporter(collector.Endpoint);
        Assert.True(exporter.Add(2).Flush());
        Assert.True(exporter.Add(3).Flush());
        exporter.AssertCounts(exported: 5);
        Assert.Equal((2, 2), (collector.Calls.Count, collector.Connections));
        Assert.Empty(exporter.Log.Lines);
    }

    [Fact]
    public void Export_AcceptsAndNeverAnswers_GivesUpInTimeAndLeavesTheConnection()
    {
        using var collector = new GrpcCollector();
        collector.Then(collector.HangAsync);
        using var exporter = Exporter(collector.Endpoint);
        collector.OnCall = _ =>
        {
            collector.OnCall = null;
            exporter.Time.Advance(TimeSpan.FromSeconds(10));
        };
        AssertGivesUpAndOpensAnotherConnection(exporter, collector);
    }

    [Fact]
    public void Export_TrailersNeverCome_GivesUpInTimeAndLeavesTheConnection()
    {
        using var collector = new GrpcCollector();
        using var exporter = Exporter(collector.Endpoint);
        collector.Then(async context =>
        {
            await context.Response.Body.WriteAsync(new byte[5]);
            await context.Response.Body.FlushAsync();
            exporter.Time.Advance(TimeSpan.FromSeconds(10));
            await collector.HangAsync(context);
        });
        AssertGivesUpAndOpensAnotherConnection(exporter, collector);
    }

    [Fact]
    public void Shutdown_AcceptsAndNeverAnswers_EndsInItsTime()
    {
        using var collector = new GrpcCollector();
        collector.Otherwise = collector.HangAsync;
        using var exporter = Exporter(collector.Endpoint).Add(2);
        exporter.Shutdown(TimeSpan.FromMilliseconds(100));
        exporter.AssertCounts(dropped: 2, reason: DropReason.Shutdown);
    }

    [Fact]
    public void Start_CollectorListens_ConnectsWithoutACall()
    {
        using var collector = new ScriptedCollector();
        using var exporter = Exporter(new Uri(collector.Endpoint, "/"));
        Assert.True(collector.Connected.Wait(Long));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Export_PortSpeaksHttp1_KeepsTheSpansAndNamesTheOtherProtocolOnce(bool isSecure)
    {
        using var collector = new GrpcCollector(certificate: isSecure ? _authority.Issue("localhost") : null, protocols: HttpProtocols.Http1);
        using var exporter = Exporter(collector.Endpoint, isHeld: true);
        for (var i = 0; i < 3; i++) Assert.False(exporter.Add(2).Flush());
        exporter.AssertCounts(inFlight: 6);
        var line = Assert.Single(exporter.Log.Lines);
        Assert.Contains("The port does not speak HTTP/2, as gRPC does. For OTLP over HTTP, set MeshTracing:Export:Otlp:Protocol to http/protobuf", line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("SSH-2.0-OpenSSH_9.6\r\n")]
    [InlineData("")]
    public void Export_PortBelongsToSomethingElse_LogsOnce(string answer)
    {
        using var server = new ScriptedCollector { Greeting = System.Text.Encoding.Latin1.GetBytes(answer), Otherwise = ScriptedCollector.Reset };
        using var exporter = Exporter(new Uri(server.Endpoint, "/"), isHeld: true).Add(2);
        Assert.False(exporter.Flush(TimeSpan.FromSeconds(2)));
        exporter.AssertBalanced();
        Assert.InRange(exporter.Log.Lines.Count, 0, 1);
    }

    [Fact]
    public void Export_PlainToATlsPort_NamesTheScheme()
    {
        using var collector = new GrpcCollector(certificate: _authority.Issue("localhost"));
        using var exporter = Exporter(new Uri($"http://localhost:{collector.Port}"), isHeld: true).Add(2);
        Assert.False(exporter.Flush());
        exporter.AssertBalanced();
        Assert.Contains("https://", Assert.Single(exporter.Log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public void Export_TlsToAPlainPort_KeepsTheSpansAndNamesTheScheme()
    {
        using var collector = new GrpcCollector();
        using var exporter = Exporter(new Uri($"https://localhost:{collector.Port}"), isHeld: true).Add(2);
        Assert.False(exporter.Flush());
        exporter.AssertCounts(inFlight: 2);
        Assert.Contains("begin with http://", Assert.Single(exporter.Log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public void Tls_AuthorityOfTheSettings_IsTrusted()
    {
        using var collector = new GrpcCollector(certificate: _authority.Issue("localhost"));
        using var exporter = Exporter(collector.Endpoint, WithAuthority);
        Assert.True(exporter.Add().Flush());
        Assert.True(exporter.Add().Flush());
        exporter.AssertCounts(exported: 2);
        Assert.Equal(1, collector.Connections);
    }

    [Fact]
    public void Tls_UnknownAuthority_KeepsTheSpansAndNamesTheSetting()
    {
        using var collector = new GrpcCollector(certificate: _authority.Issue("localhost"));
        using var exporter = Exporter(collector.Endpoint, isHeld: true).Add();
        Assert.False(exporter.Flush());
        exporter.AssertCounts(inFlight: 1);
        Assert.Contains("set MeshTracing:Export:Otlp:CertificateFile", Assert.Single(exporter.Log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public void Tls_ClientCertificate_IsShown()
    {
        using var collector = new GrpcCollector(certificate: _authority.Issue("localhost"), clientCertificates: ClientCertificateMode.RequireCertificate);
        using var client = _authority.Issue("client");
        var file = _authority.Write("client.pem", $"{client.ExportCertificatePem()}\n{client.GetRSAPrivateKey()!.ExportPkcs8PrivateKeyPem()}");
        using var exporter = Exporter(collector.Endpoint, settings => WithAuthority(settings) with { ClientCertificateFile = file }).Add();
        Assert.True(exporter.Flush());
        Assert.Equal("CN=client", collector.Take().ClientCertificate);
    }

    [Fact]
    public void Tls_ClientCertificateIsDemanded_NamesTheSettings()
    {
        using var collector = new GrpcCollector(certificate: _authority.Issue("localhost"), clientCertificates: ClientCertificateMode.RequireCertificate);
        using var exporter = Exporter(collector.Endpoint, WithAuthority, isHeld: true).Add();
        Assert.False(exporter.Flush(TimeSpan.FromSeconds(5)));
        exporter.AssertBalanced();
        Assert.Contains("asks for a client certificate", exporter.Log.Lines[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Tls_AuthorityFileIsReplaced_IsReadForTheNextConnection()
    {
        using var newAuthority = new TestAuthority();
        var first = new GrpcCollector(certificate: _authority.Issue("localhost"));
        using var exporter = Exporter(first.Endpoint, WithAuthority);
        Assert.True(exporter.Add().Flush());
        first.Dispose();
        using var second = new GrpcCollector(first.Port, newAuthority.Issue("localhost"));
        _authority.Write("ca.pem", newAuthority.Pem);
        Assert.True(exporter.Add().Flush());
        exporter.AssertCounts(exported: 2);
    }

    [Fact]
    public void Handler_OfTheUser_GetsTheCall()
    {
        HttpRequestMessage? sent = null;
        using var handler = new AsyncOnlyHandler(request =>
        {
            sent = request;
            var response = new HttpResponseMessage { Content = new ByteArrayContent(new byte[5]) };
            response.TrailingHeaders.Add("grpc-status", "0");
            return response;
        });
        using var exporter = Exporter(new Uri("http://collector.example:4317"), settings => settings with { HandlerFactory = () => handler }).Add(2);
        Assert.True(exporter.Flush());
        exporter.AssertCounts(exported: 2);
        Assert.Equal((HttpVersion.Version20, HttpVersionPolicy.RequestVersionExact), (sent!.Version, sent.VersionPolicy));
    }

    [Fact]
    public void Handler_OfTheUserThrows_KeepsTheSpans()
    {
        using var handler = new AsyncOnlyHandler(_ => throw new InvalidOperationException("mine"));
        using var exporter = Exporter(new Uri("http://collector.example:4317"), settings => settings with { HandlerFactory = () => handler }, isHeld: true).Add(2);
        Assert.False(exporter.Flush());
        exporter.AssertCounts(inFlight: 2);
        Assert.Contains("failed before anything was sent: mine.", Assert.Single(exporter.Log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public void Handler_OfTheUserKnowsNoHttp2_IsUnderstood()
    {
        using var handler = new AsyncOnlyHandler(_ => new HttpResponseMessage(HttpStatusCode.OK));
        using var exporter = Exporter(new Uri("http://collector.example:4317"), settings => settings with { HandlerFactory = () => handler }).Add(2);
        Assert.False(exporter.Flush());
        exporter.AssertCounts(dropped: 2, reason: DropReason.Rejected);
        Assert.Contains("without a gRPC status", Assert.Single(exporter.Log.Lines), StringComparison.Ordinal);
    }

    public void Dispose() => _authority.Dispose();

    private static void AssertGivesUpAndOpensAnotherConnection(ExporterUnderTest exporter, GrpcCollector collector)
    {
        Assert.False(exporter.Add(2).Flush());
        exporter.AssertCounts(dropped: 2, reason: DropReason.Timeout);
        Assert.Contains("did not answer in time", Assert.Single(exporter.Log.Lines), StringComparison.Ordinal);
        Assert.True(exporter.Add(3).Flush());
        exporter.AssertCounts(exported: 3, dropped: 2, reason: DropReason.Timeout);
        Assert.Equal(2, collector.Connections);
    }

    private static ExporterUnderTest Exporter(Uri endpoint, Func<ExporterSettings, ExporterSettings>? change = null, bool isHeld = false) => new(
        endpoint, settings => change?.Invoke(ExporterUnderTest.AsOtlpGrpc(settings)) ?? ExporterUnderTest.AsOtlpGrpc(settings), isHeld);

    private ExporterSettings WithAuthority(ExporterSettings settings) => settings with { CertificateFile = _authority.Write("ca.pem", _authority.Pem) };

    private sealed class AsyncOnlyHandler(Func<HttpRequestMessage, HttpResponseMessage> answer) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => Task.FromResult(answer(request));
    }
}
