using Tracing.Sdk.Export.Http;

namespace Tracing.Sdk.Export.Zipkin;

internal sealed class ZipkinAdvice(ExporterSettings settings) : HttpAdvice(settings, "Zipkin")
{
    private readonly string _path = settings.Endpoint!.AbsolutePath;

    public override string Path => $"A Zipkin server takes spans at /api/v2/spans: append this path to {EndpointSetting}.";
    public override bool IsWrongPath => !_path.EndsWith("/spans", StringComparison.Ordinal);
    public override string Login => $"Something in front of the server asks for a login: add it in {HandlerSetting}.";
    public override string ContentType => "Does a Zipkin server listen there?";
    public override string Http2 => $"The port speaks HTTP/2 only, which no Zipkin server does. Check {EndpointSetting}.";
    public override string UnknownAuthority => $"Add the authority to the machine's, or check the certificate in {HandlerSetting}.";
    public override string ClientCertificate => $"Give it one in {HandlerSetting}.";
}
