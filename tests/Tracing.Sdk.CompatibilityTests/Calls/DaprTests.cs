using System.Net;
using Dapr.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Tracing.Sdk.CompatibilityTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Calls;

[WorksWith("Dapr.Client", "a CLIENT span of each call of the sidecar, by HTTP or gRPC", Name = "Dapr")]
public sealed class DaprTests
{
    [Fact]
    public async Task Invocation_OfAService_IsOneSpan()
    {
        using var sidecar = ScriptedEndpoint.Start("\"fine\"", "application/json");
        // HttpClient takes over what sends its headers when it is made: not before the application has its tracing.
        await using var app = await TracedApp.StartAsync(app =>
        {
            var dapr = DaprClient.CreateInvokeHttpClient("catalog", sidecar.Address.ToString());
            app.Lifetime.ApplicationStopped.Register(dapr.Dispose);
            app.MapGet("/orders", () => dapr.GetStringAsync("articles/7"));
        });
        Assert.Equal("\"fine\"", await app.GetAsync("/orders"));
        var spans = await app.StopAsync();

        Assert.Equal(
            """
            SERVER GET /orders
              CLIENT GET
            """,
            TraceOutline.Of(spans));
        sidecar.AssertNamesClientSpans(spans);
    }

    [Fact]
    public async Task Publish_ToATopic_IsOneSpanOfGrpc()
    {
        var traceParent = "";
        await using var app = await TracedApp.StartAsync(
            app =>
            {
                app.MapPost("/dapr.proto.runtime.v1.Dapr/PublishEvent", async context =>
                {
                    traceParent = context.Request.Headers.TraceParent;
                    await context.Request.BodyReader.CopyToAsync(Stream.Null);
                    context.Response.ContentType = "application/grpc";
                    // An empty message.
                    await context.Response.Body.WriteAsync(new byte[5]);
                    context.Response.AppendTrailer("grpc-status", "0");
                });
                app.MapGet("/orders", async (DaprClient dapr) => await dapr.PublishEventAsync("bus", "orders", "order 1"));
            },
            builder =>
            {
                builder.WebHost.ConfigureKestrel(kestrel =>
                {
                    kestrel.Listen(IPAddress.Loopback, 0, endpoint => endpoint.Protocols = HttpProtocols.Http1);
                    kestrel.Listen(IPAddress.Loopback, 0, endpoint => endpoint.Protocols = HttpProtocols.Http2);
                });
                builder.Services.AddSingleton(services => new DaprClientBuilder()
                    .UseGrpcEndpoint(services.GetRequiredService<Microsoft.AspNetCore.Hosting.Server.IServer>().Features.Get<Microsoft.AspNetCore.Hosting.Server.Features.IServerAddressesFeature>()!.Addresses.Last())
                    .Build());
            });
        await app.GetAsync("/orders");
        var spans = await app.StopAsync();

        Assert.Equal(
            """
            SERVER GET /orders
              CLIENT dapr.proto.runtime.v1.Dapr/PublishEvent
                SERVER POST /dapr.proto.runtime.v1.Dapr/PublishEvent
            """,
            TraceOutline.Of(spans));
        Assert.Equal($"00-{TracedApp.TraceId}-{spans.Single(span => span.Kind == "CLIENT").Id}-01", traceParent);
    }
}
