using System.Net;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;

namespace Tracing.Sdk.AspNetCore;

/// <summary>
/// A request as it came: middleware may rewrite its path, replace the peer by the client, or run the pipeline again for an error page,
/// whose endpoint then stands where the one that was asked for stood. As the request's endpoint feature it sees each that is chosen.
/// </summary>
internal sealed class OriginalRequest : IEndpointFeature
{
    private readonly HttpContext _context;
    private Endpoint? _current;

    private OriginalRequest(HttpContext context)
    {
        _context = context;
        Path = context.Request.PathBase + context.Request.Path;
        Query = context.Request.QueryString;
        (Peer, PeerPort) = (context.Connection.RemoteIpAddress, context.Connection.RemotePort);
        Endpoint = context.GetEndpoint();
    }

    public PathString Path { get; }

    public QueryString Query { get; }

    /// <summary>The other end of the connection.</summary>
    public IPAddress? Peer { get; }

    public int PeerPort { get; }

    /// <summary>The template of the route that was asked for, path base included; null when none matched.</summary>
    public string? Route { get; private set; }

    public Endpoint? Endpoint
    {
        get => _current;
        set
        {
            _current = value;
            if (value is null || IsRunAgain) return;
            Route = RouteOf(value);
        }
    }

    // Error handlers leave this mark before they run the pipeline again.
    private bool IsRunAgain => _context.Features.Get<IExceptionHandlerFeature>() is not null || _context.Features.Get<IStatusCodeReExecuteFeature>() is not null;

    /// <summary>The request as it came, or as it stands now if nobody asked before.</summary>
    public static OriginalRequest Of(HttpContext context)
    {
        if (context.Features.Get<IEndpointFeature>() is OriginalRequest known) return known;
        var original = new OriginalRequest(context);
        context.Features.Set<IEndpointFeature>(original);
        return original;
    }

    private string? RouteOf(Endpoint endpoint)
    {
        var route = endpoint.Metadata.GetMetadata<IRouteDiagnosticsMetadata>()?.Route ?? (endpoint as RouteEndpoint)?.RoutePattern.RawText;
        if (route is null) return null;
        if (!route.StartsWith('/')) route = "/" + route;
        // Only here and now: UsePathBase takes it back at the end.
        return _context.Request.PathBase is { HasValue: true } pathBase ? pathBase.Value + route : route;
    }
}
