using Tracing.Sdk.Export.Http;

namespace Tracing.Sdk.Export.Otlp;

internal sealed class OtlpAdvice(ExporterSettings settings, bool isGrpc) : HttpAdvice(settings, "Otlp")
{
    private const string AppendedSetting = "OTEL_EXPORTER_OTLP_ENDPOINT";

    private readonly int _port = settings.Endpoint!.Port;

    private string HttpHint => $"For OTLP over HTTP, set {Setting("Protocol")} to http/protobuf; gRPC has another port, usually 4317. Check {EndpointSetting}.";

    public override string Path => isGrpc ? $"Nothing takes traces by gRPC there. {HttpHint}"
        : EndpointSetting == AppendedSetting
        ? $"OTLP/HTTP has the path /v1/traces, which {AppendedSetting} gets appended: check the path before it."
        : $"OTLP/HTTP has the path /v1/traces, and {EndpointSetting} is used as it is.";

    public override string Login => $"Check {Setting("Headers")}.";
    public override string ContentType => isGrpc ? HttpHint : $"Try the other {Setting("Protocol")}: http/protobuf or http/json.";
    public override string Http2 => $"The port speaks HTTP/2 only, as OTLP over gRPC does: set {Setting("Protocol")} to grpc, or {EndpointSetting} to the port for HTTP, usually 4318.";
    public override string PossibleHttp2 => isGrpc ? "" : $"If the port speaks OTLP over gRPC, set {Setting("Protocol")} to grpc.";
    public override string Http1 => $"The port does not speak HTTP/2, as gRPC does. {HttpHint}";

    public override string? Port => (isGrpc, _port) switch
    {
        (false, OtlpOptions.GrpcPort) => $"4317 is the port of OTLP over gRPC: set {Setting("Protocol")} to grpc, or {EndpointSetting} to the port for HTTP, usually 4318.",
        (true, OtlpOptions.HttpPort) => $"4318 is the port of OTLP over HTTP. {HttpHint}",
        _ => null,
    };

    public override string CertificateFiles => $"Check {Setting("CertificateFile")}, {Setting("ClientCertificateFile")} and {Setting("ClientKeyFile")}.";
    public override string UnknownAuthority => $"If the authority is your own, set {Setting("CertificateFile")} to its PEM file.";
    public override string ClientCertificate => $"Set {Setting("ClientCertificateFile")} and {Setting("ClientKeyFile")}.";
}
