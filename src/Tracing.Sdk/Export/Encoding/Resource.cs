namespace Tracing.Sdk.Export.Encoding;

/// <summary>What this process is: <c>service.name</c> first, then the rest.</summary>
internal sealed record Resource(IReadOnlyList<KeyValuePair<string, object>> Attributes)
{
    /// <summary>The schema that the attribute names of resource and spans follow.</summary>
    public const string SchemaUrl = "https://opentelemetry.io/schemas/1.44.0";

    /// <summary><c>service.name</c>, or "unknown_service" when nobody gave one.</summary>
    public string ServiceName =>
        Attributes.FirstOrDefault(attribute => attribute.Key == "service.name").Value as string ?? "unknown_service";
}
