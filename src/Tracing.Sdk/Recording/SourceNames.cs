namespace Tracing.Sdk.Recording;

/// <summary>Names of the ActivitySources of HTTP spans: the platform's two, and the two of this library, which makes spans where the platform cannot.</summary>
internal static class SourceNames
{
    public const string HttpServer = "Microsoft.AspNetCore";
    public const string HttpClient = "System.Net.Http";
    public const string OwnHttpServer = "Tracing.Sdk.AspNetCore";
    public const string OwnHttpClient = "Tracing.Sdk.Http";
}
