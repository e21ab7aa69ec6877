using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Tracing.Sdk.Export.Encoding;
using Tracing.Sdk.Recording;

namespace Tracing.Sdk.Export.Zipkin;

/// <summary>The ranks of a key that describes the remote endpoint. The lowest rank wins.</summary>
/// <param name="Host">The rank as the endpoint's name or address.</param>
/// <param name="Port">The rank of the host to which the port belongs.</param>
internal sealed record EndpointTag(EndpointTag.ByKind Host, EndpointTag.ByKind Port)
{
    /// <summary>A rank on server spans, and a rank on all others.</summary>
    public readonly record struct ByKind(int Server, int Client)
    {
        public int Of(ActivityKind kind) => kind == ActivityKind.Server ? Server : Client;
    }
}

/// <summary>Derives the remote endpoint of a span from its tags.</summary>
/// <remarks>https://opentelemetry.io/docs/specs/otel/trace/sdk_exporters/zipkin/#otlp---zipkin, with service.peer.name before all others.</remarks>
internal static class RemoteEndpoint
{
    private const int NoRank = int.MaxValue;
    private const int Ranks = 12;

    /// <summary>Returns the ranks of a key; null for most keys.</summary>
    public static EndpointTag? Rank(string key)
    {
        var tag = new EndpointTag(new(ServerRank(key), ClientRank(key)), new(PortRank(key, ActivityKind.Server), PortRank(key, ActivityKind.Client)));
        return tag is { Host: { Server: NoRank, Client: NoRank }, Port: { Server: NoRank, Client: NoRank } } ? null : tag;
    }

    public static void Write(ref ByteWriter writer, Activity activity, SpanContent? content, scoped DetailList details, AttributeKey.Table keys)
    {
        var kind = activity.Kind;
        if (kind == ActivityKind.Internal) return;

        var found = new Candidates { HostRank = NoRank };
        for (var i = 0; i < details.Places; i++)
        {
            if (details.Get(i, out var detail) is { } value && ((ZipkinKey)detail).Endpoint is { } endpoint) found.Add(endpoint, kind, value);
        }

        if (content is { HasAttributes: true }) found.Add(new ContentTags(content), kind, keys);
        else found.Add(new ActivityTags(activity.EnumerateTagObjects()), kind, keys);
        if (found.Host is not { } host) return;
        var isIPv4 = IsIPv4(host);
        var address = isIPv4 ? null : ParseAddress(host);
        // On a server span these tags hold the client's address. Written as a service name it would become a service in the dependency graph.
        if (kind == ActivityKind.Server && !isIPv4 && address is null && found.HostRank > 1) return;

        writer.Write(",\"remoteEndpoint\":{"u8);
        if (isIPv4)
        {
            writer.Write("\"ipv4\":"u8);
            writer.WriteString(host);
        }
        else if (address is null)
        {
            writer.Write("\"serviceName\":"u8);
            ZipkinText.Write(ref writer, host);
        }
        else
        {
            if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
            writer.Write(address.AddressFamily == AddressFamily.InterNetwork ? "\"ipv4\":\""u8 : "\"ipv6\":\""u8);
            address.TryFormat(writer.Reserve(65), out var written);
            writer.Advance(written);
            writer.Write((byte)'"');
        }

        if (ParsePort(PortOf(in found, activity, content, details, keys)) is { } port)
        {
            writer.Write(",\"port\":"u8);
            writer.WriteNumber(port);
        }

        writer.Write((byte)'}');
    }

    private static object? PortOf(in Candidates found, Activity activity, SpanContent? content, scoped DetailList details, AttributeKey.Table keys)
    {
        if (found.Ports == 0) return null;
        if (found.Ports == 1) return found.PortRank == found.HostRank ? found.Port : null;
        return PortTag(found.HostRank, activity.Kind) is { } portTag ? ZipkinKey.FindTag(portTag, activity, content, keys) ?? details.Find(portTag) : null;
    }

    private struct Candidates
    {
        public int HostRank;
        public string? Host;

        // Most spans have one port. If there are several, the host's port is looked up by its key.
        public int Ports;
        public int PortRank;
        public object? Port;

        public void Add<TTags>(TTags tags, ActivityKind kind, AttributeKey.Table keys) where TTags : struct, ITagList
        {
            var key = keys.Start;
            while (tags.MoveNext())
            {
                ref readonly var tag = ref tags.Current;
                key = keys.Get(tag.Key, key);
                if (((ZipkinKey)key).Endpoint is { } endpoint) Add(endpoint, kind, tag.Value);
            }
        }

        // Of two tags with one rank the later one counts.
        public void Add(EndpointTag tag, ActivityKind kind, object? value)
        {
            var rank = tag.Host.Of(kind);
            if (rank != NoRank && rank <= HostRank && value is string { Length: > 0 } host) (HostRank, Host) = (rank, host);
            rank = tag.Port.Of(kind);
            if (rank == NoRank) return;
            Ports++;
            (PortRank, Port) = (rank, value);
        }
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

    // On a server span server.address is this service, and the remote endpoint is the client.
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

    private static int PortRank(string key, ActivityKind kind)
    {
        for (var rank = 0; rank < Ranks; rank++)
        {
            if (PortTag(rank, kind) == key) return rank;
        }

        return NoRank;
    }

    // Recognises the usual form, four decimal numbers, without an allocation. Other forms are left to IPAddress: 127.1, 010.0.0.1, 0x7F.1
    private static bool IsIPv4(string host)
    {
        if (host.Length > 15 || !char.IsAsciiDigit(host[^1])) return false;
        var (numbers, digits, value) = (1, 0, 0);
        foreach (var c in host)
        {
            if (char.IsAsciiDigit(c))
            {
                if (digits > 0 && value == 0) return false;
                digits++;
                value = (value * 10) + c - '0';
                if (value > 255) return false;
            }
            else
            {
                if (c != '.' || digits == 0) return false;
                (numbers, digits, value) = (numbers + 1, 0, 0);
            }
        }

        return numbers == 4;
    }

    private static IPAddress? ParseAddress(string host) =>
        (char.IsAsciiHexDigit(host[0]) || host[0] is ':' or '[') && (host.Contains(':') || char.IsAsciiDigit(host[^1]))
        && IPAddress.TryParse(host, out var address) ? address : null;

    private static int? ParsePort(object? value)
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
