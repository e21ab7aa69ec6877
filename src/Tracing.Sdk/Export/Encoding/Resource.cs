namespace Tracing.Sdk.Export.Encoding;

/// <summary>The attributes of this process, <c>service.name</c> first.</summary>
internal sealed record Resource(IReadOnlyList<KeyValuePair<string, object>> Attributes)
{
    /// <summary>The schema of the attribute names of resource and spans.</summary>
    public const string SchemaUrl = "https://opentelemetry.io/schemas/1.44.0";

    /// <summary><c>service.name</c>, "unknown_service" when there is none.</summary>
    public string ServiceName =>
        Attributes.FirstOrDefault(attribute => attribute.Key == "service.name").Value as string ?? "unknown_service";
}
