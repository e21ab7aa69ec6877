using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Tracing.Sdk.Encoding.Zipkin;

/// <summary>Who is at the other end of a span, guessed from its tags.</summary>
/// <remarks>https://opentelemetry.io/docs/specs/otel/trace/sdk_exporters/zipkin/#otlp---zipkin, with service.peer.name before all others.</remarks>
internal static class RemoteEndpoint
{
    private const int NoRank = int.MaxValue;

    public static void Write(ref ByteWriter writer, Activity activity, ReadOnlySpan<KeyValuePair<string, object?>> details)
    {
        if (activity.Kind == ActivityKind.Internal) return;

        var best = NoRank;
        string? host = null;
        foreach (ref readonly var tag in details) Rank(tag, activity.Kind, ref best, ref host);
        foreach (ref readonly var tag in activity.EnumerateTagObjects()) Rank(tag, activity.Kind, ref best, ref host);

        if (host is null) return;
        var address = Address(host);
        // What a caller calls itself is its address; as a name it would become a service in the dependency graph.
        if (activity.Kind == ActivityKind.Server && address is null && best > 1) return;

        writer.Write(",\"remoteEndpoint\":{"u8);
        if (address is null)
        {
            writer.Write("\"serviceName\":"u8);
            ZipkinEncoder.WriteString(ref writer, host);
        }
        else
        {
            if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
            writer.Write(address.AddressFamily == AddressFamily.InterNetwork ? "\"ipv4\":\""u8 : "\"ipv6\":\""u8);
            address.TryFormat(writer.Reserve(65), out var written);
            writer.Advance(written);
            writer.Write((byte)'"');
        }

        if (PortTag(best, activity.Kind) is { } portTag && Port(activity.GetTagItem(portTag) ?? Find(details, portTag)) is { } port)
        {
            writer.Write(",\"port\":"u8);
            writer.WriteNumber(port);
        }

        writer.Write((byte)'}');
    }

    private static void Rank(in KeyValuePair<string, object?> tag, ActivityKind kind, ref int best, ref string? host)
    {
        var rank = kind == ActivityKind.Server ? ServerRank(tag.Key) : ClientRank(tag.Key);
        if (rank == NoRank || rank > best || tag.Value is not string { Length: > 0 } value) return;
        best = rank;
        host = value;
    }

    private static object? Find(ReadOnlySpan<KeyValuePair<string, object?>> details, string key)
    {
        foreach (ref readonly var detail in details)
        {
            if (detail.Key == key) return detail.Value;
        }

        return null;
    }

    private static int ClientRank(string? key) => key switch
    {
        "service.peer.name" => 0,
        "peer.service" => 1,
        "server.address" => 2,
        "net.peer.name" => 3,
        "network.peer.address" => 4,
        "server.socket.domain" => 5,
        "server.socket.address" => 6,
        "net.sock.peer.name" => 7,
        "net.sock.peer.addr" => 8,
        "peer.hostname" => 9,
        "peer.address" => 10,
        "db.name" => 11,
        _ => NoRank,
    };

    // On a server span server.address is this service itself; the other end is the client.
    private static int ServerRank(string? key) => key switch
    {
        "service.peer.name" => 0,
        "peer.service" => 1,
        "client.address" => 2,
        "network.peer.address" => 4,
        _ => NoRank,
    };

    private static string? PortTag(int rank, ActivityKind kind) => rank switch
    {
        2 => kind == ActivityKind.Server ? "client.port" : "server.port",
        3 => "net.peer.port",
        4 => "network.peer.port",
        6 => "server.socket.port",
        8 => "net.sock.peer.port",
        _ => null,
    };

    private static IPAddress? Address(string host) =>
        (char.IsAsciiHexDigit(host[0]) || host[0] is ':' or '[') && (host.Contains(':') || char.IsAsciiDigit(host[^1]))
        && IPAddress.TryParse(host, out var address) ? address : null;

    private static int? Port(object? value)
    {
        var port = value switch
        {
            int i => i,
            long i => i,
            ushort i => i,
            string text when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var i) => i,
            _ => 0,
        };
        return port is > 0 and <= 65535 ? (int)port : null;
    }
}
