using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Tracing.Sdk.IntegrationTests.Wire;

/// <summary>One header line, as it stood on the wire.</summary>
public readonly record struct HeaderLine(string Name, string Value);

/// <summary>The first line and the header lines of one HTTP/1.1 message, in order, duplicates and all.</summary>
public sealed record RawMessage(string FirstLine, IReadOnlyList<HeaderLine> Headers, byte[] Body)
{
    /// <summary>For a request: its target.</summary>
    public string Target => FirstLine.Split(' ')[1];

    /// <summary>For a response: its status.</summary>
    public int Status => int.Parse(FirstLine.Split(' ')[1], CultureInfo.InvariantCulture);

    public IReadOnlyList<string> All(string name) =>
        [.. Headers.Where(header => header.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(header => header.Value)];

    /// <summary>The value of a header that must stand there at most once; null when it does not.</summary>
    public string? One(string name)
    {
        var values = All(name);
        Assert.True(values.Count <= 1, $"{name} left {values.Count} times: {string.Join(" | ", values)}");
        return values.Count == 0 ? null : values[0];
    }
}

/// <summary>HTTP/1.1 over a socket with nothing in between that could mend, merge or refuse a header.</summary>
public sealed class RawConnection(TcpClient client) : IDisposable
{
    private readonly NetworkStream _stream = client.GetStream();
    private readonly List<byte> _read = [];

    public static async Task<RawConnection> OpenAsync(Uri address)
    {
        var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(address.Host, address.Port);
        return new RawConnection(client);
    }

    /// <summary>Sends exactly these header lines and waits for the response.</summary>
    public async Task<RawMessage> SendAsync(string method, string target, IEnumerable<HeaderLine> headers, byte[]? body = null)
    {
        var head = new StringBuilder().Append(CultureInfo.InvariantCulture, $"{method} {target} HTTP/1.1\r\nHost: wire-service\r\n");
        foreach (var header in headers)
            head.Append(header.Name).Append(": ").Append(header.Value).Append("\r\n");
        if (body is not null)
            head.Append(CultureInfo.InvariantCulture, $"Content-Type: application/json\r\nContent-Length: {body.Length}\r\n");

        // Latin-1 writes one byte a character; Encode has made UTF-8 of what is not ASCII before.
        await WriteAsync([.. Encoding.Latin1.GetBytes(head.Append("\r\n").ToString()), .. body ?? []]);
        return await ReadAsync() ?? throw new IOException("The service closed the connection without a response.");
    }

    /// <summary>Characters that are not ASCII as the bytes of UTF-8, the only form that Kestrel lets through, one byte a character.</summary>
    public static string Encode(string value) => Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(value));

    public async Task WriteAsync(byte[] bytes) => await _stream.WriteAsync(bytes);

    /// <summary>The next message, or null when the peer has closed.</summary>
    public async Task<RawMessage?> ReadAsync()
    {
        var lines = new List<string>();
        while (true)
        {
            var line = await ReadLineAsync();
            if (line is null) return null;
            if (line.Length == 0) break;
            lines.Add(line);
        }

        var headers = lines.Skip(1).Select(line =>
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            return new HeaderLine(line[..colon], line[(colon + 1)..].TrimStart(' '));
        }).ToList();
        var message = new RawMessage(lines[0], headers, []);
        return message with { Body = await ReadBodyAsync(message) };
    }

    public void Dispose()
    {
        _stream.Dispose();
        client.Dispose();
    }

    private async Task<byte[]> ReadBodyAsync(RawMessage message)
    {
        if (message.One("Content-Length") is { } length)
            return await ReadBytesAsync(int.Parse(length, CultureInfo.InvariantCulture));
        if (message.One("Transfer-Encoding") != "chunked")
            return [];

        var body = new List<byte>();
        while (true)
        {
            var size = int.Parse(await ReadLineAsync() ?? "0", NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            body.AddRange(await ReadBytesAsync(size));
            await ReadLineAsync();
            if (size == 0) return [.. body];
        }
    }

    private async Task<string?> ReadLineAsync()
    {
        int end;
        while ((end = _read.IndexOf((byte)'\n')) < 0)
            if (!await FillAsync()) return null;

        var line = Encoding.Latin1.GetString(_read.GetRange(0, end).ToArray());
        _read.RemoveRange(0, end + 1);
        return line.TrimEnd('\r');
    }

    private async Task<byte[]> ReadBytesAsync(int count)
    {
        while (_read.Count < count)
            if (!await FillAsync()) throw new IOException("The body ended early.");
        var bytes = _read.GetRange(0, count).ToArray();
        _read.RemoveRange(0, count);
        return bytes;
    }

    private async Task<bool> FillAsync()
    {
        var buffer = new byte[16 * 1024];
        var count = await _stream.ReadAsync(buffer);
        _read.AddRange(buffer.AsSpan(0, count));
        return count > 0;
    }
}
