using System.Collections.Concurrent;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.AspNetCore;

/// <summary>The route of an endpoint, the names of spans of requests for it, and why they are ignored.</summary>
internal sealed class EndpointNames
{
    // Endpoints are few and live as long as the application; beyond this number each request makes its texts.
    private const int MaxRemembered = 1024;

    // The name that Grpc.AspNetCore gives to its endpoints, and the type of metadata of those that have a method.
    private const string GrpcDisplayName = "gRPC - ";
    private const string GrpcMetadata = "Grpc.AspNetCore.Server.GrpcMethodMetadata";
    private static readonly ConcurrentDictionary<Endpoint, EndpointNames> Remembered = new();

    // For the first method. Nearly every endpoint has only one.
    private Tuple<string, string>? _first;

    private EndpointNames(string? route, DecisionReason? ignored, string? grpcMethod) => (Route, Ignored, GrpcMethod) = (route, ignored, grpcMethod);

    /// <summary>The template of the route, with a slash at its beginning; null when the endpoint has none.</summary>
    public string? Route { get; }

    /// <summary>Why requests to the endpoint are ignored; null when they are not.</summary>
    public DecisionReason? Ignored { get; }

    /// <summary>The method of a gRPC service, such as <c>shop.Orders/Get</c>; <see cref="GrpcStatus.OtherMethod"/> for the endpoint of methods that no service has; null for other endpoints.
    /// With JSON transcoding a request for such an endpoint may be no gRPC call.</summary>
    public string? GrpcMethod { get; }

    public static EndpointNames Of(Endpoint endpoint)
    {
        if (Remembered.TryGetValue(endpoint, out var names)) return names;
        var route = ReadRoute(endpoint);
        names = new EndpointNames(route is null || route.StartsWith('/') ? route : "/" + route, EndpointRules.Find(endpoint), ReadGrpcMethod(endpoint, route));
        if (Remembered.Count < MaxRemembered) Remembered.TryAdd(endpoint, names);
        return names;
    }

    /// <summary>The same below a path base.</summary>
    public EndpointNames Under(string pathBase) => new(pathBase + Route, Ignored, GrpcMethod);

    public string FormatName(string method)
    {
        var (known, name) = _first ??= new Tuple<string, string>(method, $"{method} {Route}");
        return ReferenceEquals(known, method) ? name : $"{method} {Route}";
    }

    private static string? ReadRoute(Endpoint endpoint)
    {
        try
        {
            // Routing's own metadata repeats the template.
            if (endpoint.Metadata.GetMetadata<IRouteDiagnosticsMetadata>()?.Route is { } route && route != (endpoint as RouteEndpoint)?.RoutePattern.RawText) return route;
        }
        catch (Exception)
        {
            // Metadata is code of the application.
        }

        return endpoint is RouteEndpoint { RoutePattern: { RawText: { } text } pattern } ? ConventionalRoute.Resolve(text, pattern.RequiredValues) : null;
    }

    private static string? ReadGrpcMethod(Endpoint endpoint, string? route)
    {
        if (route is null || !IsGrpc(endpoint)) return null;
        if (route.Contains('{')) return GrpcStatus.OtherMethod;
        // A group puts a prefix in front of service and method.
        var service = route.LastIndexOf('/') is > 0 and var end ? route.LastIndexOf('/', end - 1) : -1;
        return route[(service + 1)..].TrimStart('/');
    }

    // By name: a reference to Grpc.AspNetCore would be one of every service.
    private static bool IsGrpc(Endpoint endpoint)
    {
        if (endpoint.DisplayName?.StartsWith(GrpcDisplayName, StringComparison.Ordinal) == true) return true;
        foreach (var metadata in endpoint.Metadata)
        {
            if (metadata.GetType().FullName == GrpcMetadata) return true;
        }

        return false;
    }
}
