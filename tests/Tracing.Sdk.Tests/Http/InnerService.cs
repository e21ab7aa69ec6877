using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Tracing.Sdk.Tests.Testbed;

namespace Tracing.Sdk.Tests.Http;

/// <summary>A second service in the same process, behind a TestServer.</summary>
internal sealed class InnerService : IAsyncDisposable
{
    private readonly SpanSink _sink = new();
    private readonly WebApplication _app;

    private InnerService()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "inner" });
        builder.WebHost.UseTestServer();
        builder.Services.AddRoutingCore().AddMeshTracing(o => TestService.ExportTo(_sink, o));
        _app = builder.Build();
        _app.MapGet("/orders", () => "ok");
    }

    public static async Task<InnerService> StartAsync()
    {
        var service = new InnerService();
        await service._app.StartAsync();
        return service;
    }

    public HttpMessageHandler CreateHandler() => _app.GetTestServer().CreateHandler();

    public async Task<IReadOnlyList<Span>> StopAsync()
    {
        await _app.StopAsync();
        return _sink.Spans;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
