using System.Globalization;
using MeshDemo;
using MeshDemo.Processes;
using Tracing.Sdk.IntegrationTests.Harness;
using Tracing.Sdk.IntegrationTests.Mesh;

namespace Tracing.Sdk.IntegrationTests.Languages;

/// <summary>
/// A service of the mesh of several languages. Its name says how it traces:
/// <list type="bullet">
/// <item><c>ours</c>, or <c>ours:b3</c> with these formats;</item>
/// <item><c>otel:tracecontext,b3</c>: OpenTelemetry for Go with these propagators, of which the last that finds a context wins;</item>
/// <item><c>zipkin:multi</c> and <c>zipkin:single</c>: Zipkin's library for Go, which reads both forms of B3 and writes one;</item>
/// <item><c>forward</c>: no tracing, only the headers copied that Istio's documentation names.</item>
/// </list>
/// At its end, <c>+shared</c> says that a server's span has the id of its caller's, and <c>+never</c> that traces which begin here are not sampled.
/// </summary>
internal sealed record LanguageNode(string Name, Uri Http, Uri Grpc, ChildProcess Process, IAsyncDisposable Program) : IAsyncDisposable
{
    public bool IsOurs => IsOneOfOurs(Name);

    public static bool IsOneOfOurs(string name) => name.StartsWith("ours", StringComparison.Ordinal);

    /// <summary>Starts one, and returns when it accepts requests.</summary>
    public static Task<LanguageNode> StartAsync(string name, TestCollector collector)
    {
        var flags = name.Split('+')[1..];
        var parts = name.Split('+')[0].Split(':');
        var detail = parts.ElementAtOrDefault(1) ?? "";
        return IsOneOfOurs(name)
            ? StartOursAsync(name, detail, flags.Contains("never"), collector)
            : StartPeerAsync(name, new Dictionary<string, string>
            {
                ["NAME"] = name,
                ["COLLECTOR"] = collector.Address,
                ["PEER"] = parts[0],
                ["PROPAGATORS"] = detail,
                ["B3"] = detail,
                ["SHARED"] = flags.Contains("shared") ? "true" : "false",
                ["RATIO"] = flags.Contains("never") ? "0" : "1",
            });
    }

    public ValueTask DisposeAsync() => Program.DisposeAsync();

    private static async Task<LanguageNode> StartOursAsync(string name, string formats, bool isNever, TestCollector collector)
    {
        // Without TLS there is no negotiation: one port for each version of HTTP.
        var grpc = LocalPort.Free();
        var environment = new Dictionary<string, string>
        {
            ["OTEL_SERVICE_NAME"] = name,
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.Address,
            ["OTEL_BSP_SCHEDULE_DELAY"] = "25",
            ["OTEL_EXPORTER_OTLP_TIMEOUT"] = "60000",
            ["Kestrel__Endpoints__Http1__Url"] = "http://127.0.0.1:0",
            ["Kestrel__Endpoints__Http2__Url"] = AddressOf(grpc).ToString(),
            ["Kestrel__Endpoints__Http2__Protocols"] = "Http2",
        };
        if (formats.Length > 0) environment["OTEL_PROPAGATORS"] = formats;
        if (isNever) environment["OTEL_TRACES_SAMPLER"] = "parentbased_always_off";
        var service = await ServiceProcess.StartAsync(name, TestService.Dll, environment);
        return new LanguageNode(name, service.Address, AddressOf(grpc), service.Process, service);
    }

    // Any connection of this machine may have got the port before the program opens it; then it ends, and gets another one.
    private static async Task<LanguageNode> StartPeerAsync(string name, Dictionary<string, string> environment)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await TryStartPeerAsync(name, environment);
            }
            catch (DemoException) when (attempt < 3)
            {
            }
        }
    }

    private static async Task<LanguageNode> TryStartPeerAsync(string name, Dictionary<string, string> environment)
    {
        var (http, grpc) = (LocalPort.Free(), LocalPort.Free());
        environment["PORT"] = http.ToString(CultureInfo.InvariantCulture);
        environment["GRPC"] = grpc.ToString(CultureInfo.InvariantCulture);
        var peer = ChildProcess.Start(name, MeshTools.MeshPeerPath!, [], environment);
        try
        {
            var open = Task.WhenAll(PortProbe.WaitUntilOpenAsync(http), PortProbe.WaitUntilOpenAsync(grpc));
            await await Task.WhenAny(open, peer.Exited);
            if (peer.Exited.IsCompleted) throw peer.Died("before it listened");
            return new LanguageNode(name, AddressOf(http), AddressOf(grpc), peer, peer);
        }
        catch
        {
            await peer.DisposeAsync();
            throw;
        }
    }

    private static Uri AddressOf(int port) => new("http://" + LocalPort.Address(port));
}
