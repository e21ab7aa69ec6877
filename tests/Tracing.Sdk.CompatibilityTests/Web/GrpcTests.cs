using System.Net;
using System.Net.Http.Headers;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Tracing.Sdk.CompatibilityTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Web;

[WorksWith("Grpc.AspNetCore", "one SERVER span a call, named by its method, with its status", Name = "gRPC")]
[WorksWith("Microsoft.AspNetCore.Grpc.JsonTranscoding", "a request by JSON is a request as any other, named by its route", Name = "gRPC")]
public sealed class GrpcTests
{
    [Theory]
    [InlineData("7", "SERVER shop.Orders/Get", "OK")]
    [InlineData("none", "SERVER shop.Orders/Get", "NOT_FOUND")]
    public async Task Call_IsNamedByItsMethod(string id, string tree, string status)
    {
        await using var app = await StartAsync();
        await CallAsync(app.Client, app.Address, id);
        var spans = await app.StopAsync();

        Assert.Equal((tree, status), (TraceOutline.Of(spans), spans[0].Tag("rpc.response.status_code")));
    }

    [Theory]
    [InlineData("7", "200")]
    [InlineData("none", "404")]
    public async Task Json_IsNamedByItsRoute(string id, string status)
    {
        await using var app = await StartAsync();
        using var request = Request(HttpMethod.Get, new Uri(app.Address, $"/v1/orders/{id}"));
        using var response = await app.Client.SendAsync(request);
        var spans = await app.StopAsync();

        Assert.Equal("SERVER GET /v1/orders/{value}", TraceOutline.Of(spans));
        Assert.Equal(("/v1/orders/{value}", status, null), (spans[0].Tag("http.route"), spans[0].Tag("http.response.status_code"), spans[0].Tag("rpc.method")));
    }

    /// <summary>A call from the caller of <see cref="TracedApp.GetAsync"/>, by a client without a span.</summary>
    internal static async Task CallAsync(HttpClient client, Uri address, string id)
    {
        using var request = Request(HttpMethod.Post, new Uri(address, "/shop.Orders/Get"));
        var message = new StringValue { Value = id }.ToByteArray();
        request.Content = new ByteArrayContent([0, 0, 0, 0, (byte)message.Length, .. message]) { Headers = { ContentType = new MediaTypeHeaderValue("application/grpc") } };
        request.Headers.TE.Add(new TransferCodingWithQualityHeaderValue("trailers"));
        using var response = await client.SendAsync(request);
        await response.Content.ReadAsByteArrayAsync();
    }

    /// <summary>A service that speaks HTTP/2 without TLS.</summary>
    internal static Task<TracedApp> StartAsync() => TracedApp.StartAsync(
        app => app.MapGrpcService<GrpcOrders.Service>(),
        build =>
        {
            build.WebHost.ConfigureKestrel(kestrel => kestrel.ConfigureEndpointDefaults(endpoint => endpoint.Protocols = HttpProtocols.Http2));
            build.Services.AddGrpc().AddJsonTranscoding();
        });

    private static HttpRequestMessage Request(HttpMethod method, Uri uri) => new(method, uri)
    {
        Version = HttpVersion.Version20,
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        Headers = { { "traceparent", TracedApp.Sampled["traceparent: ".Length..] } },
    };
}
