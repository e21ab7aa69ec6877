using MeshDemo.Processes;
using MeshDemo.Traces;
using Yarp.ReverseProxy.Forwarder;

namespace MeshDemo.StandIn;

/// <summary>
/// Stands in for Envoy on a machine that has none: forwards every request with YARP, and does to the trace headers what Envoy's Zipkin
/// tracer does. The names of its services, a tag of each span and a response header say that it is not Envoy.
/// </summary>
internal sealed class StandInProxy(bool isFront, bool speaksW3C, Uri upstream, ProxyReporter reporter)
{
    public const string Command = "stand-in";

    /// <summary>The names that its spans carry.</summary>
    public static readonly MeshShape Shape = MeshShape.WithEnvoy with { FrontProxy = "front-stand-in", EgressProxy = "egress-stand-in" };

    private string ServiceName => isFront ? Shape.FrontProxy : Shape.EgressProxy;

    private string Upstream => isFront ? Shape.ApiService : Shape.DataService;

    public static string[] Arguments(bool isFront, Tracer tracer, Uri upstream, Uri collector) =>
        [Command, isFront ? "front" : "egress", tracer == Tracer.ZipkinW3C ? "b3+w3c" : "b3", upstream.ToString(), collector.ToString()];

    /// <summary>Runs as a process of its own until it is asked to end.</summary>
    public static async Task RunAsync(string role, string formats, Uri upstream, Uri collector, string url)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls(url);
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning).AddFilter("Yarp", LogLevel.Warning);
        builder.Services.AddHttpForwarder();

        await using var app = builder.Build();
        await using var reporter = new ProxyReporter(new Uri(collector, "api/v2/spans"));
        // No span and no headers of .NET's own: the two sides are connected by the stand-in's headers only.
        using var client = new HttpMessageInvoker(new SocketsHttpHandler
        {
            UseProxy = false,
            AllowAutoRedirect = false,
            UseCookies = false,
            ActivityHeadersPropagator = null,
        });

        var proxy = new StandInProxy(role == "front", formats == "b3+w3c", upstream, reporter);
        var forwarder = app.Services.GetRequiredService<IHttpForwarder>();
        app.Run(context => proxy.HandleAsync(context, forwarder, client));
        await app.RunAsync();
    }

    private async Task HandleAsync(HttpContext context, IHttpForwarder forwarder, HttpMessageInvoker client)
    {
        var requestId = RequestId(context.Request.Headers);
        context.Request.Headers["x-request-id"] = requestId;
        var hasSpan = ProxySpanContext.TryExtract(context.Request.Headers, speaksW3C, out var caller);

        // A SERVER span and a CLIENT span below it, as with spawn_upstream_span.
        var server = hasSpan ? caller!.NewChild() : null;
        var call = server?.NewChild();
        if (isFront)
        {
            context.Response.Headers["x-request-id"] = requestId;
            context.Response.Headers["x-trace-id"] = caller?.TraceId;
        }

        context.Response.Headers["x-proxy"] = "stand-in, not Envoy";

        var start = Timestamp();
        await forwarder.SendAsync(context, upstream.ToString(), client, ForwarderRequestConfig.Empty, (_, request) =>
        {
            call?.Inject(request, speaksW3C);
            return default;
        });
        var duration = Math.Max(1, Timestamp() - start);

        if (server is { Sampled: true })
            Report(context, server, "SERVER", isFront ? $"ingress {Upstream}" : $"egress {Upstream}", start, duration, requestId);
        if (call is { Sampled: true })
            Report(context, call, "CLIENT", $"router {Upstream}", start, duration, requestId);
    }

    // The edge makes a new id; inside the mesh the received one is kept. A 9 in place of the version is Envoy's mark for "sampled".
    private string RequestId(IHeaderDictionary headers)
    {
        if (!isFront && headers["x-request-id"].ToString() is { Length: > 0 } came)
            return came;
        var id = Guid.NewGuid().ToString().ToCharArray();
        id[14] = '9';
        return new string(id);
    }

    private void Report(HttpContext context, ProxySpanContext span, string kind, string name, long start, long duration, string requestId)
    {
        var tags = new Dictionary<string, string>
        {
            ["component"] = "stand-in proxy, not Envoy",
            ["http.method"] = context.Request.Method,
            ["http.url"] = $"{context.Request.Scheme}://{context.Request.Host}{context.Request.Path}{context.Request.QueryString}",
            ["http.status_code"] = context.Response.StatusCode.ToString(System.Globalization.CultureInfo.InvariantCulture),
            ["guid:x-request-id"] = requestId,
        };
        if (context.Response.StatusCode >= 500)
            tags["error"] = "true";
        reporter.Add(new ProxySpan(span.TraceId, span.SpanId, span.ParentId, kind, name, start, duration, new(ServiceName), tags));
    }

    private static long Timestamp() => (DateTime.UtcNow - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
}
