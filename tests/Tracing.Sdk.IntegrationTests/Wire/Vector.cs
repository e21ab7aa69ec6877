using System.Text.Json;

namespace Tracing.Sdk.IntegrationTests.Wire;

/// <summary>One entry of vectors/*.json.</summary>
public sealed record Vector(string Name, IReadOnlyList<HeaderLine> Headers, JsonElement Expect)
{
    /// <summary>
    /// No HTTP server lets this through: Kestrel answers 400 to a NUL in a header, as RFC 9110 5.5 wants it.
    /// Such vectors are checked for just that; the parsers see them in the unit tests.
    /// </summary>
    public bool IsRefusedByServers => Headers.Any(header => header.Value.Contains('\0'));

    public static IReadOnlyDictionary<string, Vector> Load(string file)
    {
        using var json = JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "vectors", file)));
        return json.RootElement.EnumerateArray().Select(Read).ToDictionary(vector => vector.Name);
    }

    /// <summary>The value of the header field <paramref name="name"/>, first of several; null when absent.</summary>
    public string? First(string name) =>
        Headers.Where(header => header.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(header => header.Value).FirstOrDefault();

    private static Vector Read(JsonElement vector) => new(
        vector.GetProperty("name").GetString()!,
        [.. vector.GetProperty("headers").EnumerateArray().Select(header => new HeaderLine(header[0].GetString()!, header[1].GetString()!))],
        vector.GetProperty("expect").Clone());
}
