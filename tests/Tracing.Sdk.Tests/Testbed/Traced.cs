using System.Runtime.ExceptionServices;
using Microsoft.AspNetCore.Builder;

namespace Tracing.Sdk.Tests.Testbed;

/// <summary>Code that runs inside a request of a traced service, where it belongs to that service alone.</summary>
internal static class Traced
{
    /// <param name="run">Runs with the service's container.</param>
    /// <param name="options">Settings in code.</param>
    /// <param name="build">Services and configuration.</param>
    /// <param name="headers">Of the request around it, as <c>name: value</c>.</param>
    /// <returns>The spans of that request and what it called.</returns>
    public static async Task<IReadOnlyList<Span>> RunAsync(
        Func<IServiceProvider, Task> run, Action<MeshTracingOptions>? options = null, Action<WebApplicationBuilder>? build = null, params string[] headers)
    {
        var (spans, _) = await RunWithLogAsync(run, options, build, headers);
        return spans;
    }

    public static async Task<(IReadOnlyList<Span> Spans, LogCollector Log)> RunWithLogAsync(
        Func<IServiceProvider, Task> run, Action<MeshTracingOptions>? options = null, Action<WebApplicationBuilder>? build = null, params string[] headers)
    {
        ExceptionDispatchInfo? failure = null;
        await using var service = await TestService.StartAsync(
            app => app.MapGet("/", async (IServiceProvider services) =>
            {
                try
                {
                    await run(services);
                }
                catch (Exception e)
                {
                    failure = ExceptionDispatchInfo.Capture(e);
                }
            }),
            options,
            build);
        await service.GetAsync("/", headers);
        failure?.Throw();
        return (await service.StopAsync(), service.Log);
    }
}

/// <summary>A handler that sends nothing: what HttpClient ends in under test, or in front of a transport of somebody's own.</summary>
internal sealed class StubHandler(Func<HttpRequestMessage, CancellationToken, HttpResponseMessage>? reply = null) : HttpMessageHandler
{
    private readonly List<Dictionary<string, string>> _sent = [];

    /// <summary>The headers of each request as they would have left.</summary>
    public IReadOnlyList<IReadOnlyDictionary<string, string>> Sent
    {
        get
        {
            lock (_sent) return [.. _sent];
        }
    }

    protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        lock (_sent) _sent.Add(request.Headers.NonValidated.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase));
        return reply?.Invoke(request, cancellationToken) ?? new HttpResponseMessage();
    }

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        try
        {
            return Task.FromResult(Send(request, cancellationToken));
        }
        catch (Exception e)
        {
            return Task.FromException<HttpResponseMessage>(e);
        }
    }
}
