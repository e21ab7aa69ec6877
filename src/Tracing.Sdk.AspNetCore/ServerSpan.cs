using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Tracing.Sdk.Http;
using Tracing.Sdk.Logging;
using Tracing.Sdk.Recording;
using HttpMethods = Tracing.Sdk.Http.HttpMethods;

namespace Tracing.Sdk.AspNetCore;

/// <summary>The name, the status and the attributes of a server span, spelled as in the stable HTTP conventions. The values stand in the <see cref="HttpContext"/> until
/// the span stops and are read from there: see <see cref="SpanDetails"/>.</summary>
/// <remarks>
/// https://opentelemetry.io/docs/specs/semconv/http/http-spans/
/// Middleware may rewrite the path and replace the peer by the client, so both are read at the beginning. It may also run the pipeline again
/// for an error page, whose endpoint then replaces the requested one; so the span is the request's endpoint feature and sees each endpoint.
/// </remarks>
internal sealed class ServerSpan : SpanDetails, IEndpointFeature
{
    // In the order of Read.
    private static readonly string[] KeyList =
    [
        "http.request.method", "http.request.method_original", "url.scheme", "url.path", "url.query", "server.address", "server.port",
        "client.address", "network.peer.address", "network.peer.port", "network.protocol.version", "user_agent.original", "http.route",
        "http.response.status_code", "error.type", "envoy.attempt_count",
    ];

    // Beyond this number of addresses each request makes its text.
    private const int MaxRemembered = 1024;
    private static readonly ConcurrentDictionary<IPAddress, Address> Addresses = new();

    // In a mesh the peer is always the same sidecar.
    private static Address? _lastAddress;

    private readonly ServerSettings _settings;
    private readonly PathString _path;
    private readonly QueryString _query;
    private readonly IPAddress? _peer;
    private readonly ushort _peerPort;

    // Null once the span is encoded, which may be before the request ends: an endpoint can stop its activity.
    private HttpContext? _context;
    private Endpoint? _endpoint;

    // Of the requested endpoint.
    private EndpointNames? _names;

    // The endpoint was removed: to run the pipeline again for an error page, or to route again.
    private bool _mayBeRunAgain;

    // Whether the endpoint may decide anew.
    private bool _decidesAtEndpoint;
    private string? _errorType;
    private int _statusCode;

    private bool _isComplete;

    // The name at the completion; null before it.
    private string? _name;

    private ServerSpan(Activity activity, HttpContext context, ServerSettings settings) : base(activity)
    {
        (_context, _settings) = (context, settings);
        var feature = context.Features.Get<IEndpointFeature>();
        // The endpoint has begun a trace of its own, and this is the second span of the request.
        if (feature is ServerSpan known)
        {
            (_path, _query, _peer, _peerPort, _names) = (known._path, known._query, known._peer, known._peerPort, known._names);
            return;
        }

        _path = context.Request.PathBase + context.Request.Path;
        _query = context.Request.QueryString;
        if (settings.ClientAddress) (_peer, _peerPort) = (context.Connection.RemoteIpAddress, (ushort)context.Connection.RemotePort);
        if (feature?.Endpoint is { } endpoint) Endpoint = endpoint;
        context.Features.Set<IEndpointFeature>(this);
    }

    public override string[] Keys => KeyList;

    public Endpoint? Endpoint
    {
        get => _endpoint;
        set
        {
            _endpoint = value;
            if (value is null)
            {
                _mayBeRunAgain = true;
                return;
            }

            if (_context is not { } context) return;
            if ((_mayBeRunAgain || !ReferenceEquals(context.Request.Path.Value, _path.Value)) && IsRunAgain(context)) return;
            var names = EndpointNames.Of(value);
            if (_decidesAtEndpoint && !HasChild) DecideAtEndpoint(context, value);
            if (names.Route is null) return;
            // UsePathBase removes the path base at the end, so it is read now.
            _names = context.Request.PathBase is { HasValue: true } pathBase ? names.Under(pathBase.Value) : names;
            if (AreTags) SetTags();
        }
    }

    /// <summary>Whether the pipeline runs again for an error page. Error handlers set one of these features before, and then another path, or they remove the endpoint.</summary>
    public static bool IsRunAgain(HttpContext context) =>
        context.Features.Get<IExceptionHandlerFeature>() is not null || context.Features.Get<IStatusCodeReExecuteFeature>() is not null;

    /// <param name="activity">The request's activity.</param>
    /// <param name="context">The request.</param>
    /// <param name="settings">What the span shows.</param>
    /// <param name="recorder">The host's recorder; null when it records nothing.</param>
    /// <param name="decision">What was decided about the request.</param>
    /// <param name="decidesAtEndpoint">Whether the endpoint may decide anew. Only then the activity may be one that is not recorded.</param>
    public static ServerSpan Begin(Activity activity, HttpContext context, ServerSettings settings, SpanRecorder? recorder, SamplingDecision? decision, bool decidesAtEndpoint)
    {
        var span = new ServerSpan(activity, context, settings) { Decision = decision };
        if (!activity.IsAllDataRequested)
        {
            span._decidesAtEndpoint = recorder?.TryAdd(span) == true;
            return span;
        }

        // Hosting sets decoded values (with Microsoft.AspNetCore.Hosting.SuppressActivityOpenTelemetryData off).
        if (activity.GetTagItem("url.path") is not null) activity.SetTag("url.path", null).SetTag("server.address", null);
        var isKept = recorder?.TryKeep(span) == true;
        span._decidesAtEndpoint = decidesAtEndpoint && isKept;
        if (!isKept || OtherListeners.Hear(activity.Source)) span.SetTags();
        return span;
    }

    /// <summary>Sets what is known only at the end: the name, the status and the last attributes.</summary>
    public void Complete(Exception? exception)
    {
        if (_context is not { } context) return;
        _isComplete = true;
        SetName(context);
        SetStatus(context, exception);
        // Listeners that were added before the recorder's hear of the stop before it does.
        // Hosting stops the activity of its feature. One that the application has replaced there may stop while the server uses the context again.
        var isReplaced = context.Features.Get<IHttpActivityFeature>()?.Activity != Activity;
        if (isReplaced || AreTags || OtherListeners.Hear(Activity.Source)) SetTags();
        if (isReplaced) Release();
    }

    public override void OnStopped()
    {
        if (_context is not { } context) return;
        // Code of the application stops the span before its request ends.
        if (!_isComplete) CompleteEarly(context);
        if (!OtherListeners.Hear(Activity.Source)) return;
        RestoreName(context);
        SetTags();
    }

    // The status is known if the response has begun.
    private void CompleteEarly(HttpContext context)
    {
        try
        {
            SetName(context);
            if (context.Response.HasStarted) SetStatus(context, exception: null);
        }
        catch (Exception)
        {
            // A feature of the server or the application threw: what was set before is recorded.
        }

        if (TracingInstance.Find() is { } tracing) RequestEnrichment.End(tracing, _settings, Activity, context, exception: null);
    }

    // The name, and what a gRPC call says beside it.
    private void SetName(HttpContext context)
    {
        if (GrpcServerSpan.FindMethod(Activity, context.Request, _names) is { } method)
        {
            if (HasDefaultName(context.Request)) Activity.DisplayName = GrpcServerSpan.NameOf(method);
            _errorType = GrpcServerSpan.Complete(Activity, context, method);
        }

        // The application may have set a name.
        if (HasDefaultName(context.Request)) Activity.DisplayName = Name(context.Request);
        _name = Activity.DisplayName;
    }

    private void SetStatus(HttpContext context, Exception? exception)
    {
        var response = context.Response;
        if (exception is null && response is { HasStarted: true, StatusCode: < 500 and var code })
        {
            // Nearly always, and also when the client has gone.
            _statusCode = code;
            return;
        }

        // A read from the connection can fail before the server has cancelled the token.
        var isAborted = context.RequestAborted.IsCancellationRequested || exception is ConnectionResetException or ConnectionAbortedException;
        _statusCode = response.HasStarted ? response.StatusCode : StatusOfUnstarted(response, exception, isAborted);
        if (isAborted && IsCausedByAbort(exception)) exception = null;
        if (_statusCode < 500 && exception is null or BadHttpRequestException) return;

        var cause = exception ?? context.Features.Get<IExceptionHandlerFeature>()?.Error;
        _errorType = cause?.GetType().FullName ?? _statusCode.ToString(CultureInfo.InvariantCulture);
        if (Activity.Status == ActivityStatusCode.Unset) Activity.SetStatus(ActivityStatusCode.Error, cause is null ? null : ExceptionText.Message(cause));
        if (cause is not null) RecordedExceptions.Record(Activity, cause);
    }

    protected override void Read(Span<object?> values)
    {
        try
        {
            if (_context is { } context) Read(context, values);
        }
        catch (Exception)
        {
            // A feature of the server or the application threw: what was read before is recorded.
        }
    }

    public override void Release() => _context = null;

    public override bool TryIgnore()
    {
        if (_context is not { } context || Decision is not { } decision || TracingInstance.Find() is not { Recorder: not null } tracing) return false;
        if (decision is { IsRecorded: true } or { Reason: DecisionReason.Cleared })
        {
            Decision = RequestRules.Ignore(context, tracing, Activity, DecisionReason.Cleared, decision);
            return true;
        }

        if (decision.Reason is not (DecisionReason.HealthCheck or DecisionReason.Ignored)) return false;
        // The endpoint ignores it, and what the endpoint has set is not seen by code outside of routing.
        tracing.IgnoreRequest(context.Request.Headers, Activity);
        return true;
    }

    // OpenTelemetry's instrumentation of ASP.NET Core names each span again when it stops, by the method of HTTP and the route as it is written, and then calls the
    // application's functions, whose names are kept.
    private void RestoreName(HttpContext context)
    {
        if (_name is null || Activity.DisplayName == _name) return;
        var method = NameOfMethod(context.Request);
        if (Activity.DisplayName == method || Activity.DisplayName == $"{method} {Activity.GetTagItem("http.route")}") Activity.DisplayName = _name;
    }

    /// <summary>Does what <see cref="Begin"/> and the middleware have left out while the span was not recorded.</summary>
    public void BeginLate(HttpContext context)
    {
        if (OtherListeners.Hear(Activity.Source)) SetTags();
        if (TracingInstance.Find() is { } tracing) RequestEnrichment.Start(tracing, _settings, Activity, this, context);
    }

    private void DecideAtEndpoint(HttpContext context, Endpoint endpoint)
    {
        var wasRecorded = Activity.IsAllDataRequested;
        Decision = RequestRules.DecideAtEndpoint(context, endpoint, Activity, Decision, mayRecord: true);
        if (!wasRecorded && Activity.IsAllDataRequested) BeginLate(context);
    }

    private void Read(HttpContext context, Span<object?> values)
    {
        var request = context.Request;
        var method = HttpMethods.NameOf(request.Method);
        values[0] = method;
        if (method == HttpMethods.Other) values[1] = request.Method;
        values[2] = request.Scheme;
        values[3] = PathAsSent(context.Features.Get<IHttpRequestFeature>()?.RawTarget);
        if (_query.Value is { Length: > 1 } query) values[4] = _settings.Urls.ShowQuery(query);
        if (request.Headers.Host is [{ Length: > 0 } host, ..])
        {
            var authority = Authority.Parse(host);
            values[5] = authority.Name;
            if ((authority.Port ?? (request.IsHttps ? 443 : 80)) is > 0 and <= IPEndPoint.MaxPort and var port) values[6] = Boxes.Get(port);
        }

        if (_settings.ClientAddress) ReadAddresses(context, values);
        values[10] = VersionOf(request.Protocol);
        if (request.Headers.UserAgent is [{ Length: > 0 } agent, ..]) values[11] = agent;
        values[12] = _names?.Route;
        if (_statusCode > 0) values[13] = Boxes.Get(_statusCode);
        values[14] = _errorType;
        if (request.Headers.TryGetValue(_settings.AttemptHeader, out var text)
            && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var attempt))
        {
            values[15] = Boxes.Get(attempt);
        }
    }

    private void ReadAddresses(HttpContext context, Span<object?> values)
    {
        var peer = _peer is null ? null : TextOf(_peer);
        if (context.Connection.RemoteIpAddress is { } client) values[7] = ReferenceEquals(client, _peer) ? peer : TextOf(client);
        if (peer is null) return;
        values[8] = peer;
        if (_peerPort > 0) values[9] = Boxes.Get(_peerPort);
    }

    // Request.Path is decoded and has no dot segments. When the server keeps no raw target, the path is encoded again.
    private string PathAsSent(string? target)
    {
        if (string.IsNullOrEmpty(target)) return _path.HasValue ? _path.ToUriComponent() : "/";
        var path = target.AsSpan();
        if (path[0] != '/')
        {
            // A proxy sends scheme://authority/path?query. The other forms, * and authority, have no path.
            var authority = path.IndexOf("://", StringComparison.Ordinal);
            path = authority < 0 ? default : path[(authority + 3)..];
            path = path.IndexOfAny('/', '?') is >= 0 and var start ? path[start..] : default;
        }

        // A client that is not careful sends a fragment.
        if (path.IndexOfAny('?', '#') is >= 0 and var end) path = path[..end];
        return path.IsEmpty ? "/" : path.SequenceEqual(_path.Value) ? _path.Value! : path.ToString();
    }

    private string Name(HttpRequest request) => _names is null ? NameOfMethod(request) : _names.FormatName(NameOfMethod(request));

    private static string NameOfMethod(HttpRequest request)
    {
        var method = HttpMethods.NameOf(request.Method);
        return method == HttpMethods.Other ? "HTTP" : method;
    }

    // That of hosting, or the one that OpenTelemetry's instrumentation gives at the start.
    private bool HasDefaultName(HttpRequest request) => Activity.DisplayName == Activity.OperationName || Activity.DisplayName == NameOfMethod(request);

    // The server responds after the middleware: an unhandled exception replaces the status that was set, and so does a client that has gone.
    private static int StatusOfUnstarted(HttpResponse response, Exception? exception, bool isAborted) => exception switch
    {
        null when isAborted && response.StatusCode == StatusCodes.Status200OK => StatusCodes.Status499ClientClosedRequest,
        null => response.StatusCode,
        _ when isAborted => StatusCodes.Status499ClientClosedRequest,
        BadHttpRequestException bad => bad.StatusCode,
        _ => StatusCodes.Status500InternalServerError,
    };

    // The exceptions of a read or write after the client has gone. The server ignores the same ones.
    private static bool IsCausedByAbort(Exception? exception) =>
        exception is OperationCanceledException or IOException or WebSocketException { WebSocketErrorCode: WebSocketError.ConnectionClosedPrematurely };

    private static string TextOf(IPAddress address)
    {
        if (_lastAddress is { } last && last.Value.Equals(address)) return last.Text;
        if (!Addresses.TryGetValue(address, out var known))
        {
            known = new Address(address, (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).ToString());
            if (Addresses.Count < MaxRemembered) Addresses.TryAdd(address, known);
        }

        _lastAddress = known;
        return known.Text;
    }

    private sealed record Address(IPAddress Value, string Text);

    private static string VersionOf(string protocol) => protocol switch
    {
        "HTTP/1.1" => "1.1",
        "HTTP/2" => "2",
        "HTTP/3" => "3",
        "HTTP/1.0" => "1.0",
        _ => protocol.StartsWith("HTTP/", StringComparison.Ordinal) ? protocol[5..] : protocol,
    };
}
