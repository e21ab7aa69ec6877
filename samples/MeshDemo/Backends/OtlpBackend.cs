namespace MeshDemo.Backends;

/// <summary>An OTLP/HTTP endpoint of the user's, whatever is behind it.</summary>
internal sealed class OtlpBackend(Uri address) : Backend
{
    public override string Option => "--otlp";

    public override SpanFormats Formats => SpanFormats.Otlp;

    public override Uri Otlp => address;

    public override Task StartAsync(SpanFormats used, HttpClient http, CancellationToken cancellation) => CheckAsync(used, http, cancellation);

    public override string Link(string traceId) => $"Sent to {address}; in Jaeger, usually: http://{address.Host}:16686/trace/{traceId}";
}
