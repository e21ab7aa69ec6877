using MeshDemo.Backends;
using MeshDemo.Processes;

namespace MeshDemo;

/// <summary>What the command line says.</summary>
internal sealed record DemoOptions
{
    public const string Help = """
        Runs a data service, an API service behind it, Envoy in front of both and a collector, sends requests through them,
        and prints each trace as a tree.

        dotnet run --project samples/MeshDemo [-- options]

          --once            Send one request, print its tree and end: 0 when the tree is whole, 1 with what is missing.
          --tracer NAME     What Envoy speaks: zipkin (B3 headers, the default), zipkin-w3c (B3 and W3C) or otel (W3C, OTLP).
          --zipkin URL      Pass every span on to this Zipkin, such as http://localhost:9411, and print the link to the trace.
          --otlp URL        Pass every span on to this OTLP/HTTP endpoint, such as http://localhost:4318. Envoy then runs otel.
          --jaeger [URL]    Pass every span on to Jaeger, and verify and print what its API answers. URL is that of its pages, such as
                            http://localhost:16686; spans go to the ports 4318 (OTLP) and 9411 (Zipkin) of the same host, unless --otlp
                            or --zipkin say otherwise. Without a URL the demo runs the program that JAEGER_PATH names.
          --envoy PATH      The Envoy to run. Otherwise: ENVOY_PATH, then the PATH, then a local Docker.
          --help            This text.
        """;

    public bool Once { get; init; }

    public bool ShowHelp { get; init; }

    public Tracer Tracer { get; init; }

    /// <summary>Where the spans are passed on to; null when they stay in the demo's collector.</summary>
    public Backend? Backend { get; private init; }

    /// <summary>The formats in which this run sends spans.</summary>
    public SpanFormats Formats => (Tracer == Tracer.OpenTelemetry ? SpanFormats.Otlp : SpanFormats.Zipkin) | ServiceFormat;

    /// <summary>The format of the services: OTLP wherever it is taken.</summary>
    public SpanFormats ServiceFormat => Takes(Backend, SpanFormats.Otlp) ? SpanFormats.Otlp : SpanFormats.Zipkin;

    public string? EnvoyPath { get; init; }

    /// <exception cref="DemoException">An argument is wrong: one sentence says which and what to write.</exception>
    public static DemoOptions Parse(IReadOnlyList<string> arguments)
    {
        var options = new DemoOptions();
        Tracer? tracer = null;
        Uri? zipkin = null, otlp = null, jaeger = null;
        var isJaeger = false;
        for (var i = 0; i < arguments.Count; i++)
        {
            var argument = arguments[i];
            switch (argument)
            {
                case "--help" or "-h" or "-?": options = options with { ShowHelp = true }; break;
                case "--once": options = options with { Once = true }; break;
                case "--tracer": tracer = TracerNamed(Value()); break;
                case "--zipkin": zipkin = BaseAddress(argument, Value(), "/api/v2/spans", "/zipkin"); break;
                case "--otlp": otlp = BaseAddress(argument, Value(), "/v1/traces"); break;
                case "--jaeger":
                    isJaeger = true;
                    jaeger = i + 1 < arguments.Count && !arguments[i + 1].StartsWith('-') ? BaseAddress(argument, Value(), "/search") : null;
                    break;
                case "--envoy": options = options with { EnvoyPath = Value() }; break;
                default: throw new DemoException($"There is no option {argument}: --help lists them.");
            }

            string Value() => ++i < arguments.Count ? arguments[i] : throw new DemoException($"{argument} needs a value: --help shows which.");
        }

        // One line for each option that names a backend.
        var backend = OnlyOne(
            isJaeger ? JaegerAt(jaeger, ref zipkin, ref otlp) : null,
            zipkin is null ? null : new ZipkinBackend(zipkin),
            otlp is null ? null : new OtlpBackend(otlp));
        return options with { Backend = backend, Tracer = TracerFor(backend, tracer) };
    }

    private static bool Takes(Backend? backend, SpanFormats format) => backend?.Formats.HasFlag(format) is not false;

    private static Backend? OnlyOne(params IEnumerable<Backend?> named) => named.OfType<Backend>().ToArray() switch
    {
        [] => null,
        [var one] => one,
        [var one, var another, ..] => throw new DemoException($"Choose one of {one.Option} and {another.Option}: the demo passes its spans on to one backend."),
    };

    // Beside --jaeger, the two others name no backends of their own but where this one takes spans.
    private static JaegerBackend JaegerAt(Uri? query, ref Uri? zipkin, ref Uri? otlp)
    {
        if (query is null && (zipkin ?? otlp) is not null)
            throw new DemoException("--jaeger needs its URL when --zipkin or --otlp say where it takes spans, such as --jaeger http://localhost:16686.");
        var jaeger = new JaegerBackend(query, zipkin, otlp);
        (zipkin, otlp) = (null, null);
        return jaeger;
    }

    private static Tracer TracerFor(Backend? backend, Tracer? wanted) => wanted switch
    {
        null => Takes(backend, SpanFormats.Zipkin) ? Tracer.Zipkin : Tracer.OpenTelemetry,
        Tracer.OpenTelemetry when !Takes(backend, SpanFormats.Otlp) =>
            throw new DemoException($"{backend!.Option} goes with --tracer zipkin or zipkin-w3c: Envoy's OpenTelemetry tracer cannot write Zipkin's format."),
        Tracer.Zipkin or Tracer.ZipkinW3C when !Takes(backend, SpanFormats.Zipkin) =>
            throw new DemoException($"{backend!.Option} goes with --tracer otel: Envoy's Zipkin tracer cannot write OTLP."),
        { } tracer => tracer,
    };

    private static Tracer TracerNamed(string name) => name switch
    {
        "zipkin" => Tracer.Zipkin,
        "zipkin-w3c" => Tracer.ZipkinW3C,
        "otel" => Tracer.OpenTelemetry,
        _ => throw new DemoException($"--tracer {name} is none that Envoy has here: write zipkin, zipkin-w3c or otel."),
    };

    // An address that is copied from a browser or a configuration often has a path that is not part of the base address.
    private static Uri BaseAddress(string option, string value, params string[] endings)
    {
        if (!Uri.TryCreate(value, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
            throw new DemoException($"{option} {value} is no http or https address: write one such as http://localhost:{Port(option)}.");
        var address = uri.GetLeftPart(UriPartial.Path).TrimEnd('/');
        foreach (var ending in endings)
        {
            if (address.EndsWith(ending, StringComparison.Ordinal))
                address = address[..^ending.Length];
        }

        return new Uri(address);
    }

    private static int Port(string option) => option switch
    {
        "--otlp" => 4318,
        "--jaeger" => 16686,
        _ => 9411,
    };
}
