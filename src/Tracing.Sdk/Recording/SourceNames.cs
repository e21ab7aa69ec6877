namespace Tracing.Sdk.Recording;

/// <summary>Names of the ActivitySources of requests and calls: the platform's two, the two of this library, which makes spans where the platform cannot, and that of
/// Grpc.Net.Client.</summary>
internal static class SourceNames
{
    public const string HttpServer = "Microsoft.AspNetCore";
    public const string HttpClient = "System.Net.Http";
    public const string GrpcClient = "Grpc.Net.Client";
    public const string OwnHttpServer = "Tracing.Sdk.AspNetCore";
    public const string OwnHttpClient = "Tracing.Sdk.Http";

    /// <summary>OpenTelemetry's instrumentation of Grpc.Net.Client makes it the source of that library's activities.</summary>
    public const string OpenTelemetryGrpcClient = "OpenTelemetry.Instrumentation.GrpcNetClient";

    /// <summary>OpenTelemetry's instrumentation of StackExchange.Redis, and the copy of it in Aspire's client.</summary>
    public const string Redis = "OpenTelemetry.Instrumentation.StackExchangeRedis";

    /// <summary>Whether spans of a source are those of a web host's requests.</summary>
    public static bool IsHttpServer(string name) => name is HttpServer or OwnHttpServer;

    /// <summary>Settings for a source of the platform hold for the spans that this library makes in its place, and for those whose source OpenTelemetry replaces.</summary>
    public static string PlatformsNameOf(string name) => name switch
    {
        OwnHttpClient => HttpClient,
        OwnHttpServer => HttpServer,
        OpenTelemetryGrpcClient => GrpcClient,
        _ => name,
    };
}
