using System.Collections.Concurrent;
using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Tracing.Sdk.Tests.Export;

/// <summary>A request as it came over the wire.</summary>
internal sealed record ReceivedRequest(string Line, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    /// <summary>The body, decompressed.</summary>
    public byte[] Content
    {
        get
        {
            if (!Headers.TryGetValue("Content-Encoding", out var encoding) || encoding != "gzip") return Body;
            using var gzip = new GZipStream(new MemoryStream(Body), CompressionMode.Decompress);
            using var content = new MemoryStream();
            gzip.CopyTo(content);
            return content.ToArray();
        }
    }

    /// <summary>The number of spans in it, as Google.Protobuf reads them.</summary>
    public int Spans => Tests.Otlp.ExportTraceServiceRequest.Parser.ParseFrom(Content)
        .ResourceSpans.Sum(resource => resource.ScopeSpans.Sum(scope => scope.Spans.Count));
}

/// <summary>The action of a scripted collector after it has read a request.</summary>
internal delegate void Answer(Stream stream, Socket socket, CancellationToken disposed);

/// <summary>A collector over real sockets that follows a script. It uses no thread of the pool.</summary>
internal sealed class ScriptedCollector : IDisposable
{
    private readonly TcpListener _listener;
    private readonly CancellationTokenSource _disposed = new();
    private readonly ConcurrentBag<Socket> _sockets = [];
    private readonly ConcurrentQueue<Answer> _script = new();
    private readonly BlockingCollection<ReceivedRequest> _arrived = [];
    private readonly X509Certificate2? _certificate;
    private readonly bool _asksForCertificate;
    private readonly SslProtocols _protocols;

    public ScriptedCollector(int port = 0, X509Certificate2? certificate = null, bool asksForCertificate = false, SslProtocols protocols = SslProtocols.None)
    {
        _certificate = certificate;
        _asksForCertificate = asksForCertificate;
        _protocols = protocols;
        _listener = new TcpListener(IPAddress.Loopback, port);
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        new Thread(Accept) { IsBackground = true }.Start();
    }

    /// <summary>Completed at the end of the script.</summary>
    public Answer Otherwise { get; set; } = Reply(200);

    /// <summary>Sent to each new connection before anything is read.</summary>
    public byte[]? Greeting { get; set; }

    /// <summary>Called with each request, before it is answered.</summary>
    public Action<ReceivedRequest>? OnRequest { get; set; }

    /// <summary>Every request so far.</summary>
    public ConcurrentQueue<ReceivedRequest> Requests { get; } = new();

    public int Connections { get; private set; }

    /// <summary>Signalled for each connection that was accepted, TLS included.</summary>
    public SemaphoreSlim Connected { get; } = new(0);

    /// <summary>Signalled for each connection that has ended.</summary>
    public SemaphoreSlim Closed { get; } = new(0);

    /// <summary>The certificate of the last client.</summary>
    public X509Certificate? ClientCertificate { get; private set; }

    /// <summary>Whether a client without a certificate is refused.</summary>
    public bool NeedsCertificate { get; set; }

    public int Port { get; }

    public Uri Endpoint => new($"{(_certificate is null ? "http" : "https")}://localhost:{Port}/v1/traces");

    /// <summary>Answers in this order.</summary>
    public ScriptedCollector Then(params Answer[] answers)
    {
        foreach (var answer in answers) _script.Enqueue(answer);
        return this;
    }

    /// <summary>Waits for the next request.</summary>
    public ReceivedRequest Take() =>
        _arrived.TryTake(out var request, TimeSpan.FromSeconds(30)) ? request : throw new TimeoutException("No request came.");

    public static Answer Reply(int status, byte[]? body = null, params string[] headers) => (stream, _, _) =>
    {
        body ??= [];
        var head = $"HTTP/1.1 {status} Because\r\nContent-Length: {body.Length}\r\n{string.Concat(headers.Select(header => header + "\r\n"))}\r\n";
        stream.Write(System.Text.Encoding.Latin1.GetBytes(head));
        stream.Write(body);
    };

    public static Answer Reply(int status, string body, params string[] headers) =>
        Reply(status, System.Text.Encoding.UTF8.GetBytes(body), headers);

    /// <summary>Bytes as they are, then the end of the connection.</summary>
    public static Answer Raw(byte[] bytes) => (stream, socket, _) =>
    {
        stream.Write(bytes);
        socket.Shutdown(SocketShutdown.Send);
        throw new IOException("The script ends the connection.");
    };

    public static Answer Raw(string text) => Raw(System.Text.Encoding.Latin1.GetBytes(text));

    /// <summary>Resets the connection.</summary>
    public static Answer Reset => (_, socket, _) =>
    {
        socket.LingerState = new LingerOption(true, 0);
        socket.Close();
        throw new IOException("The script resets the connection.");
    };

    /// <summary>Sends nothing until the collector is disposed of.</summary>
    public static Answer Hang => (_, _, disposed) => disposed.WaitHandle.WaitOne();

    public void Dispose()
    {
        _disposed.Cancel();
        _listener.Stop();
        foreach (var socket in _sockets) socket.Dispose();
    }

    private void Accept()
    {
        try
        {
            while (true)
            {
                var socket = _listener.AcceptSocket();
                Connections++;
                _sockets.Add(socket);
                new Thread(() => Serve(socket)) { IsBackground = true }.Start();
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // Disposed of.
        }
    }

    private void Serve(Socket socket)
    {
        try
        {
            // May throw after the end of the test; on this thread the exception would end the process.
            using var network = new NetworkStream(socket, ownsSocket: true);
            Stream stream = network;
            if (Greeting is not null) network.Write(Greeting);
            if (_certificate is not null)
            {
                var secure = new SslStream(network, false, (_, certificate, _, _) =>
                {
                    ClientCertificate = certificate;
                    return certificate is null ? !NeedsCertificate : certificate.Subject == "CN=client";
                });
                secure.AuthenticateAsServer(_certificate, _asksForCertificate, _protocols, false);
                stream = secure;
            }

            Connected.Release();
            while (Read(stream) is { } request)
            {
                Requests.Enqueue(request);
                OnRequest?.Invoke(request);
                _arrived.Add(request);
                (_script.TryDequeue(out var answer) ? answer : Otherwise)(stream, socket, _disposed.Token);
            }
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or System.Security.Authentication.AuthenticationException)
        {
            // The exporter has closed the connection, or the test is over.
        }
        finally
        {
            Closed.Release();
        }
    }

    private static ReceivedRequest? Read(Stream stream)
    {
        var head = new List<byte>();
        while (head.Count < 4 || !head[^4..].SequenceEqual("\r\n\r\n"u8.ToArray()))
        {
            var read = stream.ReadByte();
            if (read < 0) return null;
            head.Add((byte)read);
        }

        var lines = System.Text.Encoding.Latin1.GetString([.. head]).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        var headers = lines.Skip(1).Select(line => line.Split(": ", 2)).ToDictionary(pair => pair[0], pair => pair[1], StringComparer.OrdinalIgnoreCase);
        // HTTP/2 begins with a line that looks like a request without a body.
        var body = new byte[int.Parse(headers.GetValueOrDefault("Content-Length", "0"), CultureInfo.InvariantCulture)];
        stream.ReadExactly(body);
        return new ReceivedRequest(lines[0], headers, body);
    }
}
