using Tracing.Sdk.Export.Http;

namespace Tracing.Sdk.Export.Otlp;

internal sealed class OtlpAdvice(ExporterSettings settings) : HttpAdvice(settings, "Otlp")
{
    private const string AppendedSetting = "OTEL_EXPORTER_OTLP_ENDPOINT";
    private const int GrpcPort = 4317;

    private readonly int _port = settings.Endpoint!.Port;

    public override string Path => EndpointSetting == AppendedSetting
        ? $"OTLP/HTTP has the path /v1/traces, which {AppendedSetting} gets appended: check the path before it."
        : $"OTLP/HTTP has the path /v1/traces, and {EndpointSetting} is used as it is.";

    public override string Login => $"Check {Setting("Headers")}.";
    public override string ContentType => $"Try the other {Setting("Protocol")}: http/protobuf or http/json.";

    public override string Http2 =>
        $"The port speaks HTTP/2 only, as OTLP over gRPC does; OTLP over HTTP has another port, usually 4318. Check {EndpointSetting}.";

    public override string PossibleHttp2 => "If the port speaks HTTP/2 only, as OTLP over gRPC does: OTLP over HTTP has another port, usually 4318.";

    public override string? Port => _port == GrpcPort ? "4317 is the port of OTLP over gRPC; OTLP over HTTP, which this exporter speaks, has 4318." : null;

    public override string CertificateFiles => $"Check {Setting("CertificateFile")}, {Setting("ClientCertificateFile")} and {Setting("ClientKeyFile")}.";
    public override string UnknownAuthority => $"If the authority is your own, set {Setting("CertificateFile")} to its PEM file.";
    public override string ClientCertificate => $"Set {Setting("ClientCertificateFile")} and {Setting("ClientKeyFile")}.";
}
