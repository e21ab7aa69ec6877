using System.Buffers.Binary;
using System.Globalization;
using Tracing.Sdk.Export.Encoding;
using Tracing.Sdk.Export.Http;

namespace Tracing.Sdk.Export.Otlp;

// A unary call: a flag byte (1: compressed), four bytes of length, and the same message as over HTTP.
// https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
internal sealed class OtlpGrpcFormat(ExporterSettings settings, Resource resource) : OtlpProtobufFormat(settings, resource)
{
    private const string Method = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

    public override string ContentType => "application/grpc";
    public override HttpAdvice Advice { get; } = new OtlpAdvice(settings, isGrpc: true);
    public override Version HttpVersion => System.Net.HttpVersion.Version20;

    // The default of the gRPC libraries, counted after decompression.
    public override int MaxRequestBytes => 4 * 1024 * 1024;
    public override int PrefixLength => GrpcResponse.PrefixLength;

    public static new ExporterSettings Settings(OtlpOptions options) =>
        OtlpSettings.Create(options, "otlp_grpc_span_exporter", static (settings, resource) => new OtlpGrpcFormat(settings, resource));

    public override Uri FindTarget(Uri endpoint) => new UriBuilder(endpoint) { Path = endpoint.AbsolutePath.TrimEnd('/') + Method }.Uri;

    public override void WritePrefix(Span<byte> prefix, int length, bool isCompressed)
    {
        prefix[0] = isCompressed ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteInt32BigEndian(prefix[1..], length);
    }

    public override void AddHeaders(HttpRequestMessage request, bool isCompressed, TimeSpan timeout)
    {
        request.Headers.TryAddWithoutValidation("TE", "trailers");
        if (isCompressed) request.Headers.TryAddWithoutValidation("grpc-encoding", "gzip");
        // At most eight digits and a unit.
        var milliseconds = Math.Clamp((long)timeout.TotalMilliseconds, 1, 99_999_999);
        request.Headers.TryAddWithoutValidation("grpc-timeout", string.Create(CultureInfo.InvariantCulture, $"{milliseconds}m"));
    }

    public override ExportResponse ReadResponse(HttpResponseMessage response, ReadOnlySpan<byte> body) => GrpcResponse.Read(response, body);
}
