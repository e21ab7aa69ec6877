using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using MeshDemo.Processes;
using Tracing.Sdk.IntegrationTests.Harness;

namespace Tracing.Sdk.CompatibilityTests.Calls;

/// <summary>What a called service sees, without tracing of its own: HTTP/1.1 on a real port, answers by a script.</summary>
internal sealed class ScriptedEndpoint : IDisposable
{
    private readonly HttpListener _listener;
    private readonly Func<Request, Answer> _script;
    private readonly ConcurrentQueue<Request> _requests = new();

    private ScriptedEndpoint(HttpListener listener, Func<Request, Answer> script)
    {
        (_listener, _script, Address) = (listener, script, new Uri(listener.Prefixes.Single()));
        _ = ServeAsync();
    }

    public Uri Address { get; }

    /// <summary>The requests so far.</summary>
    public IReadOnlyList<Request> Requests => [.. _requests];

    /// <param name="script">Gives the answer to a request.</param>
    public static ScriptedEndpoint Start(Func<Request, Answer> script)
    {
        // What an application started before must not follow the requests that are served here.
        using (ExecutionContext.SuppressFlow()) return new ScriptedEndpoint(Listen(), script);
    }

    /// <summary>Answers each request with a text.</summary>
    public static ScriptedEndpoint Start(string body = "fine", string contentType = "text/plain") => Start(_ => new Answer(Body: body, ContentType: contentType));

    /// <summary>Fails unless each request has named an exported CLIENT span in both formats.</summary>
    public void AssertNamesClientSpans(IReadOnlyList<CollectedSpan> spans)
    {
        Assert.NotEmpty(Requests);
        foreach (var request in Requests)
        {
            var (traceparent, b3) = (request.Headers["traceparent"], $"{request.Headers["X-B3-TraceId"]}-{request.Headers["X-B3-SpanId"]}-{request.Headers["X-B3-Sampled"]}");
            Assert.True(traceparent is not null, $"{request} has no traceparent.");
            Assert.True(
                spans.Any(span => span.Kind == "CLIENT" && traceparent == $"00-{span.TraceId}-{span.Id}-01" && b3 == $"{span.TraceId}-{span.Id}-1"),
                $"{request} names {traceparent} and {b3}, none of:\n{string.Join('\n', spans)}");
        }
    }

    public void Dispose() => _listener.Close();

    // HttpListener does not choose a port; one that was free may be taken a moment later.
    private static HttpListener Listen()
    {
        while (true)
        {
            var listener = new HttpListener { Prefixes = { $"http://127.0.0.1:{LocalPort.Free()}/" } };
            try
            {
                listener.Start();
                return listener;
            }
            catch (HttpListenerException e) when (e.ErrorCode == (int)SocketError.AddressAlreadyInUse)
            {
                listener.Close();
            }
        }
    }

    private async Task ServeAsync()
    {
        try
        {
            while (true) _ = AnswerAsync(await _listener.GetContextAsync());
        }
        catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
        {
            // Closed.
        }
    }

    private async Task AnswerAsync(HttpListenerContext context)
    {
        using var reader = new StreamReader(context.Request.InputStream);
        var request = new Request(context.Request.HttpMethod, context.Request.RawUrl!, new WebHeaderCollection { context.Request.Headers }, await reader.ReadToEndAsync());
        _requests.Enqueue(request);
        var answer = _script(request);
        if (answer.Delay is { } delay) await delay;
        try
        {
            context.Response.StatusCode = answer.Status;
            context.Response.ContentType = answer.ContentType;
            foreach (var (name, value) in answer.Headers ?? []) context.Response.Headers[name] = value;
            await context.Response.OutputStream.WriteAsync(Encoding.UTF8.GetBytes(answer.Body));
            context.Response.Close();
        }
        catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
        {
            // The caller has left.
        }
    }

    internal sealed record Request(string Method, string Path, WebHeaderCollection Headers, string Body)
    {
        public override string ToString() => $"{Method} {Path}";
    }

    internal sealed record Answer(int Status = 200, string Body = "", string ContentType = "text/plain", Dictionary<string, string>? Headers = null, Task? Delay = null);
}
