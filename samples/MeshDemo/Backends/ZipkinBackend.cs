namespace MeshDemo.Backends;

/// <summary>A Zipkin server of the user's.</summary>
internal sealed class ZipkinBackend(Uri address) : Backend
{
    public override string Option => "--zipkin";

    public override SpanFormats Formats => SpanFormats.Zipkin;

    public override Uri Zipkin => address;

    public override Task StartAsync(SpanFormats used, HttpClient http, CancellationToken cancellation) => CheckAsync(used, http, cancellation);

    public override string Link(string traceId) => $"In Zipkin: {address.ToString().TrimEnd('/')}/zipkin/traces/{traceId}";
}
