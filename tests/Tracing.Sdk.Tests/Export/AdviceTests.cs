using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Tracing.Sdk.Export;
using Tracing.Sdk.Tests.Testbed;
using static Tracing.Sdk.Tests.Export.ScriptedCollector;

namespace Tracing.Sdk.Tests.Export;

/// <summary>The warning about a failed export names the fix, by the name of the setting in force, and no secret.</summary>
public sealed class AdviceTests : IDisposable
{
    private readonly TestAuthority _authority = new();

    [Fact]
    public void Warning_ZipkinBaseUrlIsRedirected_NamesThePath()
    {
        using var collector = new ScriptedCollector().Then(Reply(302, "", "Location: /zipkin/"));
        Assert.EndsWith(
            "answered 302. A Zipkin server takes spans at /api/v2/spans: append this path to MeshTracing:Export:Zipkin:Endpoint.",
            Warning(new Uri($"http://localhost:{collector.Port}/"), ExporterUnderTest.AsZipkin),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Warning_Redirect_NamesTheTargetWithoutSecrets()
    {
        using var collector = new ScriptedCollector().Then(Reply(308, "", "Location: https://user:SECRET@new.example/v1/traces?token=SECRET"));
        Assert.EndsWith(
            "Redirects are not followed. Set MeshTracing:Export:Otlp:Endpoint to https://new.example/v1/traces.", Warning(collector.Endpoint), StringComparison.Ordinal);
    }

    [Fact]
    public void Warning_RelativeRedirect_NamesTheTarget()
    {
        using var collector = new ScriptedCollector().Then(Reply(308, "", "Location: /other?token=SECRET"));
        Assert.EndsWith($"to http://localhost:{collector.Port}/other.", Warning(collector.Endpoint), StringComparison.Ordinal);
    }

    [Fact]
    public void Warning_TlsToAPlainPort_NamesTheScheme()
    {
        // Like most servers, it answers a request that is not HTTP with a status.
        using var collector = new ScriptedCollector { Greeting = "HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray() };
        Assert.EndsWith(
            "the port speaks HTTP without TLS. Let MeshTracing:Export:Otlp:Endpoint begin with http://.",
            Warning(new Uri($"https://localhost:{collector.Port}/v1/traces")),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Warning_TlsToAPortThatCloses_NamesTheScheme()
    {
        using var server = new HangingUp();
        Assert.EndsWith(
            "Does the port speak TLS at all, or should MeshTracing:Export:Otlp:Endpoint begin with http://?",
            Warning(new Uri($"https://localhost:{server.Port}/v1/traces")),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Warning_PlainToATlsPort_NamesTheScheme()
    {
        using var collector = new ScriptedCollector(certificate: _authority.Issue("localhost"));
        Assert.EndsWith("begin with https://.", Warning(new Uri($"http://localhost:{collector.Port}/v1/traces")), StringComparison.Ordinal);
    }

    [Fact]
    public void Warning_PlainToATlsPortThatAlerts_NamesTheScheme()
    {
        using var collector = new ScriptedCollector { Otherwise = Raw("\u0015\u0003\u0001\0\u0002\u0002\u0046") };
        Assert.EndsWith("The port speaks TLS: let MeshTracing:Export:Otlp:Endpoint begin with https://.", Warning(collector.Endpoint), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Client sent an HTTP request to an HTTPS server.\n")]
    [InlineData("The plain HTTP request was sent to HTTPS port")]
    public void Warning_PlainToATlsPortThatAnswers_NamesTheScheme(string words)
    {
        using var collector = new ScriptedCollector().Then(Reply(400, words, "Content-Type: text/plain"));
        Assert.EndsWith("The port speaks TLS: let MeshTracing:Export:Otlp:Endpoint begin with https://.", Warning(collector.Endpoint), StringComparison.Ordinal);
    }

    [Fact]
    public void Warning_PlainToATlsPortThatAnswersWithAPage_NamesTheScheme()
    {
        using var collector = new ScriptedCollector().Then(Reply(
            400, "<html><body>The plain HTTP request was sent to HTTPS port</body></html>", "Content-Type: text/html"));
        Assert.EndsWith("The port speaks TLS: let MeshTracing:Export:Otlp:Endpoint begin with https://.", Warning(collector.Endpoint), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Warning_Http2OnlyPort_NamesTheProtocol(bool isSecure)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(options => options.Listen(IPAddress.Loopback, 0, listen =>
        {
            listen.Protocols = HttpProtocols.Http2;
            if (isSecure) listen.UseHttps(_authority.Issue("localhost"));
        }));
        if (isSecure) builder.WebHost.UseKestrelHttpsConfiguration();
        await using var app = builder.Build();
        await app.StartAsync();
        var endpoint = new Uri($"{(isSecure ? "https" : "http")}://localhost:{new Uri(app.Urls.First()).Port}/v1/traces");
        // Over TLS the server closes the connection, which it may do for other reasons.
        Assert.Contains(
            isSecure ? "If the port speaks OTLP over gRPC, set MeshTracing:Export:Otlp:Protocol to grpc." : "The port speaks HTTP/2 only, as OTLP over gRPC does",
            Warning(endpoint, settings => settings with { CertificateFile = _authority.Write("ca.pem", _authority.Pem) }),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Warning_PortThatSendsAnHttp2Frame_NamesTheProtocol()
    {
        using var collector = new ScriptedCollector { Otherwise = Raw("\0\0\u0006\u0004\0\0\0\0\0\0\u0005\0\0@\0") };
        Assert.Contains("The port speaks HTTP/2 only", Warning(collector.Endpoint), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public void Warning_ClientCertificateIsDemanded_NamesTheSettings(SslProtocols protocol)
    {
        using var collector = new ScriptedCollector(certificate: _authority.Issue("localhost"), asksForCertificate: true, protocols: protocol) { NeedsCertificate = true };
        Assert.EndsWith(
            "asks for a client certificate and closes the connection without one. Set MeshTracing:Export:Otlp:ClientCertificateFile and MeshTracing:Export:Otlp:ClientKeyFile.",
            Warning(collector.Endpoint, settings => settings with { CertificateFile = _authority.Write("ca.pem", _authority.Pem) }),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Warning_BadRequest_NamesTheLossAndTheSetting()
    {
        using var collector = new ScriptedCollector().Then(Reply(400));
        Assert.EndsWith("answered 400. The spans are lost. Check MeshTracing:Export:Otlp:Endpoint.", Warning(collector.Endpoint), StringComparison.Ordinal);
    }

    [Fact]
    public void Warning_CauseBeforeAHint_EndsWithOneFullStop()
    {
        using var collector = new ScriptedCollector { Otherwise = Raw("\0\0\u0006\u0004\0\0\0\0\0\0\u0005\0\0@\0") };
        Assert.Matches("[^.]\\. The port speaks HTTP/2 only", Warning(collector.Endpoint));
    }

    [Fact]
    public void Warning_OneSpanRejected_IsSingular()
    {
        using var collector = new ScriptedCollector().Then(Reply(200, """{"partialSuccess":{"rejectedSpans":"1"}}""", "Content-Type: application/json"));
        Assert.EndsWith(
            "The collector did not take 1 span: it did not say why.", Warning(collector.Endpoint, ExporterUnderTest.AsOtlpJson), StringComparison.Ordinal);
    }

    [Fact]
    public void Warning_EndpointWithSecrets_ShowsNone()
    {
        var endpoint = new Uri(FaultTests.Unused(), "/v1/traces?Api-Key=SECRET");
        Assert.DoesNotContain("SECRET", Warning(endpoint), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(400)]
    [InlineData(503)]
    [InlineData(302)]
    public void Warning_AnswerToAnEndpointWithSecrets_ShowsNone(int status)
    {
        using var collector = new ScriptedCollector { Otherwise = Reply(200) }.Then(Reply(status));
        using var exporter = new ExporterUnderTest(new Uri(collector.Endpoint, "/v1/traces?Api-Key=SECRET")).Add();
        exporter.Flush();
        exporter.Add().Flush();
        Assert.NotEmpty(exporter.Log.Lines);
        Assert.DoesNotContain(exporter.Log.Lines, line => line.Contains("SECRET", StringComparison.Ordinal));
    }

    [Fact]
    public void Warning_ExceptionThatQuotesSecrets_ShowsNone()
    {
        using var handler = new StubHandler((request, _) => throw new InvalidOperationException($"{request.RequestUri} {request.Headers.GetValues("api-key").First()}"));
        var warning = Warning(
            new Uri("http://localhost:1/v1/traces?Api-Key=SECRET"),
            settings => settings with { HandlerFactory = () => handler, Headers = [new("api-key", "SECRET-HEADER")] });
        Assert.Contains("failed before anything was sent: http://localhost:1/v1/traces(hidden)", warning, StringComparison.Ordinal);
        Assert.DoesNotContain("SECRET", warning, StringComparison.Ordinal);
    }

    [Fact]
    public void Warning_AnswerThatQuotesAHeader_HidesIt()
    {
        using var collector = new ScriptedCollector().Then(Reply(401, "no such key: SECRET-HEADER", "Content-Type: text/plain"));
        var warning = Warning(collector.Endpoint, settings => settings with { Headers = [new("api-key", "SECRET-HEADER")] });
        Assert.EndsWith("answered 401: no such key: (hidden). Check MeshTracing:Export:Otlp:Headers.", warning, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")]
    [InlineData("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")]
    [InlineData("MeshTracing:Export:Otlp:Endpoint", "MeshTracing:Export:Otlp:Endpoint")]
    public async Task Warning_NoServer_NamesWhatHasSetTheEndpoint(string key, string named) =>
        Assert.Contains($"set {named}, or OTEL_TRACES_EXPORTER to none", await HostWarningAsync(key), StringComparison.Ordinal);

    [Fact]
    public async Task Warning_NoServer_NamesTheCode() =>
        Assert.Contains("set MeshTracingOptions.Export.Otlp.Endpoint in the code, or", await HostWarningAsync(null), StringComparison.Ordinal);

    public void Dispose() => _authority.Dispose();

    private static string Warning(Uri endpoint, Func<ExporterSettings, ExporterSettings>? change = null)
    {
        using var exporter = new ExporterUnderTest(endpoint, change).Add(2);
        exporter.Flush(TimeSpan.FromSeconds(30));
        return exporter.Log.Lines[0];
    }

    private static async Task<string> HostWarningAsync(string? key)
    {
        var endpoint = FaultTests.Unused();
        using var log = new LogCollector();
        var configuration = new ConfigurationBuilder();
        if (key is not null) configuration.AddInMemoryCollection([new(key, endpoint.ToString())]);
        await using var services = new ServiceCollection()
            .AddLogging(logging => logging.AddProvider(log))
            .AddSingleton<IConfiguration>(configuration.Build())
            .AddMeshTracing(o =>
            {
                if (key is null) o.Export.Otlp.Endpoint = endpoint;
            })
            .BuildServiceProvider();
        var tracing = services.GetRequiredService<MeshTracing>();
        using var source = new System.Diagnostics.ActivitySource("Export.Advice");
        source.StartActivity("one")?.Stop();
        Assert.False(await tracing.FlushAsync());
        return Assert.Single(log.Lines, line => line.Message.StartsWith("Spans cannot be exported", StringComparison.Ordinal)).Message;
    }

    /// <summary>Accepts, reads, and closes without an answer.</summary>
    private sealed class HangingUp : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

        public HangingUp()
        {
            _listener.Start();
            new Thread(() =>
            {
                try
                {
                    while (true)
                    {
                        using var socket = _listener.AcceptSocket();
                        socket.Receive(new byte[4096]);
                    }
                }
                catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException)
                {
                    // Disposed of.
                }
            })
            { IsBackground = true }.Start();
        }

        public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

        public void Dispose() => _listener.Stop();
    }
}
