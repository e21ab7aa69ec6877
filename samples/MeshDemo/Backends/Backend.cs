using MeshDemo.Processes;
using MeshDemo.Traces;

namespace MeshDemo.Backends;

/// <summary>The formats in which a backend takes spans.</summary>
[Flags]
internal enum SpanFormats
{
    /// <summary>Zipkin v2 JSON, at /api/v2/spans.</summary>
    Zipkin = 1,

    /// <summary>OTLP/HTTP, at /v1/traces.</summary>
    Otlp = 2,
}

/// <summary>
/// Where the demo's collector passes spans on to: Zipkin, for example. An option of the command line names it, the demo starts it before the
/// mesh and disposes of it after the mesh.
/// </summary>
internal abstract class Backend : IAsyncDisposable
{
    /// <summary>The option that names it, such as <c>--zipkin</c>.</summary>
    public abstract string Option { get; }

    /// <summary>The formats that it takes. Envoy's tracer and the services' exporter are chosen to match.</summary>
    public abstract SpanFormats Formats { get; }

    /// <summary>Its base address for Zipkin v2 JSON; null when it does not take it. Valid once it is started.</summary>
    public virtual Uri? Zipkin => null;

    /// <summary>Its base address for OTLP/HTTP; null when it does not take it. Valid once it is started.</summary>
    public virtual Uri? Otlp => null;

    /// <summary>The program that the demo started for it; null when it is the user's. The demo ends with a failure when this program ends.</summary>
    public virtual ChildProcess? Process => null;

    /// <summary>True when <see cref="FindTraceAsync"/> can be called: the demo then prints and verifies what the backend answers.</summary>
    public virtual bool CanFindTraces => false;

    /// <summary>Starts it, if it is the demo's, and makes sure that it takes spans, so that the demo ends at once and not with lost spans.</summary>
    /// <param name="used">The formats that this run sends, all of them in <see cref="Formats"/>.</param>
    /// <param name="http">The demo's own client.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <exception cref="DemoException">It does not take spans: one sentence says why.</exception>
    public abstract Task StartAsync(SpanFormats used, HttpClient http, CancellationToken cancellation);

    /// <summary>The line below a printed tree, with the link to the trace.</summary>
    public abstract string Link(string traceId);

    /// <summary>The spans of a trace as the backend's own API answers them; empty when it has none yet.</summary>
    public virtual Task<IReadOnlyList<Span>> FindTraceAsync(string traceId, HttpClient http, CancellationToken cancellation) =>
        throw new NotSupportedException();

    /// <summary>Ends <see cref="Process"/>.</summary>
    public virtual ValueTask DisposeAsync() => Process?.DisposeAsync() ?? default;

    /// <summary>Posts an empty list in each of the formats.</summary>
    /// <exception cref="DemoException">It does not answer, or not with a status of success.</exception>
    protected async Task CheckAsync(SpanFormats formats, HttpClient http, CancellationToken cancellation)
    {
        if (formats.HasFlag(SpanFormats.Zipkin))
            await CheckAsync(Zipkin!, "/api/v2/spans", "application/json", "[]"u8.ToArray(), http, cancellation);
        if (formats.HasFlag(SpanFormats.Otlp))
            await CheckAsync(Otlp!, "/v1/traces", "application/x-protobuf", [], http, cancellation);
    }

    private static async Task CheckAsync(Uri address, string path, string contentType, byte[] body, HttpClient http, CancellationToken cancellation)
    {
        try
        {
            using var content = new ByteArrayContent(body);
            content.Headers.ContentType = new(contentType);
            using var answer = await http.PostAsync(new Uri(address.ToString().TrimEnd('/') + path), content, cancellation);
            if (!answer.IsSuccessStatusCode)
                throw new DemoException($"{address} does not take spans: it answers {(int)answer.StatusCode} to {path}.");
        }
        catch (HttpRequestException e)
        {
            throw new DemoException($"Nothing answers at {address}: {e.Message}");
        }
    }
}
