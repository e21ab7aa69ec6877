using System.Net;
using System.Text.Json;
using MeshDemo.Processes;
using MeshDemo.Traces;

namespace MeshDemo.Backends;

/// <summary>A Jaeger of the user's, or one that the demo starts. Its API is asked for each trace.</summary>
/// <param name="query">Where its pages and its query API are; null for a Jaeger of the demo's own.</param>
/// <param name="zipkin">Where it takes Zipkin v2 JSON; null for port 9411 of the same host.</param>
/// <param name="otlp">Where it takes OTLP/HTTP; null for port 4318 of the same host. A Collector in front of it can be named as well.</param>
internal sealed class JaegerBackend(Uri? query, Uri? zipkin = null, Uri? otlp = null) : Backend
{
    private const int ZipkinPort = 9411, OtlpPort = 4318;

    private JaegerProcess? _own;

    public override string Option => "--jaeger";

    public override SpanFormats Formats => SpanFormats.Zipkin | SpanFormats.Otlp;

    public override Uri? Zipkin => zipkin ?? _own?.Zipkin ?? SameHost(ZipkinPort);

    public override Uri? Otlp => otlp ?? _own?.OtlpHttp ?? SameHost(OtlpPort);

    public override ChildProcess? Process => _own?.Process;

    public override bool CanFindTraces => true;

    private Uri Query => _own?.Query ?? query!;

    public override async Task StartAsync(SpanFormats used, HttpClient http, CancellationToken cancellation)
    {
        if (query is null)
        {
            _own = await JaegerProcess.StartAsync(OwnPath(), cancellation: cancellation);
            return;
        }

        await CheckQueryAsync(http, cancellation);
        try
        {
            await CheckAsync(used, http, cancellation);
        }
        catch (DemoException e)
        {
            throw new DemoException($"{e.Message.TrimEnd('.')}. Beside --jaeger, --zipkin URL and --otlp URL say where it takes spans, and --tracer otel needs OTLP only.");
        }
    }

    public override string Link(string traceId) => _own is null
        ? $"Read back from Jaeger: {TracePage(traceId)}"
        : $"Read back from a Jaeger that ends with the demo: {TracePage(traceId)}";

    public override async Task<IReadOnlyList<Span>> FindTraceAsync(string traceId, HttpClient http, CancellationToken cancellation)
    {
        try
        {
            using var answer = await http.GetAsync(Below("api/traces/" + traceId), cancellation);
            if (answer.StatusCode == HttpStatusCode.NotFound)
                return [];
            await using var body = await answer.EnsureSuccessStatusCode().Content.ReadAsStreamAsync(cancellation);
            using var document = await JsonDocument.ParseAsync(body, cancellationToken: cancellation);
            return JaegerJson.Read(document.RootElement);
        }
        catch (HttpRequestException e)
        {
            throw new DemoException($"Jaeger's API at {Query} does not answer any more: {e.Message}");
        }
    }

    private static string OwnPath() => Environment.GetEnvironmentVariable(JaegerProcess.PathVariable) switch
    {
        null or "" => throw new DemoException(
            $"--jaeger needs the address of a running Jaeger, such as http://localhost:16686, or {JaegerProcess.PathVariable} with the program 'jaeger' of https://www.jaegertracing.io/download/."),
        var path when !File.Exists(path) => throw new DemoException($"{JaegerProcess.PathVariable} says that Jaeger is {path}, but there is no such file."),
        var path => Path.GetFullPath(path),
    };

    // The other ports of Jaeger answer too, but not this.
    private async Task CheckQueryAsync(HttpClient http, CancellationToken cancellation)
    {
        try
        {
            using var answer = await http.GetAsync(Below("api/services"), cancellation);
            if (!answer.IsSuccessStatusCode || answer.Content.Headers.ContentType?.MediaType != "application/json")
                throw new DemoException($"{query} is not Jaeger's query API: it answers {(int)answer.StatusCode} to /api/services. Jaeger has its pages and its API at port 16686.");
        }
        catch (HttpRequestException e)
        {
            throw new DemoException($"Nothing answers at {query}: {e.Message}");
        }
    }

    private string TracePage(string traceId) => Below("trace/" + traceId).ToString();

    private Uri Below(string path) => new($"{Query.ToString().TrimEnd('/')}/{path}");

    private Uri? SameHost(int port) => query is null ? null : new UriBuilder(query) { Port = port, Path = "", Query = "" }.Uri;
}
