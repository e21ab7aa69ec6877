using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Tracing.Sdk.Export.Console;
using Tracing.Sdk.Export.Encoding;
using Tracing.Sdk.Tests.Export.Encoding;
using Tracing.Sdk.Tests.Testbed;
using Span = Tracing.Sdk.Tests.Testbed.Span;

namespace Tracing.Sdk.Tests.Export;

/// <summary><c>Export:RemovedAttributes</c>, in the requests to a collector.</summary>
public sealed class RemovedAttributesTests
{
    [Fact]
    public async Task ServerSpan_RemovedBySection_HasTheOthers()
    {
        var with = await RequestAsync();
        var without = await RequestAsync("client.address", "network.peer.*", "user_agent.original", "of.the.application");

        Assert.Equal(
            with.Tags.Keys.Except(["client.address", "network.peer.address", "network.peer.port", "user_agent.original", "of.the.application"]), without.Tags.Keys);
        Assert.Equal(["kept"], Assert.Single(without.Events, e => e.Name == "event").Tags.Keys);
    }

    [Fact]
    public async Task ServerSpan_EveryName_StaysASpan()
    {
        var span = await RequestAsync("*");
        Assert.Empty(span.Tags);
        Assert.Equal("GET /orders/{id}", span.Name);
    }

    [Fact]
    public async Task Resource_NameIsRemoved_StaysInTheResource()
    {
        await using var service = await StartAsync("service.*");
        await service.GetAsync("/orders/7");
        await service.StopAsync();
        Assert.Equal("Tracing.Sdk.Tests", service.Sink.Resource["service.name"]);
    }

    [Fact]
    public void DroppedCount_AttributesAreRemoved_IsNotRaised()
    {
        var activity = TestSpan.Make(activity => activity.AddTag("a", 1).AddTag("secret", 2).AddEvent(new("e", tags: new() { ["secret"] = 1 })));
        var span = Encoded.Otlp(activity, limits: new SpanLimits(Removed: new RemovedAttributes(["secret"])));
        Assert.Equal((0u, 0u), (span.DroppedAttributesCount, span.Events[0].DroppedAttributesCount));
    }

    [Fact]
    public void Status_ItsTagIsRemoved_StaysTheStatus()
    {
        var activity = TestSpan.Make(activity => activity.AddTag("otel.status_code", "ERROR").AddTag("otel.status_description", "no"));
        var span = Encoded.Otlp(activity, limits: new SpanLimits(Removed: new RemovedAttributes(["otel.*"])));
        Assert.Equal("no", span.Status.Message);
    }

    [Fact]
    public void Zipkin_RemovedName_IsInNoRemoteEndpoint()
    {
        var activity = TestSpan.Make(
            activity => activity.AddTag("server.address", "shop.svc").AddTag("server.port", 80).AddTag("network.peer.address", "10.0.0.1").AddTag("network.peer.port", 81),
            ActivityKind.Client);
        Assert.Contains("""
            "remoteEndpoint":{"ipv4":"10.0.0.1","port":81}
            """.Trim(), Zipkin(activity, "server.*"), StringComparison.Ordinal);
        Assert.DoesNotContain("remoteEndpoint", Zipkin(activity, "server.*", "network.*"), StringComparison.Ordinal);
    }

    [Fact]
    public void Zipkin_PortIsRemoved_IsInNoRemoteEndpoint()
    {
        var activity = TestSpan.Make(
            activity => activity.AddTag("server.address", "shop.svc").AddTag("server.port", 80).AddTag("network.peer.port", 81).AddTag("net.peer.port", 82), ActivityKind.Client);
        Assert.Contains("""
            "remoteEndpoint":{"serviceName":"shop.svc"}
            """.Trim(), Zipkin(activity, "server.port"), StringComparison.Ordinal);
    }

    [Fact]
    public void Zipkin_ErrorTagIsRemoved_StatusStillShowsTheSpanAsFailed()
    {
        var activity = TestSpan.Make(activity => activity.AddTag("error", "secret").AddTag("otel.status_code", "ERROR"));
        Assert.Contains("""
            "otel.status_code":"ERROR","error":""
            """.Trim(), Zipkin(activity, "error"), StringComparison.Ordinal);
    }

    [Fact]
    public void Zipkin_OnlyAttributeOfAnEventIsRemoved_AnnotationIsTheName()
    {
        var activity = TestSpan.Make(activity => activity.AddEvent(new("exception", tags: new() { ["exception.stacktrace"] = "at A" })));
        Assert.Contains("""
            "value":"exception"
            """.Trim(), Zipkin(activity, "exception.stacktrace"), StringComparison.Ordinal);
    }

    [Fact]
    public void Console_RemovedName_IsNotInTheLine()
    {
        var encoder = new ConsoleEncoder(new SpanLimits(Removed: new RemovedAttributes(["secret"])));
        var line = System.Text.Encoding.UTF8.GetString(Encoded.Bytes(encoder, TestSpan.Make(activity => activity.AddTag("secret", "x").AddTag("kept", "y"))));
        Assert.Contains(" kept=\"y\"", line, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", line, StringComparison.Ordinal);
    }

    private static string Zipkin(Activity activity, params string[] names) => Encoded.Zipkin(activity, limits: new SpanLimits(Removed: new RemovedAttributes(names)));

    private static async Task<Span> RequestAsync(params string[] names)
    {
        await using var service = await StartAsync(names);
        await service.GetAsync("/orders/7?color=red", "User-Agent: curl/8.0");
        return (await service.StopAsync()).Server();
    }

    private static Task<TestService> StartAsync(params string[] names) => TestService.StartAsync(
        app => app.MapGet("/orders/{id}", (int id) =>
        {
            Activity.Current!.SetTag("of.the.application", "x").SetTag("also.of.it", "y").AddEvent(new("event", tags: new() { ["user_agent.original"] = "x", ["kept"] = "y" }));
            return Results.Ok();
        }),
        build: builder => builder.Configuration.AddInMemoryCollection(names.Select((name, i) => KeyValuePair.Create($"MeshTracing:Export:RemovedAttributes:{i}", (string?)name))));
}
