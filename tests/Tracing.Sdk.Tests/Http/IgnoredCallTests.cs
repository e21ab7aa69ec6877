using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Tracing.Sdk.Http;
using Tracing.Sdk.Recording;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.Http;

/// <summary>A call that is left out has no span; its headers are those of the code around it.</summary>
[Collection(Alone.Name)]
public sealed class IgnoredCallTests
{
    private static readonly ActivitySource Orders = new("Orders.IgnoredCallTests");

    public static TheoryData<string, bool> ClientsAndWays => new()
    {
        { "new", false }, { "new", true }, { "factory", false }, { "factory", true }, { "handler by hand", false }, { "handler by hand", true },
    };

    [Theory]
    [MemberData(nameof(ClientsAndWays))]
    public async Task Call_InASpan_NamesThatSpanAsTheParent(string client, bool byCode)
    {
        await using var server = new WireServer();
        await using var service = await TestService.StartAsync(app => app.MapGet("/", async (IServiceProvider services) =>
        {
            using var outer = Orders.StartActivity("outer");
            await SendAsync(services, client, new Uri(server.Address, "/poll"));
            await SendAsync(services, client, server.Address);
        }), o => Ignore(o, byCode), b => b.Services.AddHttpClient("orders"));
        await service.GetAsync("/");
        await service.StopAsync();

        var spans = service.Sink.Spans;
        Assert.Equal(3, spans.Count);
        var outer = spans.Single(s => s.Name == "outer");
        Assert.Equal([outer.SpanId, spans.Client().SpanId], server.Requests.Select(r => r["X-B3-SpanId"]));
        Assert.Equal(["1", "1"], server.Requests.Select(r => r["X-B3-Sampled"]));
        Assert.Contains("Tracing stopped: 3 spans started, 3 exported, 0 dropped", service.Log.OfTracing);
    }

    [Theory]
    [MemberData(nameof(ClientsAndWays))]
    public async Task Call_OutsideOfRequests_CarriesNothing(string client, bool byCode)
    {
        await using var server = new WireServer();
        using var process = new TracedProcess(o => Ignore(o, byCode));
        await SendAsync(process.Services, client, new Uri(server.Address, "/poll"));

        Assert.Empty(process.Stop());
        Assert.Equal(["Host"], server.Request.Headers.Select(h => h.Key));
        Assert.Equal("0 spans started, 0 exported, 0 dropped", process.LastLine);
    }

    [Theory]
    [InlineData(false, DecisionReason.Ignored)]
    [InlineData(true, DecisionReason.IgnoredByCode)]
    internal async Task Call_OutsideOfRequests_IsCountedOnceUnderItsReason(bool byCode, DecisionReason reason)
    {
        await using var server = new WireServer();
        using var process = new TracedProcess(o => Ignore(o, byCode));
        await SendAsync(process.Services, "new", new Uri(server.Address, "/poll"));

        Decisions.Assert(process.Services, (reason, false, 1));
    }

    [Fact]
    public async Task Predicate_Throws_IgnoresNothingAndIsLoggedOnce()
    {
        await using var server = new WireServer();
        using var process = new TracedProcess(o => o.Ignore.Call = _ => throw new InvalidOperationException("no answer today"));
        await SendAsync(process.Services, "new", server.Address);
        await SendAsync(process.Services, "new", server.Address);

        Assert.Equal(2, process.Stop().Count);
        Assert.Contains("no answer today", Assert.Single(process.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Call_UnsampledTrace_SaysNotSampled()
    {
        await using var server = new WireServer();
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/", (IServiceProvider services) => SendAsync(services, "new", new Uri(server.Address, "/poll"))), o => Ignore(o, byCode: false));
        await service.GetAsync("/", "b3: 0");

        Assert.Equal("0", server.Request["X-B3-Sampled"]);
    }

    [Fact]
    public void Injection_OfAnotherSpan_IsNotTakenForTheCall()
    {
        using var process = new TracedProcess(o => o.Ignore.Call = _ => true);
        using (var work = Orders.StartActivity("work")!)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "http://localhost/");
            DistributedContextPropagator.Current.Inject(work, request, setter: null);
            Assert.Contains(work.SpanId.ToHexString(), request.Headers.GetValues("traceparent").Single(), StringComparison.Ordinal);
        }

        Assert.Equal("work", Assert.Single(process.Stop()).Name);
    }

    private static void Ignore(MeshTracingOptions options, bool byCode)
    {
        if (byCode) options.Ignore.Call = request => request.RequestUri!.AbsolutePath == "/poll";
        else options.Ignore.Calls.Add("127.0.0.1/poll");
    }

    private static async Task SendAsync(IServiceProvider services, string kind, Uri uri)
    {
        using var handler = new MeshTracingHandler(new NoHandler());
        using var client = kind switch
        {
            "factory" => services.GetService<IHttpClientFactory>()?.CreateClient("orders") ?? new HttpClient(),
            "handler by hand" => new HttpClient(handler),
            _ => new HttpClient(),
        };
        (await client.GetAsync(uri)).Dispose();
    }

    // Hides the platform's transport, so that the span is this library's.
    private sealed class NoHandler : HttpMessageHandler
    {
        private readonly HttpMessageInvoker _inner = new(new SocketsHttpHandler { ActivityHeadersPropagator = null });

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => _inner.SendAsync(request, cancellationToken);

        protected override void Dispose(bool disposing)
        {
            if (disposing) _inner.Dispose();
            base.Dispose(disposing);
        }
    }
}
