using System.Diagnostics;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Exporter;
using OpenTelemetry.Trace;

namespace Tracing.Sdk.Benchmarks.EndToEnd;

/// <summary>One way to trace a service, as its users would write it. Spans end in a handler of the same process: nobody measures the loopback.</summary>
internal static class Variant
{
    public static IReadOnlyList<string> Names { get; } =
        ["none", "listener", "ours-otlp", "ours-w3c", "peer-otlp", "ours-zipkin", "peer-zipkin", "ours-unsampled", "peer-unsampled"];

    public static IReadOnlyList<string> RuleNames { get; } =
        ["none", "ours-otlp", "ours-20-paths", "ours-20-rules", "ours-unsampled", "ours-disabled", "ours-ignored"];

    public static void Configure(WebApplicationBuilder builder, string name)
    {
        switch (name)
        {
            case "listener":
                // What the platform itself spends on spans as soon as anybody listens: nobody can trace for less.
                ActivitySource.AddActivityListener(new ActivityListener
                {
                    ShouldListenTo = source => source.Name is "Microsoft.AspNetCore" or "System.Net.Http",
                    Sample = static (ref _) => ActivitySamplingResult.AllDataAndRecorded,
                });
                break;
            case "ours-otlp" or "ours-zipkin" or "ours-unsampled" or "ours-w3c" or "ours-20-paths" or "ours-20-rules" or "ours-disabled" or "ours-ignored":
                builder.Services.AddMeshTracing(o =>
                {
                    o.Export.Exporters.Clear();
                    o.Export.Exporters.Add(name == "ours-zipkin" ? "zipkin" : "otlp");
                    if (name == "ours-w3c")
                    {
                        o.Propagation.Formats.Clear();
                        o.Propagation.Formats.Add("tracecontext");
                    }

                    AddRules(o, name);
                    o.Sampling.Ratio = name == "ours-unsampled" ? 0 : 1;
                    o.Export.HttpHandler = () => new Sink(name == "ours-zipkin" ? HttpStatusCode.Accepted : HttpStatusCode.OK);
                });
                break;
            case "peer-otlp" or "peer-zipkin" or "peer-unsampled":
                builder.Services.AddOpenTelemetry().WithTracing(tracing =>
                {
                    tracing.AddAspNetCoreInstrumentation().AddHttpClientInstrumentation();
                    if (name == "peer-unsampled") tracing.SetSampler(new AlwaysOffSampler());
                    if (name == "peer-zipkin")
                    {
#pragma warning disable CS0618 // The peer has given its exporter up; its users have not.
                        tracing.AddZipkinExporter(o => o.HttpClientFactory = () => new HttpClient(new Sink(HttpStatusCode.Accepted)));
#pragma warning restore CS0618
                    }
                    else
                    {
                        tracing.AddOtlpExporter(o =>
                        {
                            o.Protocol = OtlpExportProtocol.HttpProtobuf;
                            o.HttpClientFactory = () => new HttpClient(new Sink(HttpStatusCode.OK));
                        });
                    }
                });
                break;
        }
    }

    // None of the twenty matches: each request asks them all.
    private static void AddRules(MeshTracingOptions options, string name)
    {
        if (name == "ours-ignored") options.Ignore.Paths.Add("/*");
        for (var i = 0; i < 20; i++)
        {
            // Prefixes, exact paths and patterns in turn.
            var path = (i % 3) switch { 0 => $"/static/{i}/*", 1 => $"/internal/{i}", _ => $"*.{i}.js" };
            if (name == "ours-20-paths") options.Ignore.Paths.Add(path);
            if (name == "ours-20-rules") options.Sampling.Rules.Add(SamplingRule.Parse($"never path={path}"));
        }
    }

    private sealed class Sink(HttpStatusCode status) : HttpMessageHandler
    {
        protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            request.Content?.CopyTo(Stream.Null, null, cancellationToken);
            return new HttpResponseMessage(status);
        }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (request.Content is { } content) await content.CopyToAsync(Stream.Null, cancellationToken);
            return new HttpResponseMessage(status);
        }
    }
}
