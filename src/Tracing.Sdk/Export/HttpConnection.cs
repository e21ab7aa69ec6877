using System.Buffers;
using System.Buffers.Text;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;

namespace Tracing.Sdk.Export;

// HTTP/1.1 for one client that sends one request at a time: https://www.rfc-editor.org/rfc/rfc9112
// request:  POST path HTTP/1.1 CRLF headers CRLF body, always with a Content-Length
// response: status line, headers, then a body by Content-Length, in chunks, or up to the end of the connection

/// <summary>A connection to a collector that blocks its own thread and never needs one of the pool.</summary>
/// <remarks>
/// <see cref="SocketsHttpHandler"/> opens connections on the thread pool even for synchronous requests. An application that has
/// exhausted its pool would then export nothing at the very time its traces are wanted most.
/// </remarks>
internal sealed class HttpConnection : IDisposable
{
    private const int MaxLine = 16 * 1024;
    private const int MaxHeaders = 200;
    private static readonly SearchValues<byte> TokenEnd = SearchValues.Create(": \t"u8);

    private readonly Socket _socket;
    private readonly Stream _stream;
    private readonly byte[] _buffer = new byte[MaxLine];
    private int _start;
    private int _end;
    private Deadline _deadline;

    private HttpConnection(Socket socket, Stream stream)
    {
        _socket = socket;
        _stream = stream;
    }

    /// <summary>Whether anything of an answer has been read.</summary>
    public bool HasReceived { get; private set; }

    /// <summary>Whether another request may follow.</summary>
    public bool IsReusable { get; private set; } = true;

    /// <summary>Whether the other end has closed it, or sent what nobody asked for.</summary>
    public bool IsStale
    {
        get
        {
            try
            {
                return !IsReusable || _start < _end || _socket.Poll(0, SelectMode.SelectRead);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return true;
            }
        }
    }

    /// <exception cref="HttpRequestException">No connection can be made; the error says at which step.</exception>
    public static HttpConnection Open(Uri uri, SslClientAuthenticationOptions tls, Deadline deadline)
    {
        var socket = Connect(Resolve(uri), uri.Port, deadline);
        Stream stream;
        try
        {
            stream = new NetworkStream(socket, ownsSocket: true);
        }
        catch (IOException e)
        {
            // Closed by the other end, or by us, since.
            socket.Dispose();
            deadline.ThrowIfOver();
            throw new HttpRequestException(HttpRequestError.ConnectionError, e.Message, e);
        }

        if (uri.Scheme != Uri.UriSchemeHttps) return new HttpConnection(socket, stream);

        using var abort = deadline.OnAbort(socket);
        try
        {
            socket.ReceiveTimeout = socket.SendTimeout = deadline.Milliseconds;
            var secure = new SslStream(stream);
            stream = secure;
            tls.TargetHost = uri.IdnHost;
            secure.AuthenticateAsClient(tls);
            return new HttpConnection(socket, stream);
        }
        catch (Exception e)
        {
            stream.Dispose();
            deadline.ThrowIfOver();
            throw new HttpRequestException(HttpRequestError.SecureConnectionError, e.Message, e);
        }
    }

    /// <summary>Sends a request and reads the answer.</summary>
    /// <param name="head">Request line and headers, with the empty line at the end.</param>
    /// <param name="body">The body, as long as the head says.</param>
    /// <param name="maxReply">More bytes of an answer's body than that are not read.</param>
    /// <param name="deadline">Until when.</param>
    public HttpResponseMessage Exchange(ReadOnlySpan<byte> head, Stream body, int maxReply, Deadline deadline)
    {
        _deadline = deadline;
        HasReceived = false;
        using var abort = deadline.OnAbort(_socket);
        try
        {
            var refused = Write(head, body);
            try
            {
                return Read(maxReply);
            }
            catch (Exception e) when (refused is not null && e is not OperationCanceledException)
            {
                throw refused;
            }
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
        {
            IsReusable = false;
            deadline.ThrowIfOver();
            throw new HttpRequestException(HttpRequestError.ResponseEnded, e.Message, e);
        }
        catch
        {
            IsReusable = false;
            throw;
        }
    }

    public void Dispose()
    {
        try
        {
            _stream.Dispose();
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
        {
            // The other end was faster.
        }
    }

    private static IPAddress[] Resolve(Uri uri)
    {
        if (IPAddress.TryParse(uri.DnsSafeHost, out var address)) return [address];
        try
        {
            return Dns.GetHostAddresses(uri.IdnHost);
        }
        catch (SocketException e)
        {
            throw new HttpRequestException(HttpRequestError.NameResolutionError, e.Message, e);
        }
    }

    private static Socket Connect(IPAddress[] addresses, int port, Deadline deadline)
    {
        var error = SocketError.HostNotFound;
        foreach (var address in addresses)
        {
            deadline.ThrowIfOver();
            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            error = Connect(socket, new IPEndPoint(address, port), deadline);
            if (error == SocketError.Success) return socket;
            socket.Dispose();
        }

        deadline.ThrowIfAborted();
        var cause = new SocketException((int)error);
        throw new HttpRequestException(HttpRequestError.ConnectionError, cause.Message, cause);
    }

    // Not blocking, so that it can be given up in time: the system's own patience is two minutes.
    private static SocketError Connect(Socket socket, IPEndPoint endpoint, Deadline deadline)
    {
        using var abort = deadline.OnAbort(socket);
        try
        {
            socket.Blocking = false;
            try
            {
                socket.Connect(endpoint);
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
            {
                if (!socket.Poll(deadline.ToConnect, SelectMode.SelectWrite)) return SocketError.TimedOut;
            }

            var error = (SocketError)(int)socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error)!;
            if (error == SocketError.Success) socket.Blocking = true;
            return error;
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode;
        }
        catch (ObjectDisposedException)
        {
            return SocketError.OperationAborted;
        }
    }

    // In pieces of the buffer: a collector that reads a byte a second must not stretch the time.
    private IOException? Write(ReadOnlySpan<byte> head, Stream body)
    {
        try
        {
            for (var rest = head; ;)
            {
                var count = Math.Min(rest.Length, _buffer.Length);
                rest[..count].CopyTo(_buffer);
                rest = rest[count..];
                if (rest.IsEmpty) count += body.Read(_buffer.AsSpan(count));
                if (count == 0) return null;
                _deadline.ThrowIfOver();
                _socket.SendTimeout = _deadline.Milliseconds;
                _stream.Write(_buffer, 0, count);
            }
        }
        catch (IOException e) when (_deadline.Remaining > TimeSpan.Zero)
        {
            // Some refuse a body before they have read it, and close: their answer may be there all the same.
            IsReusable = false;
            return e;
        }
    }

    private HttpResponseMessage Read(int maxReply)
    {
        while (true)
        {
            var response = ReadHead();
            if ((int)response.StatusCode is >= 100 and < 200)
            {
                // "Continue", "Early Hints": the real answer follows.
                response.Dispose();
                continue;
            }

            var body = (int)response.StatusCode is 204 or 304 ? [] : ReadBody(response, maxReply);
            var content = new ByteArrayContent(body);
            foreach (var (name, values) in response.Content.Headers.NonValidated)
            {
                if (!name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase)) content.Headers.TryAddWithoutValidation(name, values);
            }

            response.Content = content;
            return response;
        }
    }

    private HttpResponseMessage ReadHead()
    {
        // HTTP/1.1 200 OK
        var line = ReadLine();
        if (line.Length < 12 || !line.StartsWith("HTTP/1."u8) || line[8] != ' '
            || !Utf8Parser.TryParse(line.Slice(9, 3), out int status, out var digits) || digits != 3 || status < 100)
        {
            throw new HttpRequestException(HttpRequestError.InvalidResponse, "The answer does not begin with an HTTP status.");
        }

        IsReusable &= line[7] != '0';
        var response = new HttpResponseMessage((HttpStatusCode)status) { Content = new ByteArrayContent([]) };
        for (var count = 0; !(line = ReadLine()).IsEmpty; count++)
        {
            var colon = line.IndexOfAny(TokenEnd);
            if (count == MaxHeaders || colon <= 0 || line[colon] != ':')
            {
                throw new HttpRequestException(HttpRequestError.InvalidResponse, "The answer has headers that are none.");
            }

            var name = System.Text.Encoding.Latin1.GetString(line[..colon]);
            var value = System.Text.Encoding.Latin1.GetString(line[(colon + 1)..]).Trim();
            if (!response.Headers.TryAddWithoutValidation(name, value)) response.Content.Headers.TryAddWithoutValidation(name, value);
        }

        if (response.Headers.ConnectionClose == true) IsReusable = false;
        return response;
    }

    private byte[] ReadBody(HttpResponseMessage response, int maxReply)
    {
        using var body = new MemoryStream();
        if (response.Headers.TransferEncodingChunked == true)
        {
            while (true)
            {
                var line = ReadLine();
                if (!Utf8Parser.TryParse(line, out int size, out var digits, 'x') || digits == 0 || size < 0)
                {
                    throw new HttpRequestException(HttpRequestError.InvalidResponse, "The answer comes in chunks that have no size.");
                }

                if (size == 0)
                {
                    while (!ReadLine().IsEmpty)
                    {
                        // Trailers say nothing that we want to know.
                    }

                    return body.ToArray();
                }

                if (!Copy(body, size, maxReply)) return body.ToArray();
                if (!ReadLine().IsEmpty) throw new HttpRequestException(HttpRequestError.InvalidResponse, "A chunk is longer than it says.");
            }
        }

        if (response.Content.Headers.NonValidated.TryGetValues("Content-Length", out var lengths))
        {
            if (!long.TryParse(lengths.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var length))
            {
                throw new HttpRequestException(HttpRequestError.InvalidResponse, "The answer's length is not a number.");
            }

            Copy(body, length, maxReply);
            return body.ToArray();
        }

        IsReusable = false;
        while (Fill())
        {
            if (!Copy(body, _end - _start, maxReply)) break;
        }

        return body.ToArray();
    }

    // False when the limit was reached: the rest is not read, and the connection with it lost.
    private bool Copy(MemoryStream target, long count, int maxReply)
    {
        while (count > 0)
        {
            if (_start == _end && !Fill()) throw new HttpRequestException(HttpRequestError.ResponseEnded, "The answer ends too early.");
            var piece = (int)Math.Min(count, _end - _start);
            target.Write(_buffer, _start, piece);
            _start += piece;
            count -= piece;
            if (target.Length <= maxReply) continue;
            IsReusable = false;
            return false;
        }

        return true;
    }

    private ReadOnlySpan<byte> ReadLine()
    {
        var searched = 0;
        while (true)
        {
            var line = _buffer.AsSpan(_start, _end - _start);
            var end = line[searched..].IndexOf((byte)'\n');
            if (end >= 0)
            {
                line = line[..(searched + end)];
                _start += line.Length + 1;
                return line.TrimEnd((byte)'\r');
            }

            searched = line.Length;
            if (line.Length == _buffer.Length) throw new HttpRequestException(HttpRequestError.InvalidResponse, "The answer has a line without end.");
            if (!Fill()) throw new HttpRequestException(HttpRequestError.ResponseEnded, "The connection was closed before an answer came.");
        }
    }

    private bool Fill()
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            _end -= _start;
            _start = 0;
        }

        _deadline.ThrowIfOver();
        _socket.ReceiveTimeout = _deadline.Milliseconds;
        var read = _stream.Read(_buffer, _end, _buffer.Length - _end);
        _end += read;
        HasReceived |= read > 0;
        return read > 0;
    }
}

/// <summary>Until when a request may take, by the clock of sockets, and what ends it earlier.</summary>
internal readonly struct Deadline(TimeSpan timeout, CancellationToken abort)
{
    private static readonly TimeSpan LongestConnect = TimeSpan.FromSeconds(5);

    private readonly long _start = Stopwatch.GetTimestamp();

    public TimeSpan Remaining => timeout - Stopwatch.GetElapsedTime(_start);

    /// <summary>What is left, at least one: to a socket zero means for ever.</summary>
    public int Milliseconds => (int)Math.Clamp(Math.Ceiling(Remaining.TotalMilliseconds) + 1, 1, int.MaxValue);

    public TimeSpan ToConnect => Remaining < LongestConnect ? Remaining : LongestConnect;

    /// <summary>A blocked socket wakes up when it is disposed of.</summary>
    public CancellationTokenRegistration OnAbort(Socket socket) => abort.UnsafeRegister(static state => ((Socket)state!).Dispose(), socket);

    public void ThrowIfAborted() => abort.ThrowIfCancellationRequested();

    public void ThrowIfOver()
    {
        abort.ThrowIfCancellationRequested();
        if (Remaining <= TimeSpan.Zero) throw new OperationCanceledException("The time is up.");
    }
}
