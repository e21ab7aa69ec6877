using System.Collections.Concurrent;
using System.Text.Json;
using Tracing.Sdk.Propagation;

namespace Tracing.Sdk.Tests.Propagation;

/// <summary>One case of a file in <c>vectors</c>; vectors/README.md explains the fields.</summary>
internal sealed record Vector(string Name, Carrier Headers, JsonElement Expect, IReadOnlyDictionary<string, string> PeersDiffer)
{
    private static readonly ConcurrentDictionary<string, Dictionary<string, JsonElement>> Files = new();

    public static TheoryData<string> Names(string file) => [.. NamesIn(file)];

    /// <summary>The cases whose expectation has this field, and if given, this value in it.</summary>
    public static TheoryData<string> NamesWhere(string file, string field, string? value = null) =>
        [.. NamesIn(file).Where(name => Get(file, name).Text(field) is { } text && (value is null || text == value))];

    public static IEnumerable<string> NamesIn(string file) => Load(file).Keys;

    /// <summary>A fresh copy, so that no test sees what another has written.</summary>
    public static Vector Get(string file, string name)
    {
        var vector = Load(file)[name];
        return new Vector(
            name,
            new Carrier(vector.GetProperty("headers").EnumerateArray().Select(h => KeyValuePair.Create(h[0].GetString()!, h[1].GetString()!))),
            vector.GetProperty("expect"),
            vector.TryGetProperty("peersDiffer", out var peers)
                ? peers.EnumerateObject().ToDictionary(p => p.Name, p => p.Value.ToString())
                : new Dictionary<string, string>());
    }

    /// <summary>A field of what is expected; null when it is null or absent.</summary>
    public string? Text(string field) =>
        Expect.TryGetProperty(field, out var value) && value.ValueKind != JsonValueKind.Null ? value.GetString() : null;

    public bool Flag(string field) => Expect.TryGetProperty(field, out var value) && value.GetBoolean();

    public SamplingState State(string field = "state") => Enum.Parse<SamplingState>(Text(field)!, ignoreCase: true);

    private static Dictionary<string, JsonElement> Load(string file) => Files.GetOrAdd(file, static file =>
    {
        using var stream = File.OpenRead(Path.Combine(AppContext.BaseDirectory, "vectors", file + ".json"));
        return JsonDocument.Parse(stream).RootElement.EnumerateArray().ToDictionary(v => v.GetProperty("name").GetString()!);
    });
}
