using System.Text.Json;
using MeshDemo.StandIn;
using Microsoft.AspNetCore.Http;

namespace Tracing.Sdk.IntegrationTests.Demo;

/// <summary>The stand-in does to headers what the real Envoy was recorded to do.</summary>
public sealed class StandInTests
{
    public static TheoryData<string> Recordings => [.. Read()
        .Where(recording => recording.GetProperty("proxy").GetString() is "Zipkin tracer, B3 only, one span a request" or "Zipkin tracer, B3 and W3C, one span a request")
        .Select(recording => recording.GetProperty("name").GetString()!)];

    [Theory]
    [MemberData(nameof(Recordings))]
    public void ExtractAndInject_RecordedRequest_LeavesTheHeadersThatEnvoyLeft(string name)
    {
        var recording = Read().Single(recording => recording.GetProperty("name").GetString() == name);
        var sent = Headers(recording.GetProperty("sent"));
        var w3c = recording.GetProperty("proxy").GetString()!.Contains("W3C", StringComparison.Ordinal);

        var headers = new HeaderDictionary();
        using var request = new HttpRequestMessage();
        foreach (var (header, value) in sent)
        {
            headers.Append(header, value);
            request.Headers.TryAddWithoutValidation(header, value);
        }

        if (ProxySpanContext.TryExtract(headers, w3c, out var context))
            context.NewChild().Inject(request, w3c);

        var left = request.Headers.NonValidated.SelectMany(header => header.Value.Select(value => (header.Key, value)));
        Assert.Equal(Masked(Headers(recording.GetProperty("headers")), sent), Masked(left, sent));
    }

    // Ids that the caller did not send are new, and differ from run to run.
    private static string[] Masked(IEnumerable<(string Name, string Value)> headers, IReadOnlyList<(string Name, string Value)> sent)
    {
        var known = string.Join(' ', sent.Select(header => header.Value));
        return [.. headers.Select(header => $"{header.Name.ToLowerInvariant()}: {string.Join('-', header.Value.Split('-').Select(Mask))}").Order(StringComparer.Ordinal)];

        string Mask(string part) => part.Length is 16 or 32 && !known.Contains(part, StringComparison.Ordinal) ? $"new{part.Length}" : part;
    }

    private static (string Name, string Value)[] Headers(JsonElement list) =>
        [.. list.EnumerateArray().Select(header => (header[0].GetString()!, header[1].GetString()!))];

    private static JsonElement[] Read() =>
        [.. JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "vectors", "envoy-wire.json"))).RootElement.EnumerateArray()];
}
