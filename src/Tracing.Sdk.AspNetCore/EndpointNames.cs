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
    private static readonly ConcurrentDictionary<Endpoint, EndpointNames> Remembered = new();

    // For the first method. Nearly every endpoint has only one.
    private Tuple<string, string>? _first;

    private EndpointNames(string? route, DecisionReason? ignored) => (Route, Ignored) = (route, ignored);

    /// <summary>The template of the route, with a slash at its beginning; null when the endpoint has none.</summary>
    public string? Route { get; }

    /// <summary>Why requests to the endpoint are ignored; null when they are not.</summary>
    public DecisionReason? Ignored { get; }

    public static EndpointNames Of(Endpoint endpoint)
    {
        if (Remembered.TryGetValue(endpoint, out var names)) return names;
        var route = ReadRoute(endpoint);
        names = new EndpointNames(route is null || route.StartsWith('/') ? route : "/" + route, EndpointRules.Find(endpoint));
        if (Remembered.Count < MaxRemembered) Remembered.TryAdd(endpoint, names);
        return names;
    }

    /// <summary>The same below a path base.</summary>
    public EndpointNames Under(string pathBase) => new(pathBase + Route, Ignored);

    public string FormatName(string method)
    {
        var (known, name) = _first ??= new Tuple<string, string>(method, $"{method} {Route}");
        return ReferenceEquals(known, method) ? name : $"{method} {Route}";
    }

    private static string? ReadRoute(Endpoint endpoint)
    {
        try
        {
            if (endpoint.Metadata.GetMetadata<IRouteDiagnosticsMetadata>()?.Route is { } route) return route;
        }
        catch (Exception)
        {
            // Metadata is code of the application.
        }

        return (endpoint as RouteEndpoint)?.RoutePattern.RawText;
    }
}
