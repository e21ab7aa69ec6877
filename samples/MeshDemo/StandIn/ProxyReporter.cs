using System.Threading.Channels;
using MeshDemo.Processes;

namespace MeshDemo.StandIn;

// A span in Zipkin's v2 JSON; the names are Zipkin's.
internal sealed record ProxySpan(
    string TraceId, string Id, string? ParentId, string Kind, string Name, long Timestamp, long Duration, ProxySpan.Endpoint LocalEndpoint,
    Dictionary<string, string> Tags)
{
    internal sealed record Endpoint(string ServiceName);
}

/// <summary>Sends the stand-in's spans to a Zipkin endpoint. A request has all spans that were added during the one before.</summary>
internal sealed class ProxyReporter : IAsyncDisposable
{
    private static readonly System.Text.Json.JsonSerializerOptions Json = new(System.Text.Json.JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull,
    };

    private readonly Channel<ProxySpan> _spans = Channel.CreateBounded<ProxySpan>(
        new BoundedChannelOptions(1000) { FullMode = BoundedChannelFullMode.DropWrite });

    private readonly Task _sending;

    public ProxyReporter(Uri endpoint) => _sending = SendAsync(endpoint);

    public void Add(ProxySpan span) => _spans.Writer.TryWrite(span);

    public async ValueTask DisposeAsync()
    {
        _spans.Writer.Complete();
        await _sending;
    }

    private async Task SendAsync(Uri endpoint)
    {
        using var http = LocalHttp.CreateClient();
        while (await _spans.Reader.WaitToReadAsync())
        {
            var batch = new List<ProxySpan>();
            while (_spans.Reader.TryRead(out var span))
                batch.Add(span);
            try
            {
                using var answer = await http.PostAsJsonAsync(endpoint, batch, Json);
            }
            catch (HttpRequestException e)
            {
                Console.Error.WriteLine($"{batch.Count} spans could not be sent to {endpoint}: {e.Message}");
            }
        }
    }
}
