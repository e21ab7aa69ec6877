using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Tracing.Sdk.Benchmarks.Propagation;

/// <summary>Requests as they reach a service behind Envoy.</summary>
internal static class HeaderSets
{
    public const string Nothing = """
        host: data-service:8080
        user-agent: curl/8.5.0
        accept: */*
        accept-encoding: gzip
        content-type: application/json
        x-forwarded-proto: http
        x-forwarded-for: 10.1.2.3
        x-envoy-expected-rq-timeout-ms: 15000
        x-envoy-attempt-count: 1
        x-envoy-internal: true
        """;

    public const string W3C = Nothing + """

        x-request-id: 4f3c1c2e-9d1b-9c8e-9a44-0a1b2c3d4e5f
        traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
        """;

    public const string W3CWithState = W3C + """

        tracestate: congo=t61rcWkgMzE,rojo=00f067aa0ba902b7
        """;

    public const string Ours = W3C + """

        tracestate: mesh=p:b7ad6b7169203331
        x-b3-traceid: 0af7651916cd43dd8448eb211c80319c
        x-b3-spanid: b7ad6b7169203331
        x-b3-sampled: 1
        """;

    public const string OursThroughZipkinProxy = W3C + """

        tracestate: mesh=p:b7ad6b7169203331
        x-b3-traceid: 0af7651916cd43dd8448eb211c80319c
        x-b3-spanid: e457b5a2e4d86bd1
        x-b3-parentspanid: b7ad6b7169203331
        x-b3-sampled: 1
        """;

    public const string B3Multi = Nothing + """

        x-request-id: 4f3c1c2e-9d1b-9c8e-9a44-0a1b2c3d4e5f
        x-b3-traceid: 0af7651916cd43dd8448eb211c80319c
        x-b3-spanid: e457b5a2e4d86bd1
        x-b3-parentspanid: b7ad6b7169203331
        x-b3-sampled: 1
        """;

    /// <summary>Sends each request to a real Kestrel and measures inside of it, on the dictionary that an application sees.</summary>
    public static async Task InsideKestrel(IEnumerable<string> requests, Action<int, IHeaderDictionary> measure)
    {
        var number = 0;
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        await using var app = builder.Build();
        app.Run(context =>
        {
            measure(number, context.Request.Headers);
            return Task.CompletedTask;
        });
        await app.StartAsync();
        var address = new Uri(app.Urls.First());
        foreach (var request in requests)
        {
            using var client = new TcpClient(address.Host, address.Port);
            var stream = client.GetStream();
            await stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\n" + request.ReplaceLineEndings("\r\n") + "\r\nconnection: close\r\n\r\n"));
            using var reader = new StreamReader(stream);
            var answer = await reader.ReadToEndAsync();
            if (!answer.StartsWith("HTTP/1.1 200", StringComparison.Ordinal)) throw new InvalidOperationException(answer);
            number++;
        }

        await app.StopAsync();
    }
}
