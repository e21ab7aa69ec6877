using System.Globalization;
using System.Net.Security;
using System.Text;

namespace Tracing.Sdk.Export;

/// <summary>Sends requests over one kept connection, on the thread that asks. One request at a time.</summary>
internal sealed class DirectHandler(SslClientAuthenticationOptions tls) : HttpMessageHandler
{
    /// <summary>How long a request may take: no timer of the pool has to fire for it.</summary>
    public static readonly HttpRequestOptionsKey<TimeSpan> TimeLimit = new("Tracing.Sdk.TimeLimit");

    // A name that points elsewhere now is followed in time.
    private static readonly TimeSpan ConnectionLifetime = TimeSpan.FromMinutes(5);

    private HttpConnection? _connection;
    private long _openedAt;

    protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var deadline = new Deadline(request.Options.TryGetValue(TimeLimit, out var limit) ? limit : TimeSpan.FromSeconds(10), cancellationToken);
        deadline.ThrowIfOver();
        using var body = request.Content!.ReadAsStream(cancellationToken);
        var head = System.Text.Encoding.UTF8.GetBytes(Head(request, body.Length));

        var connection = Kept();
        if (connection is not null)
        {
            try
            {
                return Exchange(connection, head, body, deadline);
            }
            catch (HttpRequestException) when (!connection.HasReceived)
            {
                // Closed by the other end while nothing was said, as servers do. The request goes over a new one.
                body.Position = 0;
            }
        }

        _openedAt = Environment.TickCount64;
        return Exchange(HttpConnection.Open(request.RequestUri!, tls, deadline), head, body, deadline);
    }

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
        Task.FromResult(Send(request, cancellationToken));

    protected override void Dispose(bool disposing)
    {
        if (disposing) _connection?.Dispose();
        base.Dispose(disposing);
    }

    private HttpResponseMessage Exchange(HttpConnection connection, byte[] head, Stream body, Deadline deadline)
    {
        try
        {
            var response = connection.Exchange(head, body, Collector.MaxReplyBytes, deadline);
            if (connection.IsReusable) _connection = connection;
            else connection.Dispose();
            return response;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private HttpConnection? Kept()
    {
        var connection = _connection;
        _connection = null;
        if (connection is null) return null;
        if (!connection.IsStale && Environment.TickCount64 - _openedAt < ConnectionLifetime.TotalMilliseconds) return connection;
        connection.Dispose();
        return null;
    }

    private static string Head(HttpRequestMessage request, long bodyLength)
    {
        var uri = request.RequestUri!;
        var head = new StringBuilder(512);
        head.Append(CultureInfo.InvariantCulture, $"{request.Method} {uri.PathAndQuery} HTTP/1.1\r\nHost: {request.Headers.Host ?? Authority(uri)}\r\n");
        foreach (var (name, values) in request.Headers.NonValidated)
        {
            if (!name.Equals("Host", StringComparison.OrdinalIgnoreCase)) head.Append(name).Append(": ").Append(values.ToString()).Append("\r\n");
        }

        foreach (var (name, values) in request.Content!.Headers.NonValidated)
        {
            if (!name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase)) head.Append(name).Append(": ").Append(values.ToString()).Append("\r\n");
        }

        return head.Append(CultureInfo.InvariantCulture, $"Content-Length: {bodyLength}\r\n\r\n").ToString();
    }

    private static string Authority(Uri uri)
    {
        var host = uri.HostNameType == UriHostNameType.IPv6 ? uri.Host : uri.IdnHost;
        return uri.IsDefaultPort ? host : $"{host}:{uri.Port}";
    }
}
