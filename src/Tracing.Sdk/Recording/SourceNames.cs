namespace Tracing.Sdk.Recording;

/// <summary>Names of the ActivitySources of HTTP spans: the platform's, and those with which this library takes their place.</summary>
internal static class SourceNames
{
    public const string HttpServer = "Microsoft.AspNetCore";
    public const string HttpClient = "System.Net.Http";
    public const string OwnHttpServer = "Tracing.Sdk.AspNetCore";
    public const string OwnHttpClient = "Tracing.Sdk.Http";
}
