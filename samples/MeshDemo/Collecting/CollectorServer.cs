using System.IO.Compression;
using MeshDemo.Processes;

namespace MeshDemo.Collecting;

/// <summary>
/// The demo's collector: takes spans as Zipkin v2 JSON and as OTLP/HTTP protobuf, keeps the latest in memory, shows them as a page and
/// as JSON. It can pass on what it gets to a real Zipkin or OTLP endpoint.
/// </summary>
internal static class CollectorServer
{
    /// <summary>The first argument when it runs as a process of its own; <see cref="Arguments"/> writes what follows.</summary>
    public const string Command = "collector";

    // In place of an address: spans of this format stay here.
    private const string Nowhere = "-";

    private const int MaxBodyBytes = 10 * 1024 * 1024, TracesInList = 100;

    /// <summary>The arguments of a collector that passes on what comes as Zipkin and what comes as OTLP to these base addresses.</summary>
    public static string[] Arguments(Uri? zipkin, Uri? otlp) => [Command, zipkin?.ToString() ?? Nowhere, otlp?.ToString() ?? Nowhere];

    /// <summary>Runs as a process of its own until it is asked to end.</summary>
    public static async Task RunAsync(string zipkin, string otlp, string url)
    {
        await using var collector = await StartAsync(url, Address(zipkin), Address(otlp));
        await collector.WaitForShutdownAsync();

        static Uri? Address(string argument) => argument == Nowhere ? null : new Uri(argument);
    }

    /// <summary>Starts to listen at <paramref name="url"/>; port 0 lets the system choose.</summary>
    /// <param name="url">Where to listen.</param>
    /// <param name="zipkin">
    /// The base address of another collector of Zipkin v2 JSON. It gets every body as it came, below the same path, and its answer goes back
    /// to the sender.
    /// </param>
    /// <param name="otlp">The same for OTLP/HTTP.</param>
    public static async Task<WebApplication> StartAsync(string url, Uri? zipkin = null, Uri? otlp = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls(url).ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = MaxBodyBytes);
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        builder.Services.AddSingleton<TraceStore>(_ => new TraceStore());

        var app = builder.Build();
        var http = LocalHttp.CreateClient();
        app.Lifetime.ApplicationStopped.Register(http.Dispose);

        var store = app.Services.GetRequiredService<TraceStore>();
        app.MapPost("/api/v2/spans", context => TakeAsync(
            context, "application/json", StatusCodes.Status202Accepted, body => store.Add(ZipkinJson.Read(body)), http, zipkin));
        // An empty body is an ExportTraceServiceResponse without complaints.
        app.MapPost("/v1/traces", context => TakeAsync(
            context, "application/x-protobuf", StatusCodes.Status200OK, body => store.Add(OtlpProtobuf.Read(body.Span)), http, otlp));

        app.MapGet("/api/traces", () => new TraceList(store.Dropped, [.. store.Latest(TracesInList).Select(TraceSummary.Of)]));
        app.MapGet("/api/traces/{traceId}", (string traceId) =>
            store.Find(traceId.PadLeft(32, '0')) is { Count: > 0 } spans ? Results.Ok(TraceView.Of(spans)) : Results.NotFound());
        app.MapGet("/", () => Results.Stream(typeof(CollectorServer).Assembly.GetManifestResourceStream("page.html")!, "text/html; charset=utf-8"));

        await app.StartAsync();
        return app;
    }

    private static async Task TakeAsync(
        HttpContext context, string contentType, int success, Action<ReadOnlyMemory<byte>> store, HttpClient http, Uri? passOnTo)
    {
        var (request, response) = (context.Request, context.Response);
        response.ContentType = contentType;
        if (request.ContentType?.StartsWith(contentType, StringComparison.OrdinalIgnoreCase) is not true)
        {
            await RefuseAsync(response, StatusCodes.Status415UnsupportedMediaType, $"This collector reads {contentType} here.");
            return;
        }

        byte[] sent;
        try
        {
            sent = await ReadAsync(request.Body);
            store(await UnzipAsync(request, sent));
        }
        catch (Exception e) when (e is FormatException or InvalidDataException)
        {
            await RefuseAsync(response, StatusCodes.Status400BadRequest, e.Message);
            return;
        }

        if (passOnTo is not null)
            await PassOnAsync(request, response, sent, http, passOnTo);
        else
            response.StatusCode = success;
    }

    private static async Task<byte[]> UnzipAsync(HttpRequest request, byte[] body)
    {
        if (!request.Headers.ContentEncoding.ToString().Contains("gzip", StringComparison.OrdinalIgnoreCase))
            return body;
        await using var unzipped = new GZipStream(new MemoryStream(body), CompressionMode.Decompress);
        return await ReadAsync(unzipped);
    }

    // Kestrel limits what is sent; this limits what that unzips to.
    private static async Task<byte[]> ReadAsync(Stream stream)
    {
        using var memory = new MemoryStream();
        var buffer = new byte[64 * 1024];
        for (int read; (read = await stream.ReadAsync(buffer)) > 0;)
        {
            if (memory.Length + read > MaxBodyBytes)
                throw new InvalidDataException($"This unzips to more than {MaxBodyBytes} bytes.");
            memory.Write(buffer, 0, read);
        }

        return memory.ToArray();
    }

    private static async Task PassOnAsync(HttpRequest request, HttpResponse response, byte[] body, HttpClient http, Uri to)
    {
        using var message = new HttpRequestMessage(HttpMethod.Post, to.ToString().TrimEnd('/') + request.Path) { Content = new ByteArrayContent(body) };
        message.Content.Headers.TryAddWithoutValidation("Content-Type", request.ContentType);
        if (request.Headers.ContentEncoding.ToString() is { Length: > 0 } encoding)
            message.Content.Headers.TryAddWithoutValidation("Content-Encoding", encoding);
        try
        {
            // The sender may have closed the connection by now; its spans are passed on nevertheless.
            using var answer = await http.SendAsync(message);
            response.StatusCode = (int)answer.StatusCode;
            response.ContentType = answer.Content.Headers.ContentType?.ToString();
            await answer.Content.CopyToAsync(response.Body);
        }
        catch (HttpRequestException e)
        {
            await RefuseAsync(response, StatusCodes.Status502BadGateway, e.Message);
        }
    }

    private static Task RefuseAsync(HttpResponse response, int status, string why)
    {
        response.StatusCode = status;
        response.ContentType = "text/plain";
        return response.WriteAsync(why);
    }
}
