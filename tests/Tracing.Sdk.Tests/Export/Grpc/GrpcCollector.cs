using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.IO.Compression;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Tracing.Sdk.Tests.Otlp;

namespace Tracing.Sdk.Tests.Export.Grpc;

/// <summary>A call as it came over the wire.</summary>
/// <param name="Line">Method, path and protocol.</param>
/// <param name="Headers">The headers; several values are joined.</param>
/// <param name="Body">The body: a prefix of five bytes and the message.</param>
/// <param name="Connection">The name of the connection.</param>
/// <param name="ClientCertificate">The subject of the client's certificate.</param>
internal sealed record GrpcCall(string Line, IReadOnlyDictionary<string, string> Headers, byte[] Body, string Connection, string? ClientCertificate)
{
    /// <summary>The message, decompressed as the prefix says.</summary>
    public byte[] Message
    {
        get
        {
            if (Body[0] == 0) return Body[5..];
            using var gzip = new GZipStream(new MemoryStream(Body[5..]), CompressionMode.Decompress);
            using var message = new MemoryStream();
            gzip.CopyTo(message);
            return message.ToArray();
        }
    }

    /// <summary>The spans in it, as Google.Protobuf reads them.</summary>
    public Span[] Spans =>
        [.. ExportTraceServiceRequest.Parser.ParseFrom(Message).ResourceSpans.SelectMany(resource => resource.ScopeSpans).SelectMany(scope => scope.Spans)];
}

/// <summary>A collector of OTLP over gRPC that follows a script: Kestrel in HTTP/2, and no gRPC library.</summary>
internal sealed class GrpcCollector : IDisposable
{
    private readonly ConcurrentQueue<Func<HttpContext, Task>> _script = new();
    private readonly BlockingCollection<GrpcCall> _arrived = [];
    private readonly CancellationTokenSource _disposed = new();
    private readonly WebApplication _app;

    public GrpcCollector(
        int port = 0, X509Certificate2? certificate = null, ClientCertificateMode clientCertificates = ClientCertificateMode.NoCertificate, HttpProtocols protocols = HttpProtocols.Http2)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(options =>
        {
            options.Limits.MaxRequestBodySize = null;
            options.Listen(IPAddress.Loopback, port, listen =>
            {
                listen.Protocols = protocols;
                if (certificate is not null) listen.UseHttps(certificate, https =>
                {
                    https.ClientCertificateMode = clientCertificates;
                    https.AllowAnyClientCertificate();
                });
            });
        });
        if (certificate is not null) builder.WebHost.UseKestrelHttpsConfiguration();
        _app = builder.Build();
        _app.Run(AnswerAsync);
        _app.StartAsync().GetAwaiter().GetResult();
        Port = new Uri(_app.Urls.First()).Port;
        Endpoint = new Uri($"{(certificate is null ? "http" : "https")}://localhost:{Port}");
    }

    public int Port { get; }
    public Uri Endpoint { get; }

    /// <summary>Completed at the end of the script.</summary>
    public Func<HttpContext, Task> Otherwise { get; set; } = Status(0);

    /// <summary>Called with each call, before it is answered.</summary>
    public Action<GrpcCall>? OnCall { get; set; }

    /// <summary>Every call so far.</summary>
    public ConcurrentQueue<GrpcCall> Calls { get; } = new();

    public int Connections => Calls.Select(call => call.Connection).Distinct().Count();

    /// <summary>Answers in this order.</summary>
    public GrpcCollector Then(params Func<HttpContext, Task>[] answers)
    {
        foreach (var answer in answers) _script.Enqueue(answer);
        return this;
    }

    /// <summary>Waits for the next call.</summary>
    public GrpcCall Take() => _arrived.TryTake(out var call, TimeSpan.FromSeconds(30)) ? call : throw new TimeoutException("No call came.");

    /// <summary>An empty message, and the status in the trailers.</summary>
    public static Func<HttpContext, Task> Status(object status, string? message = null, string? details = null) => Message([], status, message, details);

    /// <summary>A message, and the status in the trailers.</summary>
    public static Func<HttpContext, Task> Message(byte[] content, object status, string? message = null, string? details = null, byte flag = 0) => async context =>
    {
        var body = new byte[5 + content.Length];
        body[0] = flag;
        BinaryPrimitives.WriteInt32BigEndian(body.AsSpan(1), content.Length);
        content.CopyTo(body, 5);
        context.Response.ContentType = "application/grpc";
        await context.Response.Body.WriteAsync(body);
        Add((name, value) => context.Response.AppendTrailer(name, value), status, message, details);
    };

    /// <summary>The status in the headers, without a body.</summary>
    public static Func<HttpContext, Task> TrailersOnly(object status, string? message = null, string? details = null) => context =>
    {
        context.Response.ContentType = "application/grpc";
        Add((name, value) => context.Response.Headers[name] = value, status, message, details);
        return Task.CompletedTask;
    };

    /// <summary>An answer of a proxy, which knows no gRPC.</summary>
    public static Func<HttpContext, Task> OverHttp(int status, string body = "", params (string Name, string Value)[] headers) => async context =>
    {
        context.Response.StatusCode = status;
        foreach (var (name, value) in headers) context.Response.Headers[name] = value;
        await context.Response.WriteAsync(body);
    };

    /// <summary>Resets the stream.</summary>
    public static Func<HttpContext, Task> Reset(int error) => context =>
    {
        context.Features.Get<IHttpResetFeature>()!.Reset(error);
        return Task.CompletedTask;
    };

    /// <summary>Ends the connection without a word.</summary>
    public static Func<HttpContext, Task> CloseConnection => context =>
    {
        context.Features.Get<Microsoft.AspNetCore.Connections.Features.IConnectionLifetimeFeature>()!.Abort();
        return Task.CompletedTask;
    };

    /// <summary>Says nothing until the collector is disposed of or the call is given up.</summary>
    public Task HangAsync(HttpContext context)
    {
        var ended = new TaskCompletionSource();
        context.RequestAborted.Register(() => ended.TrySetResult());
        _disposed.Token.Register(() => ended.TrySetResult());
        return ended.Task;
    }

    public void Dispose()
    {
        _disposed.Cancel();
        // Without a token, calls in progress would be waited for.
        _app.StopAsync(new CancellationToken(canceled: true)).GetAwaiter().GetResult();
        _app.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }

    private static void Add(Action<string, string> add, object status, string? message, string? details)
    {
        add("grpc-status", $"{status}");
        if (message is not null) add("grpc-message", message);
        if (details is not null) add("grpc-status-details-bin", details);
    }

    private async Task AnswerAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        var call = new GrpcCall(
            $"{context.Request.Method} {context.Request.Path} {context.Request.Protocol}",
            context.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase),
            body.ToArray(),
            context.Connection.Id,
            context.Connection.ClientCertificate?.Subject);
        Calls.Enqueue(call);
        OnCall?.Invoke(call);
        _arrived.Add(call);
        await (_script.TryDequeue(out var answer) ? answer : Otherwise)(context);
    }
}
