using System.IO.Compression;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Tracing.Sdk.IntegrationTests.Harness;

/// <summary>A collector inside the test: Zipkin v2 JSON and OTLP/HTTP in, spans and their requests out.</summary>
public sealed class TestCollector : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Lock _lock = new();

    // Under the lock.
    private readonly List<CollectedSpan> _spans = [];
    private readonly List<IHeaderDictionary> _requestHeaders = [];
    private TaskCompletionSource _arrival = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private TestCollector(WebApplication app) => _app = app;

    /// <summary>What to do with the spans of an OTLP request before it is answered.</summary>
    public Func<IReadOnlyList<CollectedSpan>, Task> ForwardOtlp { get; set; } = _ => Task.CompletedTask;

    /// <summary>For example <c>http://127.0.0.1:41234</c>.</summary>
    public string Address => _app.Urls.Single();

    public string ZipkinEndpoint => Address + "/api/v2/spans";

    public static async Task<TestCollector> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var collector = new TestCollector(app);

        // The statuses that Envoy asks for: 202 from Zipkin, 200 from OTLP.
        app.MapPost("/api/v2/spans", async (HttpContext context) =>
        {
            using var list = JsonDocument.Parse(await ReadBody(context.Request));
            collector.Add(ZipkinReader.Read(list.RootElement), context.Request.Headers);
            return Results.StatusCode(StatusCodes.Status202Accepted);
        });
        app.MapPost("/v1/traces", async (HttpContext context) =>
        {
            var spans = OtlpReader.Read(await ReadBody(context.Request));
            await collector.ForwardOtlp(spans);
            collector.Add(spans, context.Request.Headers);
            return Results.Bytes([], "application/x-protobuf");
        });
        await app.StartAsync();
        return collector;
    }

    /// <summary>Everything that has arrived so far.</summary>
    public IReadOnlyList<CollectedSpan> Spans
    {
        get
        {
            lock (_lock) return [.. _spans];
        }
    }

    /// <summary>The headers of every export request so far.</summary>
    public IReadOnlyList<IHeaderDictionary> RequestHeaders
    {
        get
        {
            lock (_lock) return [.. _requestHeaders];
        }
    }

    /// <summary>Waits for arrivals until <paramref name="find"/> finds something; fails after a minute, saying <paramref name="what"/> was awaited.</summary>
    public async Task<T> WaitForAsync<T>(string what, Func<IReadOnlyList<CollectedSpan>, T?> find)
        where T : class
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (true)
        {
            Task arrival;
            IReadOnlyList<CollectedSpan> spans;
            lock (_lock)
            {
                arrival = _arrival.Task;
                spans = [.. _spans];
            }

            if (find(spans) is { } found)
                return found;
            try
            {
                await arrival.WaitAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                throw new TimeoutException($"{what} did not arrive. The last of {spans.Count} spans that did:\n{string.Join('\n', spans.TakeLast(10))}");
            }
        }
    }

    /// <summary>Forgets what has arrived, so that a test among thousands of requests looks at its own.</summary>
    public void Forget()
    {
        lock (_lock)
        {
            _spans.Clear();
            _requestHeaders.Clear();
        }
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private void Add(List<CollectedSpan> spans, IHeaderDictionary headers)
    {
        TaskCompletionSource arrival;
        lock (_lock)
        {
            _spans.AddRange(spans);
            _requestHeaders.Add(new HeaderDictionary(headers.ToDictionary()));
            (arrival, _arrival) = (_arrival, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        }

        arrival.SetResult();
    }

    private static async Task<byte[]> ReadBody(HttpRequest request)
    {
        var body = request.Headers.ContentEncoding == "gzip" ? new GZipStream(request.Body, CompressionMode.Decompress) : request.Body;
        using var bytes = new MemoryStream();
        await body.CopyToAsync(bytes);
        return bytes.ToArray();
    }
}
